"""``earmark plan TABLE``: every cell's state, what would run, and why; with ``--power`` what would decide more."""

from __future__ import annotations

import argparse

from experiments.commands import table_arguments
from experiments.commands.power import print_power, read_power
from experiments.errors import UserError

EXAMPLES = """examples:
  earmark plan weak_sed --scale demo
  earmark plan weak_sed --power --difference test/event_f1_macro=3      what would show 3 points
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark plan``."""
    parser.epilog = EXAMPLES
    table_arguments.table_arguments(parser)
    parser.add_argument(
        "--power", action="store_true",
        help="instead: how many seeds, folds and test units would decide a difference, from the finished runs' spread",
    )  # fmt: skip
    parser.add_argument(
        "--difference", action="append", default=[], metavar="METRIC=POINTS",
        help="of --power, in the column's unit (default: the column's equivalent_within, else 2 points, else 5 %% of "
        "the baseline's mean); may be repeated",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print every cell's state and why, or what --power asks for."""
    if arguments.power:
        print_power(*read_power(arguments))
        return 0
    if arguments.difference:
        raise UserError(f"--difference {arguments.difference[0]}: only with --power")
    from rich.console import Console
    from rich.table import Table as Grid

    table, _, cells = table_arguments.read_plan(arguments)
    table_arguments.check_configurations(cells, one_of_a_shape=True)
    grid = Grid("cell", "state", "why", title=f"{table.name} · scale {table.scale}", title_justify="left")
    styles = {"finished": "green", "running": "cyan", "failed": "red", "stale": "yellow", "missing": ""}
    for cell in cells:
        grid.add_row(cell.name, cell.state, cell.why, style=styles[cell.state])
    console = Console(soft_wrap=False, markup=False, emoji=False)  # an error may hold [/brackets] and :colons:
    console.print(grid)
    todo = sum(cell.would_run and cell.state != "running" for cell in cells)
    console.print(f"{todo} of {len(cells)} cells would run", highlight=False)
    if outdated := [cell.name for cell in cells if cell.change is not None and cell.change.is_outdated]:
        line = f"{len(outdated)} stored results are of an older recipe: {', '.join(outdated)}"
        console.print(line, highlight=False, soft_wrap=True)
    for row, search in table.searches.items():
        console.print(f"{row}: {len(table.grids[row])} of {search.trials} trials are chosen so far", highlight=False)
        if best := table.winners.get(row):
            console.print(f"{row}: the best {search.metric} is of {best}", highlight=False)
    if table.given_up:
        failed = f"{len(table.given_up)} trials failed and are not tried again unless --rows names them"
        console.print(f"{failed}: {', '.join(sorted(table.given_up))}", highlight=False)
    return 0
