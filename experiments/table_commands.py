"""``earmark plan|run|report TABLE``: what is there, do what is missing, show the numbers."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.plan import Cell
    from experiments.spec import Table
    from experiments.tracking import Tracker


def _table_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", help="name of a shipped table, or the path of a .yaml file")
    parser.add_argument("--scale", help="a scale of the table (default: its first)")
    parser.add_argument(
        "--rows", type=_names, default=[], metavar="A,B", help="only these rows, and what they stand on"
    )
    parser.add_argument(
        "--seeds", type=_numbers, default=[], metavar="0,1", help="only these seeds (default: the table's)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="a dotted path of every row's configuration, e.g. data.corpus=tones/demo; may be repeated",
    )  # fmt: skip


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _numbers(text: str) -> list[int]:
    try:
        seeds = [int(number) for number in text.split(",") if number]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected integers such as 0,1, got {text!r}") from None
    if any(seed < 0 for seed in seeds):
        raise argparse.ArgumentTypeError(f"seeds are >= 0, got {text!r}")
    return seeds


def overrides(texts: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` arguments as dotted paths and values. Raises ``UserError``."""
    from experiments.errors import unknown
    from experiments.spec import SECTIONS
    from experiments.yaml_files import parse_value

    values = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise UserError(f"--set {text!r}: expected KEY=VALUE, e.g. data.corpus=tones/demo")
        if key.split(".")[0] not in SECTIONS:
            raise UserError(f"--set {key}: {unknown('section', key.split('.')[0], SECTIONS)}")
        values[key] = parse_value(value, where=f"--set {key}")
    return values


def _plan(arguments: argparse.Namespace) -> tuple[Table, Tracker, list[Cell]]:
    from datamodules.corpus_folder import home
    from experiments.spec import read_table

    table = read_table(
        arguments.table,
        scale=arguments.scale,
        overrides=overrides(arguments.overrides),
        scored_rows=arguments.rows,
    )

    from experiments.plan import make_plan
    from experiments.tracking import Tracker

    tracker = Tracker(home())
    return table, tracker, make_plan(table, tracker, rows=arguments.rows, seeds=arguments.seeds)


def check_configurations(cells: list[Cell]) -> None:
    """Build every row that would run: a misspelt key, a wrong type or a refused value costs seconds, not a night."""
    from experiments.schema import build, parse

    for cell in {(cell.table.name, cell.row.name): cell for cell in cells if cell.state != "finished"}.values():
        table = cell.table
        where = f"{table.path.name}: rows.{cell.row.name}" if table.name != "fit" else table.path.name
        check = parse if cell.key is None else build  # without data there is nothing to build
        check(cell.row.config, stage=cell.row.stage, seed=cell.seed, where=where, imports=table.imports)


class plan:
    """``earmark plan``."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Arguments of ``earmark plan``."""
        parser.epilog = "example: earmark plan weak_sed --scale demo"
        _table_arguments(parser)

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Print every cell's state and why."""
        from rich.console import Console
        from rich.table import Table as Grid

        table, _, cells = _plan(arguments)
        check_configurations(cells)
        grid = Grid("cell", "state", "why", title=f"{table.name} · scale {table.scale}", title_justify="left")
        styles = {"finished": "green", "running": "cyan", "failed": "red", "stale": "yellow", "missing": ""}
        for cell in cells:
            grid.add_row(cell.name, cell.state, cell.why, style=styles[cell.state])
        console = Console(soft_wrap=False)
        console.print(grid)
        todo = sum(cell.state not in ("finished", "running") for cell in cells)
        console.print(f"{todo} of {len(cells)} cells would run", highlight=False)
        return 0


