"""``earmark plan TABLE``: every cell's state, what would run, and why."""

from __future__ import annotations

import argparse

from experiments.commands import table_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark plan``."""
    parser.epilog = "example: earmark plan weak_sed --scale demo"
    table_arguments.table_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every cell's state and why."""
    from rich.console import Console
    from rich.table import Table as Grid

    table, _, cells = table_arguments.read_plan(arguments)
    table_arguments.check_configurations(cells, one_of_a_shape=True)
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
