"""A comparison chart: every row of a report as dots, a panel a column, under the headings of its groups.

For a README's width (900 pixels), for eyes that see no colours, and for black and white: what a dot says is in its
shape and filling, colour comes on top.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.pictures.comparison_dots import Dot, dots
from experiments.reporting.pictures.comparison_key import key_handles, key_lines
from experiments.reporting.pictures.styles import (
    BASELINE,
    COLOURS,
    FLOOR_DASHES,
    MARKERS,
    SINGLE_RUN,
    TWIN_RUN,
    blank,
    fill_style,
)
from experiments.reporting.report import Report
from experiments.table_files.charts import Comparison
from experiments.table_files.columns import Column

NAME = "comparison"
LEADING = 3  # columns of a table that names none
WIDTH_INCHES, ROW_INCHES, TWIN_ROW_INCHES, ABOVE_AND_BELOW_INCHES = 9.0, 0.235, 0.32, 2.0
DPI = 150
LINE_CHARACTERS = 135
WIDER_BY = 0.35  # an interval may reach this share of the figures' span beyond them; a longer one is cut, with an arrow
BESIDE = 0.17  # of a lane: the distance of two columns' dots from its middle


class Lane(NamedTuple):
    """A row's place on the y axis, which points down; ``group`` is the number of its group."""

    row: str
    y: float
    group: int


class Layout(NamedTuple):
    """Where rows and headings stand."""

    lanes: tuple[Lane, ...]
    headings: tuple[tuple[float, str], ...]
    bottom: float


def comparisons_of(report: Report) -> list[Comparison]:
    """The table's own, else one of its leading columns that have a good side; none of a table without any.

    Raises ``UserError`` where another chart of the table has that one's name.
    """
    if declared := [chart for chart in report.table.charts if isinstance(chart, Comparison)]:
        return declared
    leading = [column.metric for column in report.table.columns if column.better != "neither"][:LEADING]
    if leading and NAME in (chart.name for chart in report.table.charts):
        raise UserError(f"{report.table.path.name}: charts.{NAME}: the comparison of the table's rows has this name")
    return [Comparison(NAME, tuple((metric,) for metric in leading))] if leading else []


def draw_comparison(report: Report, chart: Comparison, cells: Sequence[Cell], *, folder: Path) -> Path | None:
    """Draw ``folder/NAME.png``; None where no row has a figure in the chart's columns."""
    columns = {column.metric: column for column in report.table.columns}
    panels = [[(columns[metric], dots(report, columns[metric])) for metric in panel] for panel in chart.panels]
    layout = lay_out(report, chart.groups, with_figures={row for panel in panels for _, of in panel for row in of})
    if not layout.lanes:
        return None
    row_inches = TWIN_ROW_INCHES if any(len(panel) > 1 for panel in panels) else ROW_INCHES
    figure = blank(WIDTH_INCHES, layout.bottom * row_inches + ABOVE_AND_BELOW_INCHES)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw_panel(axis, panel, layout, _floors(report, chart, layout))
    _draw_lanes(figure, axes, layout, report)
    figure.suptitle(report.table.title, x=0.01, ha="left", fontsize=12, parse_math=False)
    _draw_key(figure, report, chart, panels, layout, cells)
    path = folder / f"{chart.name}.png"
    figure.savefig(path, dpi=DPI)
    return path


def lay_out(report: Report, groups: Sequence[str], *, with_figures: Set[str]) -> Layout:
    """The rows of these groups (none: of all) from the top, a heading above each group that has one.

    A group of which no row is ``with_figures`` is left out: language models in a chart of word errors.
    """
    lanes, headings, y = [], [], 0.0
    wanted = [of for of in report.groups if not groups or of.name in groups]
    for number, group in enumerate(of for of in wanted if not with_figures.isdisjoint(of.rows)):
        if heading := report.heading_of(group):
            headings.append((y, heading))
            y += 1.15
        for row in group.rows:
            lanes.append(Lane(row, y, number))
            y += 1
        y += 0.35
    return Layout(tuple(lanes), tuple(headings), y)


def _floors(report: Report, chart: Comparison, layout: Layout) -> Iterator[tuple[str, float, float]]:
    """Each floor that is shown, and where its group starts and ends."""
    for lane in layout.lanes:
        if lane.row in chart.floors:
            ys = [other.y for other in layout.lanes if other.group == lane.group]
            yield lane.row, min(ys) - 0.5, max(ys) + 0.5


