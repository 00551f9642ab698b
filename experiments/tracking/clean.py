"""What of the run folders takes disk and is needed by nobody: found by ``find``, and freed one by one by ``free``.

Only of runs that have finished and that the store has whole: the checkpoint that a resume would start from, second
copies of artifacts (the store's file becomes a link to the run folder's own), and what was fetched from the store and
can be again. Features of clips, which are of no one run, go too. Weights, predictions and scores stay, so that rows
which stand on a run find them. Whole folders go by the user's word alone, and where the store lists every file, which
it gives back then (``prepare.restore_upstream``).
"""

from __future__ import annotations

import filecmp
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from experiments.errors import UserError
from experiments.runs import journal, snapshots
from experiments.runs.run_folder import CONFIG, FEATURES, KEY, LAST, TRACKED, artifacts, is_launched, is_locked
from experiments.table_files.yaml_files import read_yaml
from experiments.tracking.artifact_files import link
from experiments.tracking.delivery import delivered_run, is_delivered
from experiments.tracking.mlflow_store import Tracker
from experiments.waiting import with_bar

CHECKPOINT = "checkpoints that a resume would start from, of finished runs"
COPY = "second copies of artifacts, which become links"
FETCHED = "folders of fetched files, which the store gives again"
FOLDER = "run folders of which the store has every file"
HEARD = "folder of features of clips (kept_features), which are computed again where a run needs them"
SNAPSHOT = "snapshots of code that no run imports"
ALIVE, UNFINISHED = "that are being worked on", "that have not finished, so that they can be resumed"
UNDELIVERED = "that are not wholly in the store (earmark sync)"
LOST = "of which files were fetched that the store does not give again"
LACKED = "whose folders hold files that the store lacks"
STOOD_ON = "whose folders a run that has not finished stands on"
NAMES_FILES = "whose folders say what the files were that they name"


@dataclass(frozen=True)
class Freeable:
    """A file or folder; ``twin`` is the file that it may be a link to."""

    kind: str
    path: Path
    num_bytes: int
    twin: Path | None = None


@dataclass
class Found:
    """What can be freed, and of how many runs nothing can, by the reason."""

    items: list[Freeable] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)


def find(tracker: Tracker, *, whole_folders: bool = False) -> Found:
    """Look through ``mlruns``. Raises ``TrackingError`` or ``OSError`` where the store does not answer."""
    present, found = tracker.run_ids(), Found()
    if whole_folders and (busy := [path for path in tracker.root.glob("runs/*") if is_launched(path)]):
        raise UserError(f"--folders: a launch is going on ({busy[0].name}), and its next runs may stand on any folder")
    folders = [path.parent for path in sorted((tracker.root / "runs").glob(f"*/{TRACKED}"))]
    reasons = {run_dir: _needed(run_dir, tracker, present) for run_dir in with_bar(folders, "run folders")}
    stood_on = {other for run_dir, reason in reasons.items() if reason for other in _upstream(run_dir)}
    for run_dir, reason in with_bar(list(reasons.items()), "their files"):
        keeps = _keeps_folder(run_dir, tracker, stood_on) if whole_folders and not reason else ""
        if keeps or reason:
            found.kept[keeps or reason] += 1
        if whole_folders and not keeps and not reason:
            found.items.append(Freeable(FOLDER, run_dir, _size(run_dir)))
        elif not reason:
            found.items += [*_checkpoint(run_dir), *_copies(run_dir, tracker)]
    for folder in sorted(path for path in (tracker.root / "fetched").glob("*") if path.is_dir()):
        if folder.name in present and _gives_again(folder, tracker):
            found.items.append(Freeable(FETCHED, folder, _size(folder)))
        else:
            found.kept[LOST] += 1
    if (features := tracker.root / FEATURES).is_dir():
        found.items.append(Freeable(HEARD, features, _size(features)))
    found.items += [Freeable(SNAPSHOT, folder, _size(folder)) for folder in snapshots.unused(tracker.root)]
    return found


def _needed(run_dir: Path, tracker: Tracker, present: set[str]) -> str:
    """Why nothing of a run can be freed; empty where something may be."""
    if is_locked(run_dir):
        return ALIVE
    if journal.final_state(run_dir / journal.NAME).state != "finished":
        return UNFINISHED
    return "" if is_delivered(run_dir, tracker, present=present) else UNDELIVERED


def _upstream(run_dir: Path) -> Iterator[Path]:
    """The folders that a run reads."""
    try:
        config = read_yaml(run_dir / CONFIG) or {}
    except (OSError, UserError):  # of a power cut: it has not begun
        return
    yield from (run_dir.parent / Path(folder).name for folder in (config.get("from") or {}).values())


def _keeps_folder(run_dir: Path, tracker: Tracker, stood_on: set[Path]) -> str:
    """Why a folder that is not needed otherwise stays; empty where the store can take its place."""
    if run_dir in stood_on:
        return STOOD_ON
    if (run_dir / KEY).is_file() and b'"files"' in (run_dir / KEY).read_bytes():
        return NAMES_FILES
    stored = tracker.stored_files(delivered_run(run_dir, tracker))
    here = {path.relative_to(run_dir).as_posix(): path.stat().st_size for path in artifacts(run_dir)}
    return "" if here.items() <= stored.items() else LACKED


def _gives_again(fetched: Path, tracker: Tracker) -> bool:
    stored = tracker.stored_files(fetched.name)
    names = {path.relative_to(fetched).as_posix() for path in fetched.rglob("*") if path.is_file()}
    return names <= stored.keys()


def _checkpoint(run_dir: Path) -> Iterator[Freeable]:
    if (path := run_dir / LAST).is_file():
        yield Freeable(CHECKPOINT, path, _size(path))


def _copies(run_dir: Path, tracker: Tracker) -> Iterator[Freeable]:
    """Artifacts of the store on this disk that have a run folder's file's size and are another file."""
    family = json.loads((run_dir / TRACKED).read_text(encoding="utf-8"))["family"]
    stored = tracker.stored_at(family, delivered_run(run_dir, tracker))
    for path in artifacts(run_dir) if stored is not None and stored.is_dir() else []:
        assert stored is not None
        copy = stored / path.relative_to(run_dir)
        if copy.is_file() and not copy.samefile(path) and copy.stat().st_size == path.stat().st_size:
            yield Freeable(COPY, copy, _size(copy), twin=path)


def _size(path: Path) -> int:
    """Bytes that the disk gets back: none of a file that has another name."""
    if path.is_dir():
        return sum(_size(inner) for inner in path.rglob("*") if inner.is_file())
    status = path.stat()
    return status.st_size if status.st_nlink == 1 else 0


def free(item: Freeable) -> bool:
    """Do it; False where it stays. Raises ``OSError``.

    A second copy that is none (the bytes differ) or cannot be linked stays, and a snapshot that somebody uses again.
    """
    if item.twin is not None:
        return filecmp.cmp(item.twin, item.path, shallow=False) and link(item.twin, item.path)
    if item.kind == SNAPSHOT:
        return snapshots.free(item.path)
    if item.path.is_dir():
        shutil.rmtree(item.path)
    else:
        item.path.unlink()
    return True
