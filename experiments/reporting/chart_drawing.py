"""``charts:`` of a table that show one metric, drawn as PNGs from the finished runs of a plan.

Curves come from the run's journal, or from MLflow's history where the run's folder is not on this disk. What is not
finished is not drawn, and the picture says how many runs that is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NoReturn

from experiments.errors import UserError, unknown
from experiments.planning.cell import Cell, axes, num_runs
from experiments.runs import journal
from experiments.runs.journal import CurvePoint
from experiments.statistics.stats import Summary, summarise
from experiments.table_files.charts import Against, Chart, Curves, MetricChart, Over
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table
from experiments.tracking.run_store import RunStore
from experiments.training.curves import learning_curves

LOG_FROM_FACTOR = 4  # an x axis that spans at least this factor is logarithmic
MARKERS = "osD^vPX*<>"
MOST_NAMES_INSIDE = 6  # of a legend in a chart
STYLES = ("-", "--", ":")  # ten colours each


def draw_charts(
    table: Table, charts: Sequence[Chart], cells: Sequence[Cell], tracker: RunStore, *, folder: Path
) -> tuple[list[Path], list[str]]:
    """Draw each chart to ``folder/NAME.png``; returns the paths, and one line for each chart that has nothing to show.

    Raises ``UserError`` for a metric that none of the finished runs has, a row without curves, an ``x`` that is no
    number, and two rows of one line at the same ``x``.
    """
    own = [cell for cell in cells if cell.row.table == table.name]
    folder.mkdir(parents=True, exist_ok=True)
    paths, undrawn = [], []
    for chart in (chart for chart in charts if isinstance(chart, MetricChart)):
        where = f"{table.path.name}: charts.{chart.name}"
        lines = chart.lines or {name: (name,) for name, row in table.rows.items() if row.stage == "fit"}
        _check(chart, table, where=where)
        wanted = [cell for cell in own if any(cell.row.name in rows for rows in lines.values())]
        finished: dict[str, list[Cell]] = {
            row: [cell for cell in wanted if cell.row.name == row and cell.state == "finished"]
            for rows in lines.values()
            for row in rows
        }
        if not any(finished.values()):
            undrawn.append(f"{where}: not drawn, none of its rows has a finished run")
            continue
        figure, axis = blank_figure(chart.label + (" (%)" if chart.unit == "percent" else ""))
        of_row = num_runs(wanted)
        if isinstance(chart, Curves):
            num_diverged = _draw_curves(axis, chart, finished, tracker, where=where, num_runs=of_row)
        else:
            assert isinstance(chart, Against)
            num_diverged = _draw_against(axis, chart, lines, finished, where=where, num_runs=of_row)
        _write_foot(figure, chart, wanted, num_diverged=num_diverged)
        path = folder / f"{chart.name}.png"
        figure.savefig(path, dpi=110)
        paths.append(path)
    return paths, undrawn


def run_curve(cell: Cell, metric: str, tracker: RunStore, *, over: Over = "epoch") -> dict[float, float]:
    """A run's metric by epoch, the mean over an epoch in which training logged several values, or by step.

    Empty without any.
    """
    return _by_place(_points(cell, metric, tracker), over)


def _by_place(points: Sequence[CurvePoint], over: Over) -> dict[float, float]:
    by_place: dict[float, list[float]] = defaultdict(list)
    for point in points:
        if math.isfinite(point.value):
            by_place[point.epoch if over == "epoch" else point.step + 1].append(point.value)
    return {place: fmean(by_place[place]) for place in sorted(by_place)}


def _points(cell: Cell, metric: str, tracker: RunStore) -> Sequence[CurvePoint]:
    assert cell.key is not None, "a finished cell has a key"
    assert cell.run is not None, "and a run"
    run_dir = tracker.run_dir(cell.key.id)
    if (run_dir / journal.NAME).is_file():
        return learning_curves(run_dir).get(metric, [])
    return tracker.curve(cell.run.run_id, metric)


def _draw_curves(
    axis: Any,
    chart: Curves,
    finished: Mapping[str, Sequence[Cell]],
    tracker: RunStore,
    *,
    where: str,
    num_runs: int,
) -> int:
    """The mean over seeds and folds as far as all of them go, in a band from the least to the most.

    Returns how many runs have a value that is not finite.
    """
    scale = _scale(chart)
    points = {row: [_points(cell, chart.metric, tracker) for cell in cells] for row, cells in finished.items()}
    curves = {row: [curve for of in runs if (curve := _by_place(of, chart.over))] for row, runs in points.items()}
    if not any(curves.values()):
        _refuse_metric(chart, finished, where=where)
    for number, (row, of_row) in enumerate(curves.items()):
        if of_row:
            places = [place for place in of_row[0] if all(place in curve for curve in of_row)]
            values = [[scale * curve[place] for curve in of_row] for place in places]
            colour, style = look(number)
            label = _label(row, len(of_row), num_runs)
            axis.plot(places, [fmean(of) for of in values], style, color=colour, label=label, linewidth=1.6)
            axis.fill_between(places, [min(of) for of in values], [max(of) for of in values], color=colour, alpha=0.15)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_xlabel("epoch" if chart.over == "epoch" else "optimiser steps")
    draw_legend(axis)
    return sum(not all(math.isfinite(value) for _, _, value in of) for runs in points.values() for of in runs)


def _draw_against(
    axis: Any,
    chart: Against,
    lines: Mapping[str, Sequence[str]],
    finished: Mapping[str, Sequence[Cell]],
    *,
    where: str,
    num_runs: int,
) -> int:
    """The mean over seeds and folds with a bar of one standard deviation to each side.

    Returns how many runs have a value that is not finite.
    """
    xs: set[float] = set()
    for number, (name, rows) in enumerate(lines.items()):
        points = _summaries(chart, {row: finished[row] for row in rows})
        if points:
            colour, style = look(number)
            axis.errorbar(
                list(points),
                [summary.mean for summary in points.values()],
                yerr=[summary.std or 0.0 for summary in points.values()],
                marker=MARKERS[number % len(MARKERS)],
                color=colour,
                linestyle=style,
                label=_label(name, min(summary.n for summary in points.values()), num_runs),
                capsize=3,
                linewidth=1.6,
            )
            xs |= set(points)
    if not xs:
        _refuse_metric(chart, finished, where=where)
    if min(xs) > 0 and max(xs) / min(xs) >= LOG_FROM_FACTOR:
        axis.set_xscale("log")
        axis.minorticks_off()
    axis.set_xticks(sorted(xs), [f"{x:g}" for x in sorted(xs)])
    axis.set_xlabel(chart.x_label, parse_math=False)
    draw_legend(axis)
    runs = [cell.run.metrics for cells in finished.values() for cell in cells if cell.run]
    return sum(not math.isfinite(metrics.get(chart.metric, 0.0)) for metrics in runs)


def _summaries(chart: Against, finished: Mapping[str, Sequence[Cell]]) -> dict[float, Summary]:
    """Mean and spread of one line's rows, by their ``x``."""
    points: dict[float, Summary] = {}
    for cells in finished.values():
        values = [cell.run.metrics[chart.metric] for cell in cells if cell.run and chart.metric in cell.run.metrics]
        if summary := summarise([_scale(chart) * value for value in values]):
            points[float(get_path(cells[0].row.config, chart.x))] = summary
    return dict(sorted(points.items()))


