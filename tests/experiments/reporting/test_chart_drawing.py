"""Charts of a table: what may stand in the file, what is drawn of which runs, and what is said where it is not."""

from __future__ import annotations

import doctest
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting import chart_drawing, notes
from experiments.reporting.chart_drawing import draw_charts, run_curve
from experiments.runs.journal import Journal, read_lines
from experiments.runs.keys import RunKey
from experiments.table_files import charts
from experiments.table_files.charts import Against, Curves, read_charts
from experiments.table_files.spec import Row, Table, read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.store_place import StorePlace
from experiments.tracking.tracked_run import TrackedRun

ROWS = ("scratch_10", "scratch_20", "scratch_40", "decoder_10", "oracle")
CURVES = {"kind": "curves", "metric": "validation/cer", "label": "validation CER", "rows": ["scratch_10", "decoder_10"]}
AGAINST = {
    "kind": "against",
    "metric": "test/cer",
    "x": "data.train_minutes",
    "x_label": "minutes",
    "lines": {"scratch": ["scratch_10", "scratch_20", "scratch_40"], "decoder only": ["decoder_10"]},
}


def table(folder: Path, **of_charts: Mapping[str, Any]) -> Table:
    def config(row: str) -> dict[str, Any]:
        minutes = row.rpartition("_")[2]
        return {
            "data": {"class_path": "d.D", "init_args": {"train_minutes": int(minutes) if minutes.isdigit() else None}}
        }

    rows = {row: Row("t", row, "why", "score" if row == "oracle" else "fit", config(row), {}) for row in ROWS}
    found = read_charts(of_charts, where="t.yaml", rows=ROWS)
    return Table("t", folder / "t.yaml", "T", "asr", "demo", rows, (0, 1), (), {}, (), (), charts=found)


def folders(home: Path) -> Tracker:
    """A tracker that knows where run folders are and has no store behind it, which takes seconds to make."""
    tracker = Tracker.__new__(Tracker)
    tracker.root = home
    tracker.place = StorePlace(home, "sqlite:////nowhere/none.db", read_only=False)
    return tracker


def cell(of: Table, row: str, seed: int, metrics: Mapping[str, float] | None, run_id: str = "none") -> Cell:
    run = None if metrics is None else TrackedRun(run_id, "finished", {}, metrics)
    key = RunKey(row, "", "", seed, "")
    return Cell(of, of.rows[row], seed, key, {}, "missing" if metrics is None else "finished", "", run)


def write_journal(tracker: Tracker, of: Cell, curve: list[float], *, first_epoch: int = 0) -> Journal:
    assert of.key is not None
    run_dir = tracker.run_dir(of.key.id)
    run_dir.mkdir(parents=True, exist_ok=True)
    journal = Journal(run_dir)
    for epoch, value in enumerate(curve, start=first_epoch):
        journal.metrics({"train/loss": 2 * value, "epoch": epoch}, step=10 * epoch + 4)
        journal.metrics({"validation/cer": value, "epoch": epoch}, step=10 * epoch + 9)
    return journal


