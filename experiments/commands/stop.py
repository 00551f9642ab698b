"""``earmark stop``: end what this home runs, also what a closed terminal or a killed launcher left behind."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.launching.living import Living, living, out_of_reach
from experiments.launching.platforms import refuse_where_nothing_can_run
from experiments.runs import journal
from experiments.runs.run_folder import TRACKED, is_locked, slurm_job

LOOK_EVERY_SECONDS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark stop``."""
    parser.description = (
        "Stop the launchers and trainings of this home, and the SLURM jobs that they left, and wait until they are "
        "gone. Nothing is lost: earmark run goes on from the last checkpoints. A launcher stops as a whole."
    )
    parser.epilog = "example: earmark stop weak_sed --rows mil"
    parser.add_argument("table", nargs="?", help="only what works on runs of this table (default: everything)")
    parser.add_argument(
        "--rows", action="append", default=[], metavar="A,B", help="only what works on these rows of the table"
    )


def run(arguments: argparse.Namespace) -> int:
    """Stop and name each; exit code 1 where something could not be reached from here."""
    from datamodules.corpus_folder import home
    from experiments.errors import UserError

    refuse_where_nothing_can_run("stop")
    rows = [name for text in arguments.rows for name in text.split(",") if name]
    if rows and not arguments.table:
        raise UserError("--rows needs the table whose rows they are: earmark stop TABLE --rows A,B")
    table = Path(arguments.table).stem if arguments.table else ""
    folders = [path.parent for path in sorted((home() / "mlruns" / "runs").glob(f"*/{TRACKED}"))]
    if table:
        _check_names(folders, arguments.table, table, rows)
    num_stopped = _stop_processes(folders, table, rows)
    wanted = [folder for folder in folders if _is_wanted(folder, table, rows)]
    num_stopped += sum(_cancel_job(folder) for folder in wanted)
    for folder in wanted:
        if where := out_of_reach(folder):
            print(f"{_name(folder)}: {where} works on it; stop it there", file=sys.stderr)
            return 1
    if not num_stopped:
        print(f"nothing is running{' of ' + arguments.table if arguments.table else ''}")
    return 0


def _stop_processes(folders: Sequence[Path], table: str, rows: Sequence[str]) -> int:
    """Ask all that live, until none does; how many there were. What does not end in its time is killed."""
    asked: dict[int, float] = {}
    num_quiet_looks = 0  # a launcher holds nothing for a moment between two runs
    while True:
        found = {
            process.pid: process
            for folder in folders
            if is_locked(folder) and _is_wanted(folder, table, rows) and (process := living(folder))
        }
        num_quiet_looks = 0 if found else num_quiet_looks + 1
        if num_quiet_looks > 3:
            return len(asked)
        for process in found.values():
            if process.pid not in asked:
                asked[process.pid] = time.monotonic()
                print(f"{_told(process)}: asked to stop", flush=True)
                process.signal(signal.SIGTERM)
            elif time.monotonic() - asked[process.pid] > process.grace_seconds:
                print(f"{_told(process)}: does not stop, killed", flush=True)
                process.signal(signal.SIGKILL)
                asked[process.pid] = time.monotonic()
        time.sleep(LOOK_EVERY_SECONDS)


def _cancel_job(run_dir: Path) -> bool:
    """Cancel a run's SLURM job that outlived its launcher; whether there was one."""
    job_id, _ = slurm_job(run_dir)
    if not job_id or journal.final_state(run_dir / journal.NAME).state == "finished":
        return False
    from experiments.launching.executors import QueueAwayError

    try:
        from experiments.launching.slurm import find_job

        job = find_job(run_dir)
    except (ModuleNotFoundError, FileNotFoundError, QueueAwayError) as error:  # no submitit, no SLURM, no answer
        print(f"{_name(run_dir)}: SLURM job {job_id} may wait or run still: {error}", file=sys.stderr)
        return False
    if job is None:
        return False
    print(f"{_name(run_dir)}: {job} cancelled", flush=True)
    job.kill()
    return True


def _check_names(folders: Sequence[Path], given: str, table: str, rows: Sequence[str]) -> None:
    """Refuse a table or row that has no run here and, the table, no file: what is misspelt is not stopped."""
    from experiments.errors import UserError, unknown
    from experiments.table_files.spec import table_path

    known = {row for folder in folders if (row := _row(folder, table))}
    if not known:
        table_path(given)
    elif missing := [row for row in rows if row not in known]:
        raise UserError(f"--rows: {unknown('row', missing[0], sorted(known))}; these have runs here")


def _is_wanted(run_dir: Path, table: str, rows: Sequence[str]) -> bool:
    row = _row(run_dir, table)
    return not table or (row is not None and (not rows or row in rows))


def _row(run_dir: Path, table: str) -> str | None:
    """The row of a table that a run is; None of another table's."""
    try:
        row = json.loads((run_dir / TRACKED).read_text(encoding="utf-8"))["run"]["tags"].get(f"row.{table}")
    except (OSError, ValueError, KeyError, TypeError):  # torn by a power cut
        return None
    return None if row is None else str(row)


def _told(process: Living) -> str:
    what = "launcher" if process.is_launcher else "training"
    return f"{_name(process.run_dir)}: {what} (process {process.pid})"


def _name(run_dir: Path) -> str:
    """The run's cell as tables name it, or its folder."""
    from experiments.planning.cell import Place
    from experiments.runs import provenance

    record = provenance.read(run_dir)
    if "row" not in record:
        return run_dir.name
    place = Place(record["row"], record["seed"], record.get("fold"))
    return f"{Path(record['table']).stem}/{place.row} {place.run}"