def _draw_panel(
    axis: Any,
    panel: Sequence[tuple[Column, Mapping[str, Dot]]],
    layout: Layout,
    floors: Iterator[tuple[str, float, float]],
) -> None:
    shown = [of[lane.row] for _, of in panel for lane in layout.lanes if lane.row in of]
    left, right = limits(shown, percent=panel[0][0].unit == "percent")
    axis.set_xlim(left, right)
    for number, (floor, top, bottom) in enumerate(floors):
        for _, of in panel[:1]:
            if floor in of:
                dashes = FLOOR_DASHES[number % len(FLOOR_DASHES)]
                axis.plot([of[floor].mean] * 2, [top, bottom], color="0.15", linewidth=1.3, linestyle=dashes, zorder=2)
    for number, (_, of) in enumerate(panel):
        beside = 0.0 if len(panel) == 1 else BESIDE * (2 * number - 1)
        for lane in layout.lanes:
            if lane.row in of:
                _draw_dot(axis, of[lane.row], lane.y + beside, number, alone=len(panel) == 1)
    for lane in layout.lanes:
        if not any(lane.row in of for _, of in panel):
            axis.text(left, lane.y, " –", color="0.5", va="center", fontsize=9)
    column = panel[0][0]
    unit = " (%)" if column.unit == "percent" else ""
    axis.set_title("\nand ".join(of.label for of, _ in panel) + unit, fontsize=10.5, parse_math=False)
    says = {"higher": "higher is better →", "lower": "← lower is better", "neither": "no good side"}[column.better]
    axis.set_xlabel(says, fontsize=9)


def _draw_dot(axis: Any, dot: Dot, y: float, number: int, *, alone: bool) -> None:
    """Single runs as faint ticks, the interval, the mean, and of its baseline's mean a piece of a line."""
    colour, half = COLOURS[number], 0.5 if alone else BESIDE
    if dot.baseline is not None:
        axis.plot([dot.baseline] * 2, [y - half, y + half], zorder=1, solid_capstyle="butt", **BASELINE)
    axis.plot(dot.runs, [y] * len(dot.runs), "|", color=colour, zorder=2, **(SINGLE_RUN if alone else TWIN_RUN))
    if dot.whisker:
        width = 1.0 if dot.whisker == "std" else 2.2
        axis.plot([dot.low, dot.high], [y, y], color=colour, linewidth=width, alpha=0.75, zorder=3)
        left, right = axis.get_xlim()
        for end, edge, marker in ((dot.low < left, left, "<"), (dot.high > right, right, ">")):
            if end:
                axis.plot([edge], [y], marker, color=colour, markersize=5, clip_on=False, zorder=4)
    axis.plot([dot.mean], [y], MARKERS[number], color=colour, zorder=5, clip_on=False, **fill_style(dot.verdict))


def limits(shown: Sequence[Dot], *, percent: bool) -> tuple[float, float]:
    """The ends of a panel: all means and single runs, and of the intervals as much as leaves those readable."""
    figures = [value for dot in shown for value in (dot.mean, *dot.runs)] or [0.0, 1.0]
    least, most = min(figures), max(figures)
    span = (most - least) or abs(most) or 1.0
    left = max(min([least, *(dot.low for dot in shown)]), least - WIDER_BY * span) - 0.04 * span
    right = min(max([most, *(dot.high for dot in shown)]), most + WIDER_BY * span) + 0.04 * span
    if percent and least >= 0 and most <= 100:
        return max(left, -2.0), min(right, 102.0)
    return left, right


def _draw_lanes(figure: Any, axes: Sequence[Any], layout: Layout, report: Report) -> None:
    """Names, headings and the paper under the dots; the rows that others are compared with are bold on grey."""
    baselines = {report.against(lane.row) for lane in layout.lanes}
    first = axes[0]
    first.set_yticks([lane.y for lane in layout.lanes], [lane.row for lane in layout.lanes])
    first.set_ylim(layout.bottom - 0.6, -0.7)
    for text, lane in zip(first.get_yticklabels(), layout.lanes, strict=True):
        text.set(fontsize=9.5, parse_math=False, weight="bold" if lane.row in baselines else "normal")
    for axis in axes:
        for lane in layout.lanes:
            if lane.row in baselines:
                axis.axhspan(lane.y - 0.5, lane.y + 0.5, color="0.92", zorder=0, linewidth=0)
            axis.axhline(lane.y, color="0.85", linewidth=0.6, zorder=0.5)
        axis.grid(axis="x", alpha=0.25)
        axis.tick_params(axis="y", length=0, pad=8)
        axis.tick_params(axis="x", labelsize=9)
        for side in ("top", "left", "right"):
            axis.spines[side].set_visible(False)
    from matplotlib.transforms import blended_transform_factory

    place = blended_transform_factory(figure.transFigure, first.transData)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for y, heading in layout.headings:
        figure.text(0.01, y, heading, transform=place, va="center", fontsize=10, style="italic", bbox=box,
                    parse_math=False)  # fmt: skip


def _draw_key(
    figure: Any,
    report: Report,
    chart: Comparison,
    panels: Sequence[Sequence[tuple[Column, Mapping[str, Dot]]]],
    layout: Layout,
    cells: Sequence[Cell],
) -> None:
    rows = [lane.row for lane in layout.lanes]
    shown = [of[row] for panel in panels for _, of in panel for row in rows if row in of]
    pair = next((panel for panel in panels if len(panel) > 1), [])
    handles = key_handles(shown, [column.label for column, _ in pair], [row for row in rows if row in chart.floors])
    metrics = [column.metric for panel in panels for column, _ in panel]
    own = [cell for cell in cells if cell.row.table == report.table.name and cell.row.name in rows]
    lines = key_lines(report, shown, own, metrics)
    says = "\n".join(line for text in lines for line in textwrap.wrap(text, LINE_CHARACTERS))
    legend = figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=9, frameon=False,
                           title=says, title_fontsize=8.5, alignment="left")  # fmt: skip
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
