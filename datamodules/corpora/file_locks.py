"""A lock on an open file, which the system lets go however its process dies: ``flock``, or what Windows has of it."""

from __future__ import annotations

import contextlib
import importlib
from typing import IO, Any


def _module(name: str) -> Any:
    with contextlib.suppress(ImportError):
        return importlib.import_module(name)
    return None


_posix, _windows = _module("fcntl"), _module("msvcrt")
FIRST_BYTES_FREE = (
    1 << 30
)  # Windows locks bytes, and nobody else may read those: one far behind what a lock's file says


def take(file: IO[Any], *, shared: bool = False, wait: bool = True) -> bool:
    """Lock the file until it is closed; False where another has it and ``wait`` is not asked for.

    Windows knows no ``shared`` locks: there one holder is all.
    Raises ``OSError``, on Windows also where another had it for ten seconds.
    """
    if _posix is not None:
        kind = _posix.LOCK_SH if shared else _posix.LOCK_EX
        if wait:
            _posix.flock(file, kind)
            return True
        try:
            _posix.flock(file, kind | _posix.LOCK_NB)
        except OSError:
            return False
        return True
    if _windows is None:
        raise OSError("this platform has no locks on files")
    file.seek(FIRST_BYTES_FREE)
    try:
        _windows.locking(file.fileno(), _windows.LK_LOCK if wait else _windows.LK_NBLCK, 1)
    except OSError:
        if wait:
            raise
        return False
    finally:
        file.seek(0)
    return True
