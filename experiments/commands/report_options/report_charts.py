"""``earmark report TABLE --charts FOLDER``: the pictures of a table, and what of them a user may choose."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.reporting.pictures.drawn import ChartSource
    from experiments.table_files.spec import Table

BY_RULE = "auto"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, the columns of the comparison, and the clip of the example."""
    parser.add_argument(
        "--charts", type=Path, metavar="FOLDER",
        help="draw rows compared and the table's charts there and print their paths instead",
    )  # fmt: skip
    parser.add_argument(
        "--columns", metavar="A,B+C",
        help="the columns of the comparison, by metric: a panel each, with + two in one (default: the table's)",
    )  # fmt: skip
    parser.add_argument(
        "--example", metavar="CLIP",
        help=f"draw this test clip as the table's example rows, or --rows, hear it; {BY_RULE} chooses one by a rule",
    )  # fmt: skip


def asked(arguments: argparse.Namespace, table: Table, *, page: bool) -> Table:
    """The table with the charts that the arguments ask for, in the place of its own. Raises ``UserError``."""
    from experiments.reporting.pictures.comparison_chart import NAME
    from experiments.table_files.charts import Comparison, ExampleClip, read_panels

    for name, given in (("--columns", arguments.columns), ("--example", arguments.example)):
        if given and not (arguments.charts or page):
            raise UserError(f"{name}: says what is drawn; with --charts FOLDER or --output FILE.html")
    charts = list(table.charts)
    if arguments.columns:
        value = [panel.split("+") for panel in arguments.columns.split(",")]
        panels = read_panels(value, where="--columns", columns=table.columns)
        own = next((chart for chart in charts if isinstance(chart, Comparison)), Comparison(NAME, ()))
        charts = [chart for chart in charts if not isinstance(chart, Comparison)]
        charts.insert(0, replace(own, panels=panels))
    if arguments.example and arguments.results:
        raise UserError("--example: not with --results; a pack of results has no sounds and seldom curves")
    rows = tuple(point for row in arguments.rows for point in table.grids.get(row, (row,)))
    if arguments.example:
        clip = None if arguments.example == BY_RULE else arguments.example
        own_example = next((chart for chart in charts if isinstance(chart, ExampleClip)), ExampleClip("example"))
        charts = [chart for chart in charts if not isinstance(chart, ExampleClip)]
        charts.append(replace(own_example, rows=rows or own_example.rows, clip=clip))
    elif rows:  # of the example's own rows those that are shown
        charts = [
            replace(chart, rows=tuple(row for row in chart.rows if row in rows))
            if isinstance(chart, ExampleClip)
            else chart
            for chart in charts
        ]
    return replace(table, charts=tuple(charts))


def check(table: Table) -> None:
    """Refuse a table of which there is nothing to draw. Raises ``UserError``."""
    if not (table.charts or table.searches or table.columns):
        raise UserError(f"{table.path.name}: has no charts; --charts draws what stands under charts: in the file")


def draw(folder: Path, source: ChartSource) -> int:
    """Print the paths of the pictures, and on standard error why one was not drawn."""
    from experiments.reporting.chart_drawing import draw_charts
    from experiments.reporting.pictures.drawn import draw_all_confused, draw_comparisons, draw_examples
    from experiments.reporting.searches.budget_chart import draw_budget_charts
    from experiments.waiting import working

    report = source.report
    table = report.table
    try:
        with working(f"drawing pictures in {folder}"):
            compared, undrawn = draw_comparisons(source, folder=folder)
            examples, without = draw_examples(source, folder=folder)
            confused, without_lines = draw_all_confused(source, folder=folder)
            paths, none_finished = draw_charts(table, table.charts, source.cells, source.store, folder=folder)
            paths += draw_budget_charts(table, report.budgets, folder=folder)
    except OSError as error:
        raise UserError(f"--charts {folder}: {error.strerror}") from None
    undrawn += [*without, *without_lines, *none_finished]
    if report.trials and not report.budgets:
        undrawn.append(f"{table.path.name}: searches: not drawn, no trial has ended")
    for line in undrawn:
        print(f"warning: {line}", file=sys.stderr)
    for path in [*(picture.path for picture in (*compared, *examples, *confused)), *paths]:
        print(path)
    return 0
