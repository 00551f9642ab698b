"""The data curve gives every system the same start and updates at every length, and every length as many updates."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table, read_table

SYSTEMS = ("ctc", "las", "hybrid")
EQUAL = ("data.train_minutes", "data.batch_seconds", "data.speed_factors", "model.encoder", "model.features",
         "model.spec_augment", "model.optimizer", "model.scheduler", "trainer.max_epochs",
         "trainer.check_val_every_n_epoch", "trainer.gradient_clip_val",
         "fine_tuning.groups.encoder.start")  # fmt: skip
MINUTES = {"5": 5, "10": 10, "20": 20, "40": 40, "all": 57.8}
BATCHES = {"5": 12, "10": 21, "20": 41, "40": 80, "all": 115}  # of an epoch of prompts: len(DurationBuckets) of 40 s
LENGTHS = {"demo": ("5", "20", "all"), "study": ("5", "10", "20", "40", "all")}


@pytest.fixture(params=["demo", "study"])
def table(request: pytest.FixtureRequest) -> Table:
    return read_table("data_curve", scale=request.param)


def _of(table: Table, row: str, path: str) -> Any:
    return get_path(table.rows[row].config, path)


def test_every_system_of_a_length_has_the_start_and_updates_of_the_others(table: Table) -> None:
    for length in LENGTHS[table.scale]:
        rows = [f"{system}_{length}" for system in SYSTEMS]
        for path in EQUAL:
            found = {row: str(_of(table, row, path)) for row in rows}
            assert len(set(found.values())) == 1, (path, found)
        assert {table.rows[row].sources["seed"].row for row in rows} == {f"start_{length}"}
        for path in EQUAL[:-1]:
            assert _of(table, f"start_{length}", path) == _of(table, rows[0], path), (length, path)
        guided, epochs = (_of(table, f"las_{length}", f) for f in ("model.guided_epochs", "trainer.max_epochs"))
        assert guided / epochs == pytest.approx(1 / 6, abs=0.09), length  # the demo's whole hour has eight epochs
        assert _of(table, f"hybrid_{length}", "model.guided_epochs") == guided


def test_every_length_has_as_many_updates(table: Table) -> None:
    lengths = LENGTHS[table.scale]
    assert {name.removeprefix("start_") for name in table.rows if name.startswith("start_")} == {*lengths}
    updates = {length: _of(table, f"start_{length}", "trainer.max_epochs") * BATCHES[length] for length in lengths}
    least, most = (920, 984) if table.scale == "demo" else (1890, 1968)  # as the table's comment says
    assert (min(updates.values()), max(updates.values())) == (least, most), updates


def test_a_language_model_reads_the_texts_of_the_minutes_that_its_recogniser_hears(table: Table) -> None:
    for length in LENGTHS[table.scale]:
        fused = table.rows[f"hybrid_lm_{length}"]
        assert {name: source.row for name, source in fused.sources.items()} == {
            "own": f"hybrid_{length}", "language_model": f"lm_{length}"
        }  # fmt: skip
        assert fused.against == f"hybrid_{length}"
        for row in (f"start_{length}", f"lm_{length}", f"hybrid_lm_{length}"):
            assert _of(table, row, "data.train_minutes") == MINUTES[length], row
