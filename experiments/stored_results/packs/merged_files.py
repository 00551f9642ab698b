"""Weights, predictions and n-grams of packs for merged runs, new ones and such as are here without.

A run keeps what it has. Of several packs with one run the first that has them gives them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from experiments.runs.run_folder import BEST, NGRAMS, PREDICTIONS
from experiments.stored_results.packs.archive import Archive
from experiments.stored_results.packs.packed_store import unfold
from experiments.stored_results.packs.packed_weights import checked_weights
from experiments.tracking import run_files
from experiments.tracking.artifact_files import link
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

GIVEN = (BEST, PREDICTIONS, NGRAMS)  # what a run may lack that is finished


def lacks(name: str, key: str, run: TrackedRun | None, tracker: Tracker) -> bool:
    """Whether a run that is here has a file or folder nowhere; ``run`` is the store's record, None without one yet."""
    if run is not None:
        return not run_files.has(tracker, run, name)
    return not (tracker.run_dir(key) / name).exists()


def write_given(name: str, archive: Archive, key: str, folder: Path) -> None:
    """What a pack has of one of ``GIVEN`` below a run's folder, which lies aside. Raises ``OSError``."""
    if name == BEST:
        from experiments.stored_results.best_weights import checkpoint_of, save_checkpoint

        save_checkpoint(checkpoint_of(*checked_weights(archive.files, key)), folder / BEST)
        return
    prefix = f"runs/{key}/"
    within = {file.removeprefix(prefix): data for file, data in archive.files.items() if file.startswith(prefix)}
    unfold({file: data for file, data in within.items() if file == name or file.startswith(f"{name}/")}, folder)


def give(name: str, archive: Archive, key: str, run: TrackedRun | None, tracker: Tracker) -> bool:
    """One of ``GIVEN`` for a run that is here without, where plans and trainings look. Raises ``OSError``.

    Into its folder and among its artifacts, where these are on this disk. False where neither is a place for it: a
    server's run of which this home has an unfinished attempt.
    """
    folder = tracker.run_dir(key)
    stored = None if run is None else tracker.artifact_folder(run.artifact_uri)
    places = [place for place in (folder if run_files.is_whole(folder) else None, stored) if place is not None]
    if not places:
        return False
    with tempfile.TemporaryDirectory(dir=tracker.root, prefix="merge-") as aside:
        write_given(name, archive, key, Path(aside))
        target = places[0] / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(aside) / name, target)
    files = [path for path in sorted(target.rglob("*")) if path.is_file()] if target.is_dir() else [target]
    for path in files:
        for place in places[1:]:
            copy = place / path.relative_to(places[0])
            if not link(path, copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
    return True
