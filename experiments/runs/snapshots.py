"""The copies of code that launches left under ``mlruns/snapshots``: who needs one holds a lock on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from datamodules.corpora.file_locks import take
from datamodules.corpora.whole_folder import locked

FOLDER = "snapshots"
USED = ".used"  # beside a snapshot: locked by all who need it


def hold(snapshot: Path) -> BinaryIO:
    """Keep a snapshot from being freed until the file is closed, here and in every fork. Raises ``OSError``."""
    file = _lock(snapshot).open("ab")
    take(file, shared=True)
    return file


def unused(root: Path) -> list[Path]:
    """The snapshots under ``root`` that nobody holds."""
    return [folder for folder in sorted((root / FOLDER).glob("*")) if folder.is_dir() and not _is_held(folder)]


def free(snapshot: Path) -> bool:
    """Delete it; False where somebody has come to need it. Raises ``OSError``."""
    with locked(snapshot.parent):  # nobody takes it meanwhile
        if _is_held(snapshot):
            return False
        shutil.rmtree(snapshot)
        _lock(snapshot).unlink(missing_ok=True)
    return True


def _lock(snapshot: Path) -> Path:
    return snapshot.with_name(snapshot.name + USED)


def _is_held(snapshot: Path) -> bool:
    if not _lock(snapshot).exists():
        return False
    with _lock(snapshot).open("rb") as file:
        return not take(file, wait=False)