class run:
    """``earmark run``."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Arguments of ``earmark run``."""
        parser.epilog = "example: earmark run weak_sed --scale demo --rows mil,mil_penalty --seeds 0,1"
        _table_arguments(parser)
        parser.add_argument("--slots", type=int, help="runs at once (default: one a GPU, else one a core)")

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Run what is not finished; exit code 1 if a cell failed, 130 after Ctrl-C."""
        table, tracker, cells = _plan(arguments)
        if arguments.slots is not None and arguments.slots < 1:
            raise UserError(f"--slots {arguments.slots}: at least 1")
        return launch_cells(table, tracker, cells, slots=arguments.slots, again=f"earmark run {arguments.table}")


def launch_cells(table: Table, tracker: Tracker, cells: list[Cell], *, slots: int | None, again: str) -> int:
    """Launch a plan's unfinished cells and say how it went."""
    blocked = [cell for cell in cells if cell.key is None]
    if blocked:
        raise UserError(blocked[0].why.removeprefix("data: "))
    busy = [cell.name for cell in cells if cell.state == "running"]
    if busy:
        raise UserError(f"another launch is running {', '.join(busy)}; wait for it or stop it")
    _write_views(table, tracker, cells)  # before the runs, so that they can be watched
    todo = [cell for cell in cells if cell.state != "finished"]
    print(
        f"{table.name}, scale {table.scale}: {len(cells) - len(todo)} of {len(cells)} cells are finished",
        file=sys.stderr,
    )
    if not todo:
        return 0
    check_configurations(cells)

    from experiments.launch import Launcher
    from experiments.progress import LaunchProgress
    from experiments.slots import default_slots, num_cores

    # A batch system asks with SIGTERM; a shell's background job is born with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    slots = slots or default_slots(int(table.machine.get("devices", 1)))
    machine = {"threads": max(1, num_cores() // slots), **table.machine}
    with LaunchProgress(table.name, len(todo)) as progress:
        result = Launcher(tracker, slots=slots, machine=machine, progress=progress).launch(cells)
    for name, message in {**result.failed, **result.skipped}.items():
        print(f"not finished: {name}: {message}", file=sys.stderr)
    if result.interrupted:
        print(f"interrupted; what is finished is kept, go on with: {again}", file=sys.stderr)
        return 130
    return 1 if result.failed else 0


class report:
    """``earmark report``."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Arguments of ``earmark report``."""
        parser.epilog = "example: earmark report weak_sed --scale demo --format latex --output table.tex"
        _table_arguments(parser)
        parser.add_argument("--format", choices=("md", "latex", "csv"), default="md")
        parser.add_argument("--output", type=Path, help="write there instead of printing")
        parser.add_argument(
            "--charts", type=Path, metavar="FOLDER", help="draw the table's charts there and print their paths instead"
        )

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Print the report; a whole table also becomes the MLflow experiment's note."""
        from experiments.report import FORMATS, make_report, note

        table, tracker, cells = _plan(arguments)
        made = make_report(table, cells)
        text = FORMATS[arguments.format](made)
        whole = not (arguments.rows or arguments.seeds or arguments.overrides)
        if whole and any(cell.state == "finished" for cell in cells):
            from experiments.notes import write_note

            write_note(tracker, table, note(made))
        _write_views(table, tracker, cells)
        if arguments.output:
            try:
                arguments.output.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UserError(f"--output {arguments.output}: {error.strerror}") from None
        if arguments.charts:
            return _draw_charts(table, tracker, cells, folder=arguments.charts)
        if not arguments.output:
            print(text, end="")
        return 0


def _write_views(table: Table, tracker: Tracker, cells: list[Cell]) -> None:
    """MLflow's saved views of the table; a warning where they cannot be written, never more."""
    from experiments.views import write_views

    if line := write_views(table, cells, tracker):
        print(f"warning: {line}", file=sys.stderr)


def _draw_charts(table: Table, tracker: Tracker, cells: list[Cell], *, folder: Path) -> int:
    """Print the paths of the charts, and on standard error why one was not drawn."""
    from experiments.chart_drawing import draw_charts

    if not table.charts:
        raise UserError(f"{table.path.name}: has no charts; --charts draws what stands under charts: in the file")
    try:
        paths, undrawn = draw_charts(table, table.charts, cells, tracker, folder=folder)
    except OSError as error:
        raise UserError(f"--charts {folder}: {error.strerror}") from None
    for line in undrawn:
        print(f"warning: {line}", file=sys.stderr)
    for path in paths:
        print(path)
    return 0
