"""Confused pairs: which are drawn, of which seconds, and what is said where there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import numpy as np
import pytest
from matplotlib.figure import Figure

from datamodules.annotations import Event
from experiments.reporting.pictures.confused_pairs import Seconds, draw_confused, most_confused, read_pairs, together
from experiments.reporting.pictures.drawn import ChartSource, draw_all_confused
from experiments.reporting.report import make_report
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.charts import Confused
from lightning_modules.sed.analysis.co_occurrence import co_occurrence
from lightning_modules.sed.analysis.report import write_rows

TRUE = {"a": [Event(0, 4, "dog"), Event(4, 6, "rain")]}
FOUND = {  # by row and seed: rain where the dog barks, for so many seconds
    ("base", 0): 1.0, ("base", 1): 3.0, ("late", 0): 0.0, ("late", 1): 0.5,
}  # fmt: skip


def source(stored: Stored, folder: Path) -> ChartSource:
    table, tracker = stored.make_table(folder, "sed", ["base", "late"]), stored.Folders(folder)
    cells = []
    for (row, seed), seconds in FOUND.items():
        cell = stored.make_cell(table, tracker, row, seed, {})
        found = {"a": [Event(0, seconds, "rain")] if seconds else []}
        lines = co_occurrence(TRUE, found, duration_seconds={"a": 10.0}, classes=("dog", "rain")).rows()
        write_rows(stored.scores_of(tracker, cell) / "co_occurrence.csv", lines)
        cells.append(cell)
    return ChartSource(make_report(table, cells), cells, tracker, StoredScores(tracker), stored.Splits(None))


def test_a_pair_has_the_seconds_of_all_runs(stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda of, *args, **more: (figures.append(of), save(of, *args, **more))[1])
    of = source(stored, tmp_path)
    path = draw_confused(of.report, Confused("c", ("base", "late")), of.cells, of.scores, folder=tmp_path)
    assert path == tmp_path / "c.png"
    (axis,) = figures[0].axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["rain where dog sounds"]
    means = {line.get_label(): line.get_xdata() for line in axis.lines if line.get_marker() in "oD"}
    np.testing.assert_allclose(means["base"], [100 * (1 + 3) / (4 + 4)])
    np.testing.assert_allclose(means["late"], [100 * 0.5 / 8])
    ticks = [line.get_xdata() for line in axis.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(ticks, [[25, 75], [0, 12.5]])


def test_pairs_are_of_two_classes_and_the_worst_in_either_row_come_first(stored: Stored, tmp_path: Path) -> None:
    of = source(stored, tmp_path)
    lines = of.scores.file(of.cells[0], "co_occurrence.csv")
    assert lines is not None
    assert read_pairs(lines) == {("dog", "rain"): Seconds(4, 1), ("rain", "dog"): Seconds(2, 0)}
    first = {("a", "b"): Seconds(9, 1), ("b", "a"): Seconds(9, 2), ("a", "c"): Seconds(1, 0)}
    second = {("a", "b"): Seconds(9, 3), ("b", "a"): Seconds(9, 0)}
    assert most_confused([first, second]) == [("a", "b"), ("b", "a")]
    assert together([first, second])["a", "b"] == Seconds(18, 4)
    assert Seconds(0, 0).percent == 0


def test_runs_without_these_lines_are_said(stored: Stored, tmp_path: Path) -> None:
    of = source(stored, tmp_path)
    for path in tmp_path.rglob("co_occurrence.csv"):
        path.unlink()
    table = replace(of.report.table, charts=(Confused("c", ("base", "late")),))
    pictures, lines = draw_all_confused(of._replace(report=replace(of.report, table=table)), folder=tmp_path / "out")
    assert pictures == []
    assert lines[0].startswith("t.yaml: charts.c: not drawn, base and late have no finished run with co_occurrence.csv")
