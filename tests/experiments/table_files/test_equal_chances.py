"""The tables of systems give every one the same start, batches, updates, learning rate, dropout and masks."""

from __future__ import annotations

import pytest

from experiments.table_files.merge import get_path
from experiments.table_files.spec import read_table

SYSTEMS = ("ctc", "rnnt", "rnnt_attention", "encoder_decoder", "bahdanau", "las_content", "las_location", "hybrid")
EQUAL = ("trainer.max_epochs", "data.batch_seconds", "data.speed_factors", "model.optimizer.lr",
         "model.scheduler.max_lr", "model.encoder.dropout", "model.spec_augment.time_mask_seconds",
         "trainer.gradient_clip_val", "fine_tuning.groups.encoder.start",
         "fine_tuning.groups.encoder.train_from_epoch")  # fmt: skip
OF_ALIGNMENT = ("ctc", "hybrid", "bahdanau", "las")
SAME_SECTIONS = ("trainer", "data", "model.encoder", "model.features", "model.spec_augment", "model.optimizer",
                 "model.scheduler", "fine_tuning.groups.encoder")  # fmt: skip


@pytest.mark.parametrize("scale", ["demo", "study", "full"])
def test_every_system_has_the_updates_of_the_others(scale: str) -> None:
    table = read_table("end_to_end", scale=scale)
    for path in EQUAL:
        found = {row: str(get_path(table.rows[row].config, path)) for row in (*SYSTEMS, "ctc_listener")}
        assert len(set(found.values())) == 1, (path, found)
    starts = {row: table.rows[row].sources["seed"].row for row in SYSTEMS}
    assert set(starts.values()) == {"start", "start_listener"}
    both = [table.rows[row] for row in ("start", "start_listener")]
    assert all(row.reference for row in both)
    assert len({get_path(row.config, "trainer.max_epochs") for row in both}) == 1
    assert all(set(get_path(table.rows[row].config, "scoring.decoders")) == {"greedy", "beam"} for row in SYSTEMS)


@pytest.mark.parametrize("scale", ["demo", "study"])
def test_the_search_tries_the_same_settings_on_the_same_systems(scale: str) -> None:
    searched, demo = read_table("end_to_end_search", scale=scale), read_table("end_to_end", scale="demo")
    assert set(searched.searches) == {*SYSTEMS, "ctc_listener"}
    assert len({str(search) for search in searched.searches.values()}) == 1
    for row in searched.searches:
        for path in ("model", "model.speller", "model.predictor", "model.predictor.hidden_units", "fine_tuning"):
            assert get_path(searched.rows[row].config, path) == get_path(demo.rows[row].config, path), (row, path)
        assert searched.rows[row].sources["seed"].row == demo.rows[row].sources["seed"].row
    assert all(search.metric.startswith("validation/") for search in searched.searches.values())


@pytest.mark.parametrize("scale", ["demo", "study"])
def test_every_aligned_system_has_them_too(scale: str) -> None:
    table = read_table("alignment", scale=scale)
    for path in SAME_SECTIONS:
        found = {row: get_path(table.rows[row].config, path) for row in OF_ALIGNMENT}
        assert all(value == found["ctc"] for value in found.values()), (path, found)
    assert {table.rows[row].sources["seed"].row for row in OF_ALIGNMENT} == {"start"}
    assert "fine_tuning" not in table.rows["start"].config
    read = {row.sources["own"].row for row in table.rows.values() if "own" in row.sources}
    assert read == set(OF_ALIGNMENT)
