"""A folder that is either whole or not there: made aside, then renamed in one step.

The maker works in ``.NAME.partial`` beside the target. An error, Ctrl-C or a full disk removes that folder; what a
killed process left is removed by the next one. A lock file makes a second maker of the same folder wait for the first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamodules.corpora.file_locks import take


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold ``.NAME.lock`` beside ``target``: one maker at a time, on one machine or a disk with POSIX locks."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as file:
        take(file)
        yield


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``target`` when the block ends without an exception.

    Whatever stood at ``target`` is replaced. The caller holds the lock.
    """
    partial = target.parent / f".{target.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
