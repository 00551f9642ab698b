"""Who works on a tracked run: a host, and one of the homes on it, for two homes of one host may share a store.

Inside a home locks tell what lives; of another home the store alone does, by its last sign of life.
"""

from __future__ import annotations

import contextlib
import socket
import time
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.runs.run_folder import locked

if TYPE_CHECKING:
    from experiments.tracking.tracked_run import TrackedRun

HEARTBEAT = "earmark.heartbeat"  # seconds since 1970, while a launcher or a process works on the run
HOST = "earmark.host"
HOME = "earmark.home"
ID_FILE = "home_id"  # under mlruns/: an id, and the inode of the folder that it was made for
STALE_SECONDS = 300.0  # without a sign of life a run of another launcher counts as gone: ten heartbeats
GOING = ("running", "scheduled")


@cache
def tags(root: Path) -> dict[str, str]:
    """The tags of a run that is launched from the home with this ``mlruns/`` folder."""
    return {HOST: socket.gethostname(), HOME: _home_id(root)}


def _home_id(root: Path) -> str:
    """An id that a home keeps when it is moved; a copy, whose folder has another inode, gets its own."""
    inode, path = str(root.stat().st_ino), root / ID_FILE
    with contextlib.suppress(OSError), locked(root, f"{ID_FILE}.lock", patience_seconds=60.0):
        known, _, its_inode = (path.read_text(encoding="utf-8") if path.exists() else "").strip().partition(" ")
        if its_inode != inode:
            known = uuid.uuid4().hex[:12]
            path.write_text(f"{known} {inode}\n", encoding="utf-8")
        return known
    return inode  # of a home that can't be written: nothing is launched from it


def is_of(run: TrackedRun, launcher: Mapping[str, str]) -> bool:
    """Whether a run is of the launcher with these tags; one that was made before homes had ids, of its host."""
    return all(run.tags.get(name, value) == value for name, value in launcher.items())


def alive_elsewhere(run: TrackedRun, launcher: Mapping[str, str]) -> str:
    """Where another launcher works on the run, by its last sign of life; empty where none does."""
    beat = float(run.tags.get(HEARTBEAT) or 0)
    if run.state not in GOING or is_of(run, launcher) or time.time() - beat >= STALE_SECONDS:
        return ""
    host = run.tags.get(HOST, "")
    return f"on {host}" if host != launcher.get(HOST) else f"from another home on {host}"
