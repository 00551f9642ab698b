"""The processes of this machine that work on a home's runs, found by the locks that they hold, and how to end them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from experiments.runs.run_folder import LAUNCH_LOCK, LOCK, holder, is_launched, is_training

TRAINING_GRACE_SECONDS = 30.0
LAUNCHER_GRACE_SECONDS = 120.0  # it waits for its trainings, and for what is left to deliver


@dataclass(frozen=True)
class Living:
    """A process that works on a run; a training leads its own group, with its ranks and loader workers."""

    pid: int
    run_dir: Path
    is_launcher: bool

    @property
    def grace_seconds(self) -> float:
        """How long it may take to stop."""
        return LAUNCHER_GRACE_SECONDS if self.is_launcher else TRAINING_GRACE_SECONDS

    def signal(self, number: signal.Signals) -> None:
        """To the launcher, or to the training's whole group; one that is gone is no error."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if self._leads_a_group() else os.kill)(self.pid, number)

    def _leads_a_group(self) -> bool:
        """Not where somebody started the training by hand, or in a job; a leader that is gone leaves its group."""
        with contextlib.suppress(ProcessLookupError):
            return not self.is_launcher and os.getpgid(self.pid) == self.pid
        return not self.is_launcher


def living(run_dir: Path) -> Living | None:
    """The process to ask for a run's end: its launcher, who ends its trainings, or a training that has none.

    None where nobody works on it, or somebody who cannot be asked from here (``out_of_reach``).
    """
    for name, is_held, is_launcher in ((LAUNCH_LOCK, is_launched, True), (LOCK, is_training, False)):
        if is_held(run_dir):
            pid, host = holder(run_dir / name)
            if host != socket.gethostname() or not _has_open(pid, run_dir / name, is_group=not is_launcher):
                return None
            return Living(pid, run_dir, is_launcher)
    return None


def out_of_reach(run_dir: Path) -> str:
    """Where somebody works on a run who cannot be asked from here; empty where nobody does."""
    for name, is_held in ((LAUNCH_LOCK, is_launched), (LOCK, is_training)):
        if is_held(run_dir):
            pid, host = holder(run_dir / name)
            return f"process {pid} on {host}" if pid else "a process that did not say its number"
    return ""


def _has_open(pid: int, path: Path, *, is_group: bool) -> bool:
    """Whether the process has the lock's file open, so that a number that was given anew meets nobody else.

    Of a group whose leader is gone the others have it. Where there is no ``/proc`` the number is believed.
    """
    folder = Path("/proc") / str(pid) / "fd"
    if not pid or not Path("/proc/self/fd").is_dir():
        return pid > 0
    if not folder.exists():
        return is_group
    try:
        return any(link.exists() and link.samefile(path) for link in folder.iterdir())
    except OSError:  # another user's
        return False
