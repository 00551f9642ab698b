"""``earmark plan|run|report TABLE``: what is there, do what is missing, show the numbers."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING, Any

from experiments import slurm_options
from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.executors import Executor
    from experiments.plan import Cell
    from experiments.slurm_options import SlurmOptions
    from experiments.spec import Table
    from experiments.tracking import Tracker

SLURM_SLOTS = 32


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
        parser.epilog = """examples:
  earmark run weak_sed --scale demo --rows mil,mil_penalty --seeds 0,1
  earmark run weak_sed --on slurm --partition gpu --time 8:00:00 --gpus 1 --slots 16"""
        _table_arguments(parser)
        parser.add_argument("--on", choices=("local", "slurm"), default="local", help="where runs run (default: local)")
        parser.add_argument(
            "--slots",
            type=int,
            help="runs at once (default: one a GPU, else one a core; on slurm 32)",
        )
        parser.add_argument(
            "--retries",
            type=int,
            default=1,
            metavar="N",
            help="start a run that failed up to N times more, from its last checkpoint (default: 1)",
        )
        parser.add_argument(
            "--accept-code-change",
            action="store_true",
            help="keep the results of finished runs that differ in code alone; reports mark them",
        )
        slurm_options.add_arguments(parser)

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Run what is not finished; exit code 1 if a cell failed, 130 after Ctrl-C."""
        if arguments.slots is not None and arguments.slots < 1:
            raise UserError(f"--slots {arguments.slots}: at least 1")
        if arguments.retries < 0:
            raise UserError(f"--retries {arguments.retries}: at least 0")
        table, tracker, cells = _plan(arguments)
        if arguments.accept_code_change:
            from experiments.accepted_code import accept

            while accepted := accept(cells, tracker):  # rows that stand on an accepted run keep their keys then
                for line in accepted:
                    print(line, file=sys.stderr)
                table, tracker, cells = _plan(arguments)
        again = f"earmark run {arguments.table}" + (f" --scale {arguments.scale}" if arguments.scale else "")
        slurm = None
        if arguments.on == "slurm":
            machine = {"threads": 1, "num_workers": 0, **table.machine}
            slurm = slurm_options.from_arguments(
                arguments, threads=machine["threads"], num_workers=machine["num_workers"]
            )
        return launch_cells(
            table, tracker, cells, slots=arguments.slots, retries=arguments.retries, again=again, slurm=slurm
        )


def launch_cells(
    table: Table,
    tracker: Tracker,
    cells: list[Cell],
    *,
    slots: int | None,
    again: str,
    retries: int = 1,
    slurm: SlurmOptions | None = None,
) -> int:
    """Launch a plan's unfinished cells, here or as the jobs that ``slurm`` describes, and say how it went."""
    blocked = [cell for cell in cells if cell.key is None]
    if blocked:
        raise UserError(blocked[0].why.removeprefix("data: "))
    busy = [cell.name for cell in cells if cell.state == "running"]
    if busy:
        raise UserError(f"another launch is running {', '.join(busy)}; wait for it or stop it")
    todo = [cell for cell in cells if cell.state != "finished"]
    print(
        f"{table.name}, scale {table.scale}: {len(cells) - len(todo)} of {len(cells)} cells are finished",
        file=sys.stderr,
    )
    for cell in cells:
        if cell.run is not None and cell.state == "finished" and f"row.{cell.row.table}" not in cell.run.tags:
            tracker.tag(cell.run.run_id, {f"row.{cell.row.table}": cell.row.name})  # another table made it
    if not todo:
        return 0
    check_configurations(cells)

    from experiments.launch import Launcher
    from experiments.progress import LaunchProgress

    # A batch system asks with SIGTERM; a shell's background job is born with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    slots, machine, executor = _executor(table, tracker, slots=slots, slurm=slurm)
    with LaunchProgress(table.name, len(todo)) as progress:
        launcher = Launcher(tracker, executor, slots=slots, machine=machine, progress=progress, retries=retries)
        result = launcher.launch(cells)
    for name, message in {**result.failed, **result.skipped}.items():
        print(f"not finished: {name}: {message}", file=sys.stderr)
    if result.undelivered:
        print(f"{len(result.undelivered)} runs are not in MLflow yet, nothing is lost: earmark sync", file=sys.stderr)
    if result.interrupted:
        print(f"interrupted; what is finished is kept, go on with: {again}", file=sys.stderr)
        return 130
    return 1 if result.failed or result.undelivered else 0


def _executor(
    table: Table, tracker: Tracker, *, slots: int | None, slurm: SlurmOptions | None
) -> tuple[int, dict[str, Any], Executor]:
    """How many runs at once, what each has of its machine, and who starts them."""
    if slurm is None:
        from experiments.executors import LocalExecutor
        from experiments.slots import default_slots, num_cores

        slots = slots or default_slots(int(table.machine.get("devices", 1)))
        machine = {"threads": max(1, num_cores() // slots), **table.machine}
        return slots, machine, LocalExecutor(machine)
    try:
        from experiments.slurm import SlurmExecutor
    except ModuleNotFoundError:
        raise UserError("--on slurm: needs submitit: pip install 'earmark[slurm]'") from None
    slots = slots or SLURM_SLOTS
    machine = {"threads": 1, **table.machine, "num_nodes": slurm.nodes}
    if slurm.gpus_per_node:
        machine |= {"devices": slurm.gpus_per_node, "accelerator": "gpu"}
    return slots, machine, SlurmExecutor(tracker.root / "slurm", slurm, machine, slots=slots)


class report:
    """``earmark report``."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Arguments of ``earmark report``."""
        from experiments import report_command

        _table_arguments(parser)
        report_command.add_arguments(parser)

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Print the report, or do what the options ask for."""
        from experiments import report_command

        return report_command.run(arguments, *_plan(arguments))
