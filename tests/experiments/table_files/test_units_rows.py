"""Rows of ``units`` that decode have the unit of what they stand on, and differ from one another in it alone."""

from __future__ import annotations

from copy import deepcopy

import pytest

from experiments.table_files.merge import get_path
from experiments.table_files.spec import Row, read_table

UNIT = ("unit", "vocabulary_size", "word_min_count")


def _unit(row: Row) -> tuple[object, ...]:
    return tuple(get_path(row.config, f"data.{name}") for name in UNIT)


@pytest.mark.parametrize("scale", ["demo", "study"])
def test_what_decodes_writes_what_its_sources_know(scale: str) -> None:
    table = read_table("units", scale=scale)
    decoding = [row for row in table.rows.values() if "own" in row.sources]
    by_ngrams = {"character_lm", "subword_100_lm", "subword_300_lm", "word_lm"}
    assert {row.name for row in decoding} == by_ngrams | {"subword_300_gru_lm"}
    for row in decoding:
        assert _unit(row) == _unit(table.rows[row.sources["own"].row])
        if (source := row.sources["language_model"]).table == "units":
            assert _unit(row) == _unit(table.rows[source.row])


@pytest.mark.parametrize("scale", ["demo", "study"])
def test_hybrids_differ_in_the_unit_alone(scale: str) -> None:
    rows = read_table("units", scale=scale).rows
    configs = [deepcopy(rows[name].config) for name in ("hybrid_character", "hybrid_subword_300")]
    units = [[config["data"]["init_args"].pop(name, None) for name in UNIT] for config in configs]
    assert units == [["character", None, None], ["subword", 300, None]]
    assert configs[0] == configs[1]
    for path in ("model.encoder", "model.optimizer", "model.scheduler", "data.batch_seconds", "trainer.max_epochs"):
        assert get_path(configs[0], path) == get_path(rows["character"].config, path)
