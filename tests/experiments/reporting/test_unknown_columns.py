"""A misspelt column is said with the names that runs have; one that only some rows have, or may still have, is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.planning.cell import Cell
from experiments.reporting.unknown_columns import unknown_columns
from experiments.table_files.columns import read_columns
from experiments.table_files.spec import Row, Table
from experiments.tracking.tracked_run import TrackedRun

SAME, OTHER = {"scoring": {"class_path": "a.B", "init_args": {"k": 1}}}, {"scoring": "a.C"}
METRICS = {"test/wer": 0.1, "test/cer": 0.05, "validation/wer": 0.2}


def _row(name: str, config: dict[str, object]) -> Row:
    return Row("t", name, "", "score", config, {})


ROWS = (_row("a", SAME), _row("b", {"scoring": {"class_path": "a.B", "init_args": {"k": 2}}}), _row("c", OTHER))


def _table(*metrics: str, rows: tuple[Row, ...] = ROWS) -> Table:
    columns = read_columns({metric: {} for metric in metrics}, where="t.yaml")
    return Table("t", Path("t.yaml"), "T", "asr", "full", {row.name: row for row in rows}, (0,), columns, {}, (), ())


def _cells(table: Table, metrics: dict[str, dict[str, float]]) -> list[Cell]:
    return [
        Cell(table, row, 0, None, {}, "finished" if name in metrics else "missing", "", _run(metrics.get(name)))
        for name, row in table.rows.items()
    ]


def _run(metrics: dict[str, float] | None) -> TrackedRun | None:
    return None if metrics is None else TrackedRun("i", "finished", {}, metrics)


def test_a_column_that_no_run_has_is_said_with_the_nearest_names() -> None:
    table = _table("test/wer", "test/wre", "loudness")
    misspelt, far = unknown_columns(table, _cells(table, dict.fromkeys("abc", METRICS)))
    assert misspelt.startswith("t.yaml: columns.test/wre: none of the finished runs has this metric; did you mean ")
    assert "test/wer" in misspelt
    assert far.endswith("has this metric; there are test/cer, test/wer, validation/wer and others")


def test_a_column_of_some_rows_says_nothing() -> None:
    table = _table("test/wer", "decoding/lm_weight")
    metrics = {"a": METRICS, "b": METRICS, "c": {**METRICS, "decoding/lm_weight": 0.4}}
    assert not unknown_columns(table, _cells(table, metrics))


@pytest.mark.parametrize(("finished", "says"), [("ab", 0), ("ac", 1), ("", 0)])
def test_a_row_of_another_kind_may_still_bring_it(finished: str, says: int) -> None:
    table = _table("test/wre")
    assert len(unknown_columns(table, _cells(table, dict.fromkeys(finished, METRICS)))) == says


def test_runs_of_another_table_are_no_runs_of_this() -> None:
    table = _table("test/wre")
    others = [replace(cell, row=replace(cell.row, table="u")) for cell in _cells(table, dict.fromkeys("abc", METRICS))]
    assert not unknown_columns(table, others)
