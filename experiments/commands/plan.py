"""``earmark plan TABLE``: every cell's state, what would run, and why; with ``--power`` what would decide more."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from experiments.commands import table_arguments
from experiments.commands.power import print_power, read_power
from experiments.commands.report_options import report_source
from experiments.commands.shell.next_command import same_cells, say_next
from experiments.errors import UserError, number_of
from experiments.planning import checked_configurations

if TYPE_CHECKING:
    from experiments.configuration.early_check import EarlyCheck
    from experiments.planning.cell import Cell
    from experiments.table_files.spec import Table

EXAMPLES = """examples:
  earmark plan weak_sed --scale demo
  earmark plan weak_sed --json | jq '.cells[] | select(.would_run) | .cell'
  earmark plan weak_sed --power --difference test/event_f1_macro=3      what would show 3 points"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark plan``."""
    parser.epilog = EXAMPLES
    table_arguments.table_arguments(parser)
    parser.add_argument("--json", action="store_true", help="the same as one JSON document on standard output")
    parser.add_argument(
        "--power", action="store_true",
        help="instead: how many seeds, folds and test units would decide a difference, from the finished runs' spread",
    )  # fmt: skip
    parser.add_argument(
        "--difference", action="append", default=[], metavar="METRIC=POINTS",
        help="of --power, in the column's unit (default: the column's equivalent_within, else 2 points, else 5 %% of "
        "the baseline's mean); may be repeated",
    )  # fmt: skip
    report_source.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every cell's state and why, or what --power asks for."""
    if arguments.power:
        return _power(arguments)
    if arguments.difference:
        raise UserError(f"--difference {arguments.difference[0]}: only with --power")
    for name, given in (("--as-run", arguments.as_run), ("--results", arguments.results)):
        if given:
            raise UserError(f"{name}: only with --power, a plan is of today's code")
    with PlanCheck() as check:
        table, _, cells = table_arguments.read_plan(arguments, begin=check.begin)
        if arguments.json:  # for programs: no document with a refusal behind it
            check.finish(cells)
            print(json.dumps(_document(table, cells), indent=2, ensure_ascii=False))
            return 0
        _print(table, cells)
        sys.stdout.flush()
        check.finish(cells)  # new configurations take a second or two more
        verb = "run" if any(cell.would_run and cell.state != "running" for cell in cells) else "report"
        say_next(verb, *same_cells(arguments))
    return 0


class PlanCheck:
    """The check of what a plan would run: ``begin`` once the table is read, ``finish`` when it is known what that is.

    Where the table looks new it begins beside the plan, as imports are most of its time.
    """

    def __init__(self) -> None:
        self._early: EarlyCheck | None = None
        self._table_id = ""

    def begin(self, table: Table) -> None:
        """Start importing, on another core, unless a plan of this very table was checked before."""
        from datamodules.corpus_folder import home
        from experiments.configuration.early_check import EarlyCheck
        from experiments.runs.keys import named_modules

        self._table_id = checked_configurations.table_id(table)
        if self._table_id in checked_configurations.known(home() / "mlruns") or os.cpu_count() == 1:
            return
        modules = {module for row in table.rows.values() for module in named_modules(row.config)}
        with contextlib.suppress(OSError):  # no process or no memory left: this one imports then
            self._early = EarlyCheck(sorted(modules))

    def finish(self, cells: list[Cell]) -> None:
        """Check what would run. Raises ``UserError``."""
        from datamodules.corpus_folder import home

        table_arguments.check_configurations(cells, one_of_a_shape=True, warm=self._early)
        checked_configurations.add(home() / "mlruns", [self._table_id])

    def __enter__(self) -> PlanCheck:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._early is not None:
            self._early.end()


def _power(arguments: argparse.Namespace) -> int:
    table, document = read_power(arguments)
    if arguments.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print_power(table, document)
    return 0


def _document(table: Table, cells: Sequence[Cell]) -> dict[str, Any]:
    """``cells`` come upstream first; ``from`` has the cells that one stands on, by their name in the row."""
    return {
        "table": table.name,
        "scale": table.scale,
        "cells": [_cell(cell) for cell in cells],
        "would_run": sum(cell.would_run and cell.state != "running" for cell in cells),
        "searches": {
            row: {**_progress(table, cells, row), "trials": search.trials, "winner": table.winners.get(row)}
            for row, search in table.searches.items()
        },
        "given_up": sorted(table.given_up),
    }


def _progress(table: Table, cells: Sequence[Cell], row: str) -> dict[str, int]:
    """How many trials of a search are chosen so far, and how many of those shown have ended, one way or the other."""
    names = table.grids.get(row, ())
    states: dict[str, set[str]] = {name: set() for name in names}
    for cell in cells:
        if cell.row.table == table.name and cell.row.name in states:
            states[cell.row.name].add("failed" if cell.failed_by_itself else cell.state)
    failed = sum("failed" in of for of in states.values())
    return {"chosen": len(names), "finished": sum(of == {"finished"} for of in states.values()), "failed": failed}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "cell": cell.name,
        "table": cell.row.table,
        "row": cell.row.name,
        "fold": cell.fold,
        "seed": cell.seed,
        "stage": cell.row.stage,
        "state": cell.state,
        "why": cell.why,
        "would_run": cell.would_run and cell.state != "running",
        "key": cell.key.id if cell.key else None,
        "run_id": cell.run.run_id if cell.run else None,
        "from": {name: other.name for name, other in cell.upstream.items()},
        "older_recipe": cell.change is not None and cell.change.is_outdated,
    }


def _print(table: Table, cells: Sequence[Cell]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid("cell", "state", "why", title=f"{table.name} · scale {table.scale}", title_justify="left")
    styles = {
        "finished": "green", "running": "cyan", "failed": "red", "stale": "yellow", "missing": "",
        "unscored": "blue", "unpredicted": "blue",
    }  # fmt: skip
    for cell in cells:
        grid.add_row(cell.name, cell.state, cell.why, style=styles[cell.state])
    console = Console(soft_wrap=False, markup=False, emoji=False)  # an error may hold [/brackets] and :colons:
    console.print(grid)
    todo = [cell for cell in cells if cell.would_run and cell.state != "running"]
    console.print(f"{len(todo)} of {len(cells)} cells would run", highlight=False)
    if trained := sum(cell.trained is not None for cell in todo):
        console.print(
            f"{trained} of these are trained and only scored: earmark run --rescore does no more", highlight=False
        )
    if outdated := [cell.name for cell in cells if cell.change is not None and cell.change.is_outdated]:
        line = f"of an older recipe, {number_of(len(outdated), 'stored result')}: {', '.join(outdated)}"
        console.print(line, highlight=False, soft_wrap=True)
    for row, search in table.searches.items():
        of = _progress(table, cells, row)
        ended = f"{of['finished']} finished, {of['failed']} failed"
        console.print(f"{row}: {of['chosen']} of {search.trials} trials are chosen so far, {ended}", highlight=False)
        if best := table.winners.get(row):
            console.print(f"{row}: the best {search.metric} is of {best}", highlight=False)
    if table.given_up:
        failed = f"{number_of(len(table.given_up), 'failed trial')}, not tried again unless --rows names them"
        console.print(f"{failed}: {', '.join(sorted(table.given_up))}", highlight=False)
