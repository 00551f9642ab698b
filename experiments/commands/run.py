"""``earmark run TABLE``: do what is missing, here or on a cluster."""

from __future__ import annotations

import argparse
import contextlib
import functools
import shlex
import sys
from typing import TYPE_CHECKING, Any

from experiments.commands.shell.next_command import same_cells, say_next
from experiments.commands.table_arguments import check_configurations, read_plan, table_arguments, write_views
from experiments.errors import UserError, number_of
from experiments.launching import interruption, slurm_options
from experiments.launching.platforms import refuse_where_nothing_can_run
from experiments.runs.run_folder import is_launched

if TYPE_CHECKING:
    from experiments.launching.beginning import Beginning
    from experiments.launching.executors import Executor
    from experiments.launching.slurm_options import SlurmOptions
    from experiments.planning.cell import Cell
    from experiments.table_files.spec import Table
    from experiments.tracking.mlflow_store import Tracker

SLURM_SLOTS = 32
INTERRUPTED = 130  # the exit code after Ctrl-C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark run``."""
    parser.epilog = """examples:
  earmark run weak_sed --scale demo --rows mil,mil_penalty --seeds 0,1
  earmark run weak_sed --rescore
  earmark run weak_sed --on slurm --partition gpu --time 8:00:00 --gpus 1 --slots 16"""
    table_arguments(parser)
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
    parser.add_argument(
        "--rescore",
        action="store_true",
        help="train nothing: only score what is trained and was scored otherwise, and rows that score others",
    )
    slurm_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run what is not finished; exit code 1 if a cell failed, 130 after Ctrl-C."""
    if arguments.slots is not None and arguments.slots < 1:
        raise UserError(f"--slots {arguments.slots}: at least 1")
    if arguments.retries < 0:
        raise UserError(f"--retries {arguments.retries}: at least 0")
    refuse_where_nothing_can_run("run")
    with contextlib.ExitStack() as stack:
        code = _run(arguments, stack)
    if code == 0:
        say_next("report", *same_cells(arguments))
    return code


def _run(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    beginning: Beginning | None = None

    def begin(table: Table) -> None:
        nonlocal beginning
        if arguments.on == "local" and beginning is None:
            beginning = stack.enter_context(_begun(table, None, slots=arguments.slots, slurm=None))

    table, tracker, cells = read_plan(arguments, begin=begin)
    if arguments.accept_code_change:
        from experiments.planning.accepted_code import accept, not_accepted

        before: list[str] = []
        while (accepted := accept(cells, tracker)) and accepted != before:  # what stands on them keeps its key then
            for line in accepted:
                print(line, file=sys.stderr)
            before = accepted
            table, tracker, cells = read_plan(arguments)
        for line in not_accepted(cells):
            print(line, file=sys.stderr)
    slurm = None
    if arguments.on == "slurm":
        machine = {"threads": 1, "num_workers": 0, **table.machine}
        slurm = slurm_options.from_arguments(arguments, threads=machine["threads"], num_workers=machine["num_workers"])
    launch = functools.partial(
        launch_cells, slots=arguments.slots, retries=arguments.retries, slurm=slurm, beginning=beginning
    )
    if arguments.rescore:
        return launch(table, tracker, _quick(cells))
    code = launch(table, tracker, cells)
    known = {cell.name for cell in cells if not cell.waits}
    while code != INTERRUPTED and table.searches:  # what has ended chooses the next trials, whatever else failed
        table, tracker, cells = read_plan(arguments)
        if known >= (names := {cell.name for cell in cells if not cell.waits}):
            break
        new = [cell for cell in cells if cell.state == "finished" or cell.name not in known]
        known |= names
        code = launch(table, tracker, new) or code
    return code


def _quick(cells: list[Cell]) -> list[Cell]:
    """The cells that are finished or need no training, nor does anything that they stand on; the others are named."""
    kept: dict[str, Cell] = {}
    for cell in cells:  # what it stands on comes first
        on_kept = all(other.name in kept for other in cell.upstream.values())
        if cell.state == "finished" or (cell.key is not None and cell.is_quick and on_kept):
            kept[cell.name] = cell
    if left := [cell.name for cell in cells if cell.name not in kept]:
        need = "needs" if len(left) == 1 else "need"
        print(f"left, {number_of(len(left), 'cell')} that {need} training or data: {', '.join(left)}", file=sys.stderr)
    return list(kept.values())


def _with_files(cells: list[Cell]) -> list[Cell]:
    """The cells whose pretrained models and noises are here, and what stands on them.

    The others are named, by what they lack. Raises ``UserError`` where none of those that are to run would be left.
    """
    left: dict[str, str] = {}
    for cell in cells:  # what it stands on comes first
        on = next((left[other.name] for other in cell.upstream.values() if other.name in left), "")
        if why := on or (cell.why if cell.lacks_files else ""):
            left[cell.name] = why
    for why in dict.fromkeys(left.values()):
        without = [name for name, of in left.items() if of == why]
        lacks = why.partition(": ")[2]
        if not any(cell.would_run and cell.name not in left for cell in cells):
            raise UserError(lacks)
        print(f"left, {number_of(len(without), 'cell')}: {lacks}: {', '.join(without)}", file=sys.stderr)
    return [cell for cell in cells if cell.name not in left]


def launch_cells(
    table: Table,
    tracker: Tracker,
    cells: list[Cell],
    *,
    slots: int | None,
    retries: int = 1,
    slurm: SlurmOptions | None = None,
    beginning: Beginning | None = None,
) -> int:
    """Launch a plan's unfinished cells, here or as the jobs that ``slurm`` describes, and say how it went.

    ``beginning`` is what was begun before the plan was made, None where nothing was.
    """
    cells = _with_files(cells)
    blocked = [cell for cell in cells if cell.key is None and not cell.waits]
    if blocked:
        raise UserError(blocked[0].why.removeprefix("data: "))
    tracker.place.check_writable()
    write_views(table, tracker, cells)  # before the runs, so that they can be watched
    todo = [cell for cell in cells if cell.would_run]
    num_finished = sum(cell.state == "finished" for cell in cells)
    print(f"{table.name}, scale {table.scale}: {num_finished} of {len(cells)} cells are finished", file=sys.stderr)
    if waiting := sorted({cell.why for cell in cells if cell.waits}):
        print(
            f"for later, {number_of(sum(cell.waits for cell in cells), 'cell')}: {', '.join(waiting)}", file=sys.stderr
        )
    if given_up := [cell.name for cell in cells if cell.state != "finished" and not (cell.would_run or cell.waits)]:
        print(f"not tried again unless --rows names them, failed trials: {', '.join(given_up)}", file=sys.stderr)
    for cell in cells:
        if cell.run is not None and cell.state == "finished" and f"row.{cell.row.table}" not in cell.run.tags:
            tracker.tag(cell.run.run_id, {f"row.{cell.row.table}": cell.row.name})  # another table made it
    if not todo:
        return 0
    tracker.check_experiment(table.family)
    with contextlib.ExitStack() as stack:
        beginning = beginning or stack.enter_context(_begun(table, tracker, slots=slots, slurm=slurm))
        executor = beginning.executor
        taken = [cell for cell in todo if cell.state == "running" and not _can_take_over(cell, tracker, executor)]
        if busy := [cell.name for cell in taken]:
            raise UserError(f"another launch is running {', '.join(busy)}; wait for it, or: earmark stop")
        check_configurations(cells, warm=beginning.warm)

        from experiments.launching.launch import Launcher
        from experiments.launching.progress import LaunchProgress

        interruption.listen(to_hang_up=slurm is None)  # jobs outlive a lost connection, and are taken over
        with LaunchProgress(table.name, len(todo)) as progress:
            launcher = Launcher(
                tracker, executor, slots=beginning.slots, machine=beginning.machine, progress=progress,
                retries=retries, copies=beginning.copies,
            )  # fmt: skip
            result = launcher.launch(cells)
    for name, message in {**result.failed, **result.skipped}.items():
        print(f"not finished: {name}: {message}", file=sys.stderr)
    if result.undelivered:
        are = "run is" if len(result.undelivered) == 1 else "runs are"
        print(f"{len(result.undelivered)} {are} not in MLflow yet, nothing is lost: earmark sync", file=sys.stderr)
    if result.interrupted:
        again = shlex.join(["earmark", *sys.argv[1:]])  # as it was typed: rows, seeds and --set decide what is run
        print(f"interrupted; what is finished is kept, go on with: {again}", file=sys.stderr)
        return INTERRUPTED
    return 1 if result.failed or result.undelivered else 0


def _can_take_over(cell: Cell, tracker: Tracker, executor: Executor) -> bool:
    """Whether a run goes on whose launcher is gone, as a job of the queue that this one would use."""
    from experiments.launching.executors import QueueAwayError

    assert cell.key is not None
    run_dir = tracker.run_dir(cell.key.id)
    try:
        return not is_launched(run_dir) and executor.adopt(run_dir) is not None
    except QueueAwayError as error:
        raise UserError(f"--on slurm: {error}") from None


def _begun(
    table: Table, tracker: Tracker | None, *, slots: int | None, slurm: SlurmOptions | None
) -> contextlib.AbstractContextManager[Beginning]:
    from datamodules.corpus_folder import home
    from experiments.launching.beginning import begun

    number, machine, executor = _executor(table, tracker, slots=slots, slurm=slurm)
    return begun(number, machine, executor, table=table, root=tracker.place.root if tracker else home() / "mlruns")


def _executor(
    table: Table, tracker: Tracker | None, *, slots: int | None, slurm: SlurmOptions | None
) -> tuple[int, dict[str, Any], Executor]:
    """How many runs at once, what each has of its machine, and who starts them."""
    if slurm is None:
        from experiments.launching.executors import LocalExecutor
        from experiments.launching.slots import default_slots, num_cores

        if (num_nodes := int(table.machine.get("num_nodes", 1))) > 1:  # it would wait for the others for ever
            raise UserError(
                f"{table.path.name}: machine.num_nodes: {num_nodes} here, on one machine; allowed: 1, or with "
                f"--on slurm --nodes {num_nodes}"
            )
        slots = slots or default_slots(int(table.machine.get("devices", 1)))
        machine = {"threads": max(1, num_cores() // slots), **table.machine}
        return slots, machine, LocalExecutor(machine)
    try:
        from experiments.launching.slurm import SlurmExecutor
    except ModuleNotFoundError:
        raise UserError("--on slurm: needs submitit: pip install 'earmark[slurm]'") from None
    assert tracker is not None
    slots = slots or SLURM_SLOTS
    machine = {"threads": 1, **table.machine, "num_nodes": slurm.nodes}
    if slurm.gpus_per_node:
        machine |= {"devices": slurm.gpus_per_node, "accelerator": "gpu"}
    return slots, machine, SlurmExecutor(tracker.root / "slurm", slurm, machine, slots=slots)
