"""Files of a run, wherever they are: in its folder, among the artifacts on this disk, or on a server.

Of a run that failed in its scoring, what its training left is whole, too.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from experiments.runs import journal
from experiments.runs.run_folder import BEST, KEY, PREDICTIONS
from experiments.tracking.artifact_files import link
from experiments.tracking.mlflow_store import Tracker, TrackingError
from experiments.tracking.tracked_run import TrackedRun

OF_TRAINING = (BEST, KEY, PREDICTIONS, journal.NAME)


def is_whole(run_dir: Path) -> bool:
    """Whether a folder holds a finished run's files: it ended here, or was fetched, which leaves no journal.

    What stopped here and finished on another disk left a part of it.
    """
    return journal.final_state(run_dir / journal.NAME).state in ("finished", "")


def place(tracker: Tracker, run: TrackedRun, name: str) -> Path | None:
    """Where a file or folder of a run is on this disk; None where it is not."""
    run_dir = tracker.run_dir(run.tags["key"])
    whole = is_whole(run_dir) or (name in OF_TRAINING and journal.is_fitted(run_dir / journal.NAME))
    if whole and (run_dir / name).exists():
        return run_dir / name
    stored = tracker.artifact_folder(run.artifact_uri)
    return stored / name if stored is not None and (stored / name).exists() else None


def has(tracker: Tracker, run: TrackedRun, name: str) -> bool:
    """Whether a file or folder of a run is anywhere."""
    if place(tracker, run, name) is not None:
        return True
    if tracker.artifact_folder(run.artifact_uri) is not None:
        return False
    try:
        return any(path == name or path.startswith(f"{name}/") for path in tracker.stored_files(run.run_id))
    except (TrackingError, OSError):
        return False


def take(tracker: Tracker, run: TrackedRun, name: str, folder: Path) -> None:
    """Give ``folder`` a run's file or folder ``name``: as links where that can be, else as copies, or from the server.

    Raises ``TrackingError`` or ``OSError``.
    """
    found = place(tracker, run, name)
    if found is None:
        tracker.download(run.run_id, name, folder)
        return
    files = [path for path in sorted(found.rglob("*")) if path.is_file()] if found.is_dir() else [found]
    for path in files:
        target = folder / name / path.relative_to(found)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not link(path, target):
            partial = target.with_name(f"{target.name}.partial")
            shutil.copyfile(path, partial)
            partial.replace(target)
