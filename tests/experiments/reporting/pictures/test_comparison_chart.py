"""Rows compared at one glance: what a dot shows, where it stands, and what is said under the chart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.image import imread

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.pictures.comparison_chart import comparisons_of, draw_comparison, lay_out, limits
from experiments.reporting.pictures.comparison_dots import Dot, dots
from experiments.reporting.report import Report, make_report
from experiments.reporting.significance import compare_rows
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.charts import Comparison, Curves
from experiments.table_files.columns import Column
from experiments.table_files.groups import Group

EVENT, TAG = "test/event_f1_macro", "test/tagging_f1_macro"
COLUMNS = (
    Column(EVENT, "Event F1", "higher", "percent", 1),
    Column(TAG, "Tag F1", "higher", "percent", 1),
    Column("test/loss", "Loss", "lower", "number", 2),
    Column("test/coactivation", "Co-act.", "neither", "number", 2),
)
GROUPS = (Group("own", "Own tags", ("floor", "base", "late"), "base"), Group("true", "True tags", ("oracle",)))
FIGURES: Mapping[str, tuple[float, float]] = {
    "floor": (0.2, 0.2), "late": (0.3, 0.5), "base": (0.4, 0.5), "oracle": (0.7, 0.9),
}  # fmt: skip


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """As they are saved."""
    saved: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda of, *args, **more: (saved.append(of), save(of, *args, **more))[1])
    return saved


def made(
    stored: Stored, folder: Path, figures: Mapping[str, tuple[float, float]] = FIGURES
) -> tuple[Report, list[Cell]]:
    """A report of logged figures without any files: nothing in it is tested."""
    table = replace(stored.make_table(folder, "sed", list(figures)), columns=COLUMNS, groups=GROUPS)
    tracker = stored.Folders(folder)
    cells = [
        stored.make_cell(table, tracker, row, seed, {EVENT: value, TAG: value / 2, "test/coactivation": value})
        for row, values in figures.items()
        for seed, value in enumerate(values)
    ]
    return make_report(table, cells), cells


def compared(stored: Stored, folder: Path) -> Report:
    table = stored.make_table(folder, "sed", ["base", "late", "same"], baseline="base")
    tracker, references = stored.Folders(folder), stored.some_references(40)
    every = {"base": (7, 5), "late": (1, 1), "same": (5, 7)}
    cells = [
        stored.event_cell(table, tracker, row, seed, references, stored.moved(references, every=of[seed]))
        for row, of in every.items()
        for seed in (0, 1)
    ]
    found = compare_rows(table, cells, StoredScores(tracker), stored.Splits(references), num_resamples=500)
    return make_report(table, cells, found)


def test_a_dot_has_the_interval_of_its_difference_around_its_own_mean(stored: Stored, tmp_path: Path) -> None:
    report = compared(stored, tmp_path)
    found = dots(report, report.table.columns[0])
    assert report.significance is not None
    base = report.cells["base", EVENT]
    assert base is not None
    for row in ("late", "same"):
        joint, dot = report.significance.joint[row, EVENT], found[row]
        assert dot.low == pytest.approx(100 * (base.mean + joint.ci95.low))
        assert dot.high == pytest.approx(100 * (base.mean + joint.ci95.high))
        assert dot.baseline == pytest.approx(100 * base.mean)
        assert dot.whisker == "together"
    assert (found["late"].verdict, found["same"].verdict) == ("worse", "undecided")
    assert found["late"].high < 100 * base.mean < found["same"].high
    assert (found["base"].whisker, found["base"].verdict, found["base"].baseline) == ("", "", None)


def test_without_tests_an_interval_is_one_standard_deviation(stored: Stored, tmp_path: Path) -> None:
    report, _ = made(stored, tmp_path)
    dot = dots(report, COLUMNS[0])["late"]
    assert (dot.mean, dot.low, dot.high) == pytest.approx((40, 40 - 200**0.5, 40 + 200**0.5))
    assert (dot.whisker, dot.verdict, dot.runs) == ("std", "", pytest.approx((30, 50)))
    assert dots(report, COLUMNS[2]) == {}


def test_rows_stand_under_their_headings_in_the_order_of_the_table(
    stored: Stored, tmp_path: Path, figures: list[Figure]
) -> None:
    report, cells = made(stored, tmp_path)
    chart = Comparison("all", ((EVENT,), ("test/coactivation",)), floors=("floor",))
    path = draw_comparison(report, chart, cells, folder=tmp_path)
    assert path == tmp_path / "all.png"
    assert imread(path).shape[1] == 1350
    first, second = figures[0].axes
    assert [text.get_text() for text in first.get_yticklabels()] == ["floor", "base", "late", "oracle"]
    assert first.get_ylim()[0] > first.get_ylim()[1]  # from the top
    assert [text.get_text() for text in figures[0].texts if text.get_text() in ("Own tags", "True tags")] == [
        "Own tags",
        "True tags",
    ]
    places = [line.get_xydata()[0] for line in first.lines if line.get_marker() == "o"]
    lanes = lay_out(report, (), with_figures={*FIGURES}).lanes
    np.testing.assert_allclose(places, [[100 * np.mean(FIGURES[lane.row]), lane.y] for lane in lanes])
    assert (first.get_title(), first.get_xlabel()) == ("Event F1 (%)", "higher is better →")
    assert (second.get_title(), second.get_xlabel()) == ("Co-act.", "no good side")


def test_a_floor_goes_through_its_own_group(stored: Stored, tmp_path: Path, figures: list[Figure]) -> None:
    report, cells = made(stored, tmp_path)
    draw_comparison(report, Comparison("all", ((EVENT,),), floors=("floor",)), cells, folder=tmp_path)
    (axis,) = figures[0].axes
    (line,) = (line for line in axis.lines if line.get_linestyle() == "--")
    ys = {lane.row: lane.y for lane in lay_out(report, (), with_figures={*FIGURES}).lanes}
    np.testing.assert_allclose(line.get_xydata(), [[20, ys["floor"] - 0.5], [20, ys["late"] + 0.5]])
    assert "floor: floor" in key(figures[0])


def test_a_group_without_any_figure_is_left_out(stored: Stored, tmp_path: Path, figures: list[Figure]) -> None:
    report, cells = made(stored, tmp_path)
    without = {place: None if place[0] == "oracle" else found for place, found in report.cells.items()}
    draw_comparison(replace(report, cells=without), Comparison("all", ((EVENT,),)), cells, folder=tmp_path)
    assert [text.get_text() for text in figures[0].axes[0].get_yticklabels()] == ["floor", "base", "late"]
    assert "True tags" not in [text.get_text() for text in figures[0].texts]


def key(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_groups_are_chosen_and_two_columns_share_a_panel(stored: Stored, tmp_path: Path, figures: list[Figure]) -> None:
    report, cells = made(stored, tmp_path)
    draw_comparison(report, Comparison("own", ((EVENT, TAG),), groups=("own",)), cells, folder=tmp_path)
    (axis,) = figures[0].axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["floor", "base", "late"]
    assert axis.get_title() == "Event F1\nand Tag F1 (%)"
    by_marker = {marker: [line for line in axis.lines if line.get_marker() == marker] for marker in "oD"}
    assert [line.get_xdata()[0] for line in by_marker["o"]] == pytest.approx([20, 45, 40])
    assert [line.get_xdata()[0] for line in by_marker["D"]] == pytest.approx([10, 22.5, 20])
    assert all(one.get_ydata()[0] < two.get_ydata()[0] for one, two in zip(*by_marker.values(), strict=True))
    assert key(figures[0])[:2] == ["Event F1", "Tag F1"]


def test_the_baseline_is_bold_and_a_line_and_verdicts_are_fillings(
    stored: Stored, tmp_path: Path, figures: list[Figure]
) -> None:
    report = compared(stored, tmp_path)
    draw_comparison(report, Comparison("c", ((EVENT,),)), [], folder=tmp_path)
    (axis,) = figures[0].axes
    assert [text.get_weight() for text in axis.get_yticklabels()] == ["bold", "normal", "normal"]
    late, same = (
        next(line for line in axis.lines if line.get_marker() == "o" and line.get_ydata()[0] == y) for y in (1, 2)
    )
    assert not same_color(late.get_markerfacecolor(), "white")
    assert same_color(same.get_markerfacecolor(), "white")
    base = dots(report, report.table.columns[0])["base"].mean
    pieces = [line for line in axis.lines if same_color(line.get_color(), "0.55")]
    assert [sorted(line.get_ydata()) for line in pieces] == [[0.5, 1.5], [1.5, 2.5]]
    assert all(line.get_xdata() == pytest.approx([base, base]) for line in pieces)
    assert {"sure to be better or worse", "undecided", "single runs"} < set(key(figures[0]))
    assert "equivalent" not in key(figures[0])


def test_what_is_not_there_is_said(stored: Stored, tmp_path: Path, figures: list[Figure]) -> None:
    report, cells = made(stored, tmp_path, {**FIGURES, "late": (0.4, math.nan)})
    cells.append(replace(cells[-1], seed=2, state="missing", run=None))
    report = make_report(report.table, cells)
    draw_comparison(report, Comparison("c", ((EVENT,),)), cells, folder=tmp_path)
    says = figures[0].legends[0].get_title().get_text().replace("\n", " ")
    assert "1 of 9 runs (3 seeds a row) are not finished and not drawn." in says
    assert "1 run diverged in a column that is drawn: what is not finite is left out." in says
    assert draw_comparison(report, Comparison("none", (("test/loss",),)), cells, folder=tmp_path) is None


def test_a_long_interval_leaves_the_figures_readable() -> None:
    dot = Dot(50, -400, 900, "together", (40, 60), "undecided", 50)
    left, right = limits([dot], percent=True)
    assert 30 < left < 40
    assert 60 < right < 70
    assert limits([replace(dot, mean=2, runs=(0, 100))], percent=True) == (-2, 102)
    assert limits([replace(dot, mean=2.0, runs=(2,), low=2, high=2)], percent=False) == pytest.approx((1.92, 2.08))


def test_without_a_declaration_the_leading_columns_with_a_good_side_are_drawn(stored: Stored, tmp_path: Path) -> None:
    report, _ = made(stored, tmp_path)
    assert comparisons_of(report) == [Comparison("comparison", ((EVENT,), (TAG,), ("test/loss",)))]
    declared = Comparison("mine", ((TAG,),))
    assert comparisons_of(with_charts(report, declared)) == [declared]
    assert comparisons_of(replace(report, table=replace(report.table, columns=()))) == []
    with pytest.raises(UserError, match=r"charts\.comparison: the comparison of the table's rows has this name"):
        comparisons_of(with_charts(report, Curves("comparison", "m", "m", "percent", {})))


def with_charts(report: Report, *charts: Any) -> Report:
    return replace(report, table=replace(report.table, charts=charts))


def test_dollar_signs_are_no_formulas(stored: Stored, tmp_path: Path) -> None:
    report, cells = made(stored, tmp_path)
    columns = (replace(COLUMNS[0], label="$\\frac$"), replace(COLUMNS[1], label="$_$"))
    groups = (replace(GROUPS[0], heading="$\\x$"), GROUPS[1])
    odd = replace(
        report, table=replace(report.table, title="$\\t$ {", columns=columns, groups=groups), heading="$\\h$ $"
    )
    assert draw_comparison(odd, Comparison("odd", ((EVENT, TAG),), floors=("floor",)), cells, folder=tmp_path)