def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures as they are saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: Any, **more: Any) -> None:
        figures.append(figure)
        save(figure, *args, **more)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def test_curves_are_means_over_seeds_as_far_as_all_go_in_a_band(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, tracker = table(tmp_path, curves=CURVES), folders(tmp_path)
    cells = [cell(of, row, seed, {}) for row in ("scratch_10", "decoder_10") for seed in (0, 1)]
    cells[3] = cell(of, "decoder_10", 1, None)
    write_journal(tracker, cells[0], [0.8, 0.6, 0.4])
    write_journal(tracker, cells[1], [0.6, 0.2])
    write_journal(tracker, cells[2], [0.9, 0.5])
    figures = drawn(monkeypatch)
    assert draw_charts(of, of.charts, cells, tracker, folder=tmp_path / "out") == ([tmp_path / "out/curves.png"], [])
    (axis,) = figures[0].axes
    first, second = axis.lines
    np.testing.assert_allclose(first.get_xydata(), [[0, 70], [1, 40]])
    np.testing.assert_allclose(second.get_xydata(), [[0, 90], [1, 50]])
    band = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((20, 80))
    assert [line.get_label() for line in (first, second)] == ["scratch_10", "decoder_10 (n=1)"]
    assert axis.get_ylabel() == "validation CER (%)"
    assert "over 2 seeds; 1 of 4 runs are not finished" in figures[0].get_supxlabel()
    assert imread(tmp_path / "out/curves.png").shape[1] == 880


def test_curves_over_steps_are_where_the_optimiser_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows whose epochs are of other lengths: ten steps, and twenty-five."""
    of, tracker = table(tmp_path, curves={**CURVES, "over": "step"}), folders(tmp_path)
    cells = [cell(of, row, 0, {}) for row in ("scratch_10", "decoder_10")]
    write_journal(tracker, cells[0], [0.8, 0.6])
    long = write_journal(tracker, cells[1], [])
    for epoch, value in enumerate([0.9, 0.5]):
        long.metrics({"validation/cer": value, "epoch": epoch}, step=25 * epoch + 24)
    figures = drawn(monkeypatch)
    draw_charts(of, of.charts, cells, tracker, folder=tmp_path / "out")
    (axis,) = figures[0].axes
    np.testing.assert_allclose(axis.lines[0].get_xydata(), [[10, 80], [20, 60]])
    np.testing.assert_allclose(axis.lines[1].get_xydata(), [[25, 90], [50, 50]])
    assert axis.get_xlabel() == "optimiser steps"


@pytest.mark.integration  # a store of its own
def test_without_the_runs_folder_curves_come_from_the_tracker(earmark_home: Path, tmp_path: Path) -> None:
    of, tracker = table(tmp_path, curves=CURVES), Tracker(earmark_home)
    run_id = tracker.create("asr", name="r", tags={})
    here = cell(of, "scratch_10", 0, {}, run_id)
    journal = write_journal(tracker, here, [0.8, 0.6])
    journal.metrics({"train/loss": 0.5, "epoch": 1}, step=16)
    journal.metrics({"validation/cer": 0.01}, step=9)  # what scoring measured: of no epoch
    journal.metrics({"test/er": math.inf}, step=9)
    from_journal = {metric: run_curve(here, metric, tracker) for metric in ("validation/cer", "train/loss", "none")}
    assert from_journal == {
        "validation/cer": {0: 0.8, 1: 0.6},
        "train/loss": {0: 1.6, 1: pytest.approx(0.85)},
        "none": {},
    }
    steps = run_curve(here, "train/loss", tracker, over="step")
    assert steps == {5: 1.6, 15: 1.2, 17: 0.5}
    tracker.log_metrics(run_id, read_lines(journal.path)[0])
    journal.path.rename(tmp_path / "gone")
    assert {metric: run_curve(here, metric, tracker) for metric in from_journal} == from_journal
    assert run_curve(here, "train/loss", tracker, over="step") == steps
    (stored,) = tracker.find("asr", tags={})
    assert stored.metrics["test/er"] == math.inf  # SQL stores have the largest float instead


def test_points_stand_at_the_rows_settings_with_their_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = table(tmp_path, against=AGAINST)
    scores = {("scratch_40", 0): 0.2, ("scratch_40", 1): 0.4, ("scratch_10", 0): 0.7, ("decoder_10", 0): 0.5}
    cells = [cell(of, row, seed, {"test/cer": value}) for (row, seed), value in scores.items()]
    cells += [cell(of, "scratch_20", 0, None), cell(of, "scratch_20", 1, {"test/wer": 1.0})]
    figures = drawn(monkeypatch)
    draw_charts(of, of.charts, cells, folders(tmp_path), folder=tmp_path)
    (axis,) = figures[0].axes
    scratch, decoder = axis.containers
    np.testing.assert_allclose(scratch.lines[0].get_xydata(), [[10, 70], [40, 30]])
    bars = [segment[:, 1] for segment in scratch.lines[2][0].get_segments()]
    np.testing.assert_allclose(bars, [[70, 70], [30 - 200**0.5, 30 + 200**0.5]])
    np.testing.assert_allclose(decoder.lines[0].get_xydata(), [[10, 50]])
    assert axis.get_xscale() == "log"  # from 10 to 40
    assert [label.get_text() for label in axis.get_xticklabels()] == ["10", "40"]
    assert axis.get_xlabel() == "minutes"


def test_dollar_signs_in_labels_are_no_formulas(tmp_path: Path) -> None:
    odd = {
        **AGAINST,
        "label": "$\\frac$ err",
        "x_label": "cost in $ of $\\x",
        "lines": {"a $_$": ["scratch_10", "scratch_20"]},
    }
    of = table(tmp_path, against=odd)
    cells = [cell(of, row, 0, {"test/cer": 0.5}) for row in ("scratch_10", "scratch_20")]
    paths, _ = draw_charts(of, of.charts, cells, folders(tmp_path), folder=tmp_path)
    assert [path.name for path in paths] == ["against.png"]


def test_a_narrow_axis_is_linear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = table(tmp_path, against={**AGAINST, "lines": {"scratch": ["scratch_10", "scratch_20"]}, "unit": "number"})
    figures = drawn(monkeypatch)
    cells = [cell(of, row, 0, {"test/cer": 0.5}) for row in ("scratch_10", "scratch_20")]
    draw_charts(of, of.charts, cells, folders(tmp_path), folder=tmp_path)
    (axis,) = figures[0].axes
    assert axis.get_xscale() == "linear"
    np.testing.assert_allclose(axis.containers[0].lines[0].get_xydata(), [[10, 0.5], [20, 0.5]])
    assert axis.get_ylabel() == "test/cer"


def test_a_chart_without_a_finished_run_is_said_and_the_others_drawn(tmp_path: Path) -> None:
    of = table(tmp_path, none={**CURVES, "rows": ["scratch_40"]}, against=AGAINST)
    cells = [cell(of, "scratch_40", 0, None), cell(of, "scratch_10", 0, {"test/cer": 0.5})]
    paths, undrawn = draw_charts(of, of.charts, cells, folders(tmp_path), folder=tmp_path)
    assert [path.name for path in paths] == ["against.png"]
    assert undrawn == ["t.yaml: charts.none: not drawn, none of its rows has a finished run"]


@pytest.mark.parametrize(
    ("chart", "says"),
    [
        (
            {**CURVES, "metric": "validation/cre"},
            "charts.c.metric: unknown metric over epochs 'validation/cre' (did you",
        ),
        ({**CURVES, "rows": ["oracle"]}, "charts.c.rows: row 'oracle' is of stage 'score', which has no curves"),
        ({**AGAINST, "metric": "test/cre"}, "charts.c.metric: unknown metric 'test/cre' (did you mean 'test/cer'?)"),
        ({**AGAINST, "x": "data.train"}, "charts.c.x: data.train of row 'scratch_10' is None, expected a number"),
        ({**AGAINST, "lines": {"a": ["scratch_10", "decoder_10"]}}, "lines.a: rows 'scratch_10' and 'decoder_10' both"),
    ],
)
def test_what_only_the_runs_can_tell_is_refused_in_one_line(
    tmp_path: Path, chart: Mapping[str, Any], says: str
) -> None:
    of, tracker = table(tmp_path, c=chart), folders(tmp_path)
    here = cell(of, "scratch_10", 0, {"test/cer": 0.5, "validation/cer": 0.5})
    write_journal(tracker, here, [0.5])
    with pytest.raises(UserError) as caught:
        draw_charts(of, of.charts, [here], tracker, folder=tmp_path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([CURVES], "t.yaml: charts: expected a mapping"),
        ({"a/b": CURVES}, "charts.a/b: name 'a/b'; allowed: letters"),
        ({"c": {**CURVES, "kind": "curve"}}, "charts.c.kind: unknown kind 'curve' (did you mean 'curves'?); allo"),
        ({"c": {"metric": "m"}}, "charts.c.kind: unknown kind 'None'"),
        ({"c": {**CURVES, "row": []}}, "charts.c: unknown key 'row' (did you mean 'rows'?)"),
        ({"c": {**CURVES, "x": "data.x"}}, "charts.c: unknown key 'x'"),
        ({"c": {**CURVES, "rows": ["scratch"]}}, "charts.c.rows: unknown row 'scratch'"),
        ({"c": {**CURVES, "rows": ["oracle", "oracle"]}}, "row 'oracle' stands there twice"),
        ({"c": {**CURVES, "unit": "percents"}}, "charts.c.unit: unknown value 'percents'"),
        ({"c": {**CURVES, "label": 3}}, "charts.c.label: expected text, got 3"),
        ({"c": {"kind": "curves"}}, "charts.c.metric: missing"),
        ({"c": {**AGAINST, "x": None}}, "charts.c.x: expected text, got None"),
        ({"c": {**AGAINST, "lines": {"a": "scratch_10"}}}, "charts.c.lines.a: expected a list of text"),
        ({"c": {**AGAINST, "lines": {"a": []}}}, "charts.c.lines: expected lines of at least one row each"),
        ({"c": {key: AGAINST[key] for key in ("kind", "metric", "x")}}, "charts.c.lines: expected lines"),
        ({"c": {**AGAINST, "lines": {"a": ["scratch_11"]}}}, "charts.c.lines.a: unknown row 'scratch_11' (did you"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_one_line(value: Any, says: str) -> None:
    with pytest.raises(UserError) as caught:
        read_charts(value, where="t.yaml", rows=ROWS)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_charts_are_read_with_what_they_leave_out() -> None:
    plain, against = read_charts(
        {"a": {"kind": "curves", "metric": "m"}, "b": {**AGAINST, "unit": "number"}}, where="t.yaml", rows=ROWS
    )
    assert plain == Curves("a", "m", "m", "percent", {})
    lines = {"scratch": ("scratch_10", "scratch_20", "scratch_40"), "decoder only": ("decoder_10",)}
    assert against == Against("b", "test/cer", "test/cer", "number", lines, "data.train_minutes", "minutes")
    assert read_charts(None, where="t.yaml", rows=ROWS) == ()
    assert doctest.testmod(charts).failed == doctest.testmod(chart_drawing).failed == 0


def test_a_table_file_may_have_charts_of_rows_that_are_not_at_this_scale(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "rows: {a: {why: w}, b: {why: w, only_at: [full]}}\nscales: {demo: {}, full: {}}\n"
        "charts: {c: {kind: curves, metric: validation/cer, rows: [a, b]}}\n"
    )
    assert read_table(str(path)).charts[0].lines == {"a": ("a",), "b": ("b",)}


def test_every_row_that_trains_has_a_curve_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of, tracker = table(tmp_path, c={"kind": "curves", "metric": "validation/cer"}), folders(tmp_path)
    cells = [cell(of, row, 0, {}) for row in ROWS]
    for each in cells[:-1]:
        write_journal(tracker, each, [0.5, 0.4])
    figures = drawn(monkeypatch)
    draw_charts(of, of.charts, cells, tracker, folder=tmp_path)
    assert [line.get_label() for line in figures[0].axes[0].lines] == list(ROWS[:-1])


def test_the_report_command_prints_the_paths_and_says_what_it_did_not_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of = table(tmp_path, none={**CURVES, "rows": ["scratch_40"]}, against=AGAINST)
    cells = [cell(of, "scratch_40", 0, None), cell(of, "scratch_10", 0, {"test/cer": 0.5})]
    tracker = folders(tmp_path)
    monkeypatch.setattr(notes, "write_note", lambda *_: None)
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (of, tracker, cells))
    out = tmp_path / "out"
    assert main(["report", "t", "--charts", str(out), "--output", str(tmp_path / "t.md")]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out / "against.png")]
    assert said.err.splitlines() == ["warning: t.yaml: charts.none: not drawn, none of its rows has a finished run"]
    assert "| scratch_10" in (tmp_path / "t.md").read_text(encoding="utf-8")
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table(tmp_path), tracker, cells))
    assert main(["report", "t", "--charts", str(out)]) == 2
    assert capsys.readouterr().err.startswith("earmark: error: t.yaml: has no charts; --charts draws what stands under")
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (of, tracker, cells))
    assert main(["report", "t", "--charts", str(tmp_path / "file" / "in")]) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_what_diverged_is_said_under_a_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of, tracker = table(tmp_path, curves=CURVES, against=AGAINST), folders(tmp_path)
    cells = [cell(of, "scratch_10", seed, {"test/cer": value}) for seed, value in enumerate((0.2, math.nan))]
    write_journal(tracker, cells[0], [0.9, math.inf])
    write_journal(tracker, cells[1], [0.9, 0.5])
    figures = drawn(monkeypatch)
    draw_charts(of, of.charts, cells, tracker, folder=tmp_path / "out")
    assert all("1 diverged: what is not finite is not drawn" in figure.get_supxlabel() for figure in figures)
    assert len(figures) == 2
