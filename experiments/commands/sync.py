"""``earmark sync``: bring MLflow up to what the run folders hold, after an outage, a kill, or training on a cluster."""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark sync``."""
    parser.description = (
        "Deliver to MLflow what the run folders under mlruns/runs hold and the store does not: runs, curves, scores, "
        "artifacts. Nothing is trained, and what is delivered already stays as it is."
    )
    parser.epilog = "example: earmark sync    (MLFLOW_TRACKING_URI says which store, as everywhere)"


def run(arguments: argparse.Namespace) -> int:
    """Deliver every folder; exit code 1 if one could not be.

    What the store refuses for good is said and no failure: no later sync would do more.
    """
    from datamodules.corpus_folder import home
    from experiments.errors import first_line
    from experiments.runs import journal
    from experiments.runs.run_folder import TRACKED
    from experiments.tracking.delivery import close_dead, deliver, is_delivered, refused
    from experiments.tracking.mlflow_store import Tracker, TrackingError
    from experiments.tracking.refusals import REFUSED, told
    from experiments.waiting import with_bar

    tracker = Tracker(home())
    tracker.place.check_writable()
    folders = [path.parent for path in sorted((tracker.root / "runs").glob(f"*/{TRACKED}"))]
    failed = 0
    try:
        present = tracker.run_ids()
    except (TrackingError, OSError) as error:
        print(f"nothing delivered: {first_line(error)}", file=sys.stderr)
        return 1
    todo = [folder for folder in folders if not is_delivered(folder, tracker, present=present)]
    for folder in with_bar(todo, "sync"):
        try:
            close_dead(folder)
            ended = deliver(folder, tracker)
        except (TrackingError, OSError, ValueError) as error:
            failed += 1
            print(f"not delivered: {folder}: {first_line(error)}", file=sys.stderr)
        else:
            state = journal.final_state(folder / journal.NAME).state
            print(f"{folder.name}: {state if ended else 'goes on'}")
            if lacks := refused(folder, tracker):
                print(f"refused by MLflow, and kept in {folder}: {told(lacks)}", file=sys.stderr)
    print(f"{len(todo) - failed} of {len(todo)} run folders delivered, {len(folders) - len(todo)} were before")
    if partly := sum(bool(refused(folder, tracker)) for folder in folders):
        print(f"{partly} of them without what MLflow refuses: their tag {REFUSED} names it")
    return 1 if failed else 0
