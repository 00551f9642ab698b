"""``earmark plan TABLE --power``: what would decide a difference of a given size, from the spread of finished runs."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments.commands.report_options import report_source
from experiments.errors import UserError, unknown
from experiments.statistics.power import MOST_FOLDS, MOST_SEEDS, MOST_UNITS

if TYPE_CHECKING:
    from experiments.planning.cell import Cell
    from experiments.table_files.columns import Column
    from experiments.table_files.spec import Table


def read_differences(texts: Sequence[str], table: Table) -> dict[str, float]:
    """``METRIC=POINTS`` in the column's printed unit, to the metric's own. Raises ``UserError``."""
    columns = {column.metric: column for column in table.columns if column.better != "neither"}
    found = {}
    for text in texts:
        metric, _, value = text.partition("=")
        if metric not in columns:
            raise UserError(f"--difference {text}: {unknown('column', metric, columns)}")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            raise UserError(f"--difference {text}: expected METRIC=NUMBER above 0 in the column's unit, got {value!r}")
        found[metric] = number / (100 if columns[metric].unit == "percent" else 1)
    return found


def read_power(arguments: argparse.Namespace) -> tuple[Table, dict[str, Any]]:
    """The table and ``power_document`` of its finished runs. Raises ``UserError`` where these show no spread."""
    from experiments.reporting.comparisons.power import power_document
    from experiments.reporting.searched import apart
    from experiments.reporting.significance import compare_rows
    from experiments.stored_results.stored_scores import StoredScores

    folder = tempfile.TemporaryDirectory(prefix="earmark-")  # of packs; gone with the command
    source = report_source.read_source(arguments, folder)
    table, cells, _ = apart(source.table, source.cells)
    differences = read_differences(arguments.difference, table)
    if not table.baselines():
        raise UserError(f"--power: {table.path.name} compares no rows: it names no baseline")
    if not any(_trainings(cells, row) >= 2 for row in table.rows):
        raise UserError(f"--power: {table.name} has no row with 2 finished seeds at scale {table.scale}")
    significance = compare_rows(table, cells, StoredScores(source.store), source.splits)
    document = power_document(table, significance, differences)
    if not document["columns"]:
        why = significance.left_out[0] if significance.left_out else "no row and its baseline have 2 finished seeds"
        raise UserError(f"--power: {table.name}: nothing is tested over seeds and test units: {why}")
    return table, document


def print_power(table: Table, document: dict[str, Any]) -> None:
    """A line a column: of the median comparison, and of the widest one in parentheses."""
    from rich.console import Console
    from rich.table import Table as Grid

    columns = {column.metric: column for column in table.columns}
    grid = Grid(
        "column", "difference", "could show now", "seeds", "test units", "folds",
        title=f"{table.name} · scale {table.scale} · what decides a difference (80 % power, two-sided 5 %)",
        title_justify="left",
    )  # fmt: skip
    for metric, of in document["columns"].items():
        ends = [of["rows"][of[which]] for which in ("median", "widest")]
        column = columns[metric]
        shown = _pair(*(_amount(row["least_shown"], column) for row in ends))
        needed = [_pair(*(_count(row[what]) for row in ends)) for what in ("seeds", "units", "folds")]
        grid.add_row(of["label"], _amount(of["difference"], column), shown, *needed)
    console = Console(soft_wrap=False, markup=False, emoji=False)
    console.print(grid)
    of = next(iter(document["columns"].values()))
    now = " to ".join(dict.fromkeys(str(end([row["n"] for row in of["rows"].values()])) for end in (min, max)))
    over = next(iter(of["rows"].values()))["over"]
    console.print(
        f"Of the median comparison (of the widest one), each number by itself: there are {now} {over} and "
        f"{of['num_units']} test {of['units']} now. Folds are of one corpus, each with as many seeds and test units: "
        f"at least so many. – is beyond {MOST_SEEDS} seeds, {MOST_FOLDS} folds, {MOST_UNITS:,} test units.",
        highlight=False,
    )


def _trainings(cells: Sequence[Cell], row: str) -> int:
    return sum(cell.row.name == row and cell.state == "finished" for cell in cells)


def _pair(median: str, widest: str) -> str:
    return median if median == widest else f"{median} ({widest})"


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _amount(value: float, column: Column) -> str:
    return f"{100 * value if column.unit == 'percent' else value:.{column.decimals}f}"
