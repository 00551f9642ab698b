"""Columns of a table file that no run has: a name that was misspelt would be a column of dashes, silently."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from experiments.planning.cell import Cell
from experiments.table_files.merge import shape
from experiments.table_files.spec import Row, Table


def unknown_columns(table: Table, cells: Sequence[Cell]) -> list[str]:
    """A line for each column whose metric no finished run has, with the nearest names of those that they have.

    Nothing while a row without a finished run, of another configuration than those with one but for numbers, may
    still bring it.
    """
    runs = [(cell.row, cell.run) for cell in cells if cell.row.table == table.name and cell.state == "finished"]
    known = {metric for _, run in runs if run for metric in run.metrics}
    seen = {_kind(row) for row, _ in runs}
    if not known or any(_kind(row) not in seen for row in table.rows.values()):
        return []
    return [_line(table, column.metric, sorted(known)) for column in table.columns if column.metric not in known]


def _line(table: Table, metric: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(metric, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known[:3])} and others"
    return f"{table.path.name}: columns.{metric}: none of the finished runs has this metric; {hint}"


def _kind(row: Row) -> str:
    return repr((row.stage, shape(row.config), sorted(row.sources)))
