"""Where a run's process lives: an executor starts ``experiments.training.train RUN_DIR`` and tells how it ended.

``LocalExecutor`` is a pool of processes on this machine: a slot owns its share of the threads and of the GPUs, and each
process leads its own group, so that a signal reaches loader workers and DDP ranks too. ``slurm.py`` has the other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from experiments.launching.slots import visible_gpus
from experiments.runs.run_folder import LOG

if TYPE_CHECKING:
    from experiments.launching.warm_start import WarmStart


class QueueAwayError(Exception):
    """A cluster does not say now whether a job lives."""


class RunProcess(Protocol):
    """One run's process, wherever it is; as text, what to call it."""

    def ended(self) -> str | None:
        """None while it lives, then how it ended (``exit code 1``): shown where the run itself said nothing."""

    def stop(self) -> None:
        """Ask it to stop: it ends its epoch's work as it can and says so in the journal."""

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""


class Executor(Protocol):
    """Starts runs.

    ``stop_grace_seconds`` is how long a run that was asked to stop may take, ``code`` the environment that makes its
    process import what it is to import.
    """

    stop_grace_seconds: float
    code: Mapping[str, str]

    def start(self, run_dirs: Sequence[Path]) -> list[RunProcess]:
        """A process for each folder, in order. Raises ``OSError`` where one can't be started; none is left then."""

    def adopt(self, run_dir: Path) -> RunProcess | None:
        """The process that an earlier launcher started for a folder, where it lives or waits still.

        Raises ``QueueAwayError``.
        """


def share_of_threads(threads: int) -> dict[str, str]:
    """Environment of a run that may use so many threads."""
    return {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads), "PYTHONSAFEPATH": "1"}


class LocalExecutor:
    """Subprocesses of this one, or children of a warm one (``warm_start.py``); the lowest free slot is taken first."""

    stop_grace_seconds = 20.0

    def __init__(self, machine: Mapping[str, Any]) -> None:
        self._machine = machine
        self.code: Mapping[str, str] = {}
        self.warm: WarmStart | None = None  # it makes the runs from when it is there
        self._gpus = visible_gpus()
        self._processes: dict[int, RunProcess] = {}  # by slot

    def start(self, run_dirs: Sequence[Path]) -> list[RunProcess]:
        """A subprocess for each folder. Raises ``OSError``, and leaves none then."""
        started: list[RunProcess] = []
        try:
            for run_dir in run_dirs:
                started.append(self._start(run_dir))
        except OSError:
            for process in started:
                process.kill()
            raise
        return started

    def adopt(self, run_dir: Path) -> RunProcess | None:
        """None: nothing is known of another launcher's subprocesses but the folder's lock."""
        return None

    @property
    def devices(self) -> int:
        """Devices of one run."""
        return int(self._machine.get("devices", 1))

    def _start(self, run_dir: Path) -> RunProcess:
        busy = {slot for slot, process in self._processes.items() if process.ended() is None}
        slot = next(slot for slot in range(len(busy) + 1) if slot not in busy)
        begin = self.warm.start if self.warm else LocalProcess
        self._processes[slot] = process = begin(run_dir, self.environment(slot))
        return process

    def environment(self, slot: int) -> dict[str, str]:
        """A slot's share of the machine: its threads and its GPUs."""
        environment = {**os.environ, **share_of_threads(int(self._machine.get("threads", 1))), **self.code}
        environment.pop("SLURM_NTASKS", None)  # inside a job Lightning would take its tasks for ranks of this run
        if self._gpus:
            numbers = range(slot * self.devices, slot * self.devices + min(self.devices, len(self._gpus)))
            mine = [self._gpus[number % len(self._gpus)] for number in numbers]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(mine)
        return environment


class LocalProcess:
    """A subprocess with its own process group, its output in the run folder's log."""

    def __init__(self, run_dir: Path, environment: Mapping[str, str]) -> None:
        with (run_dir / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "experiments.training.train", str(run_dir)], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
            )  # fmt: skip
        self._is_swept = False

    def ended(self) -> str | None:
        """``exit code N``, or None. With its first process the whole group ends: a rank may hang without it."""
        code = self._process.poll()
        if code is None:
            return None
        if not self._is_swept:
            self._is_swept = True  # once: the group's number may be given anew
            self._signal(signal.SIGKILL)
        return f"exit code {code}"

    def stop(self) -> None:
        """SIGTERM to the group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the group."""
        if self.ended() is None:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
