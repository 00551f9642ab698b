"""A run's folder: the names in it, its lock, and the files that travel to MLflow as artifacts.

The training process holds the lock for as long as it lives, so "is this run alive?" has an answer that no kill and no
reboot can make wrong.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"
CONFIG = "config.yaml"
KEY = "key.json"
METRICS = "metrics.json"
LOG = "log.txt"
NOT_ARTIFACTS = (LOCK, "journal.shipped", "last.ckpt")


def is_locked(run_dir: Path) -> bool:
    """Whether a living process works in this run folder."""
    path = run_dir / LOCK
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextmanager
def locked(run_dir: Path) -> Iterator[bool]:
    """Hold the folder's lock; yields False where another process has it."""
    with (run_dir / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def artifacts(run_dir: Path) -> list[Path]:
    """Every file that MLflow keeps of a run: all but the lock, the shipping mark and the resume checkpoint."""
    files = (path for path in sorted(run_dir.rglob("*")) if path.is_file())
    return [path for path in files if path.name not in NOT_ARTIFACTS and path.suffix != ".partial"]