def _check(chart: MetricChart, table: Table, *, where: str) -> None:
    """What reading the file could not know: the rows' stages and settings at this scale."""
    for line, names in chart.lines.items():
        row_at: dict[float, str] = {}
        for row in (table.rows[name] for name in names if name in table.rows):
            if isinstance(chart, Curves) and row.stage != "fit":
                raise UserError(f"{where}.rows: row {row.name!r} is of stage {row.stage!r}, which has no curves")
            if isinstance(chart, Against):
                x = get_path(row.config, chart.x)
                if isinstance(x, bool) or not isinstance(x, int | float):
                    raise UserError(f"{where}.x: {chart.x} of row {row.name!r} is {x!r}, expected a number")
                if x in row_at:
                    raise UserError(
                        f"{where}.lines.{line}: rows {row_at[x]!r} and {row.name!r} both have {chart.x} {x!r}"
                    )
                row_at[x] = row.name


def _refuse_metric(chart: MetricChart, finished: Mapping[str, Sequence[Cell]], *, where: str) -> NoReturn:
    known = {name for cells in finished.values() for cell in cells if cell.run for name in cell.run.metrics}
    what = "metric"
    if isinstance(chart, Curves):
        what, known = "metric over epochs", {name for name in known if name.startswith(("train/", "validation/"))}
    raise UserError(f"{where}.metric: {unknown(what, chart.metric, sorted(known - {chart.metric}))}")


def _scale(chart: MetricChart) -> int:
    return 100 if chart.unit == "percent" else 1


def look(number: int) -> tuple[str, str]:
    """Colour and style of a line."""
    return f"C{number % 10}", STYLES[number // 10 % len(STYLES)]


def _label(name: str, n: int, num_runs: int) -> str:
    return name if n == num_runs else f"{name} (n={n})"


def draw_legend(axis: Any) -> None:
    """With names as they stand: two dollar signs are no formula. Many lines leave no place for it among them."""
    outside = len(axis.get_legend_handles_labels()[0]) > MOST_NAMES_INSIDE
    legend = axis.figure.legend(fontsize=9, loc="outside right upper") if outside else axis.legend(fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)


def blank_figure(label: str) -> tuple[Any, Any]:
    """A figure and its axes, with what the y axis is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    axis.set_ylabel(label, parse_math=False)
    axis.grid(alpha=0.3)
    return figure, axis


def _write_foot(figure: Any, chart: MetricChart, wanted: Sequence[Cell], *, num_diverged: int) -> None:
    """What the spread is, how many runs are not there yet, and of how many something could not be drawn."""
    spread = "mean, and band from the least to the most," if isinstance(chart, Curves) else "mean ± std"
    says = [f"{spread} over {axes(wanted)}" if num_runs(wanted) > 1 else axes(wanted)]
    missing = sum(cell.state != "finished" for cell in wanted)
    if missing:
        says.append(f"{missing} of {len(wanted)} runs are not finished and not drawn")
    if num_diverged:
        says.append(f"{num_diverged} diverged: what is not finite is not drawn")
    figure.supxlabel("; ".join(says), fontsize=9, color="0.35")
