"""A pool of subprocesses: each slot runs ``python -m experiments.train RUN_DIR`` in its own process group.

A cell starts when the runs that it stands on are finished and a slot is free; a failed cell leaves the others running
and skips only what stands on it. The launcher is the one writer to MLflow: every two seconds it ships what the
journals have got. Ctrl-C asks the runs to stop; what is finished stays, and the next launch goes on from there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from experiments import provenance
from experiments.journal import NAME as JOURNAL
from experiments.journal import final_state
from experiments.plan import Cell
from experiments.prepare import prepare_run
from experiments.progress import LaunchProgress
from experiments.run_folder import LOG, artifacts
from experiments.slots import visible_gpus
from experiments.spec import Table
from experiments.tracking import Tracker

SHIP_EVERY_SECONDS = 2.0
STOP_GRACE_SECONDS = 20.0


@dataclass
class _Running:
    cell: Cell
    run_id: str
    run_dir: Path
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    slot: int


@dataclass
class LaunchResult:
    """What a launch did: names of the cells that finished, failed (with their errors) or were skipped."""

    finished: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


class Launcher:
    """Runs the cells of one plan that are not finished, ``slots`` at a time, ``threads`` each."""

    def __init__(
        self, table: Table, tracker: Tracker, *, slots: int, machine: Mapping[str, Any], progress: LaunchProgress
    ) -> None:
        self._table, self._tracker, self._slots, self._machine = table, tracker, slots, machine
        self._progress = progress
        self._git = provenance.git_state()
        self._gpus = visible_gpus()
        self._running: list[_Running] = []
        self._result = LaunchResult()

    def launch(self, cells: Sequence[Cell]) -> LaunchResult:
        """Run them; returns when all ended, or after Ctrl-C stopped them."""
        waiting = [cell for cell in cells if cell.state != "finished"]
        done = {cell.name for cell in cells if cell.state == "finished"}
        shipped_at = 0.0
        try:
            while waiting or self._running:
                waiting = self._start_ready(waiting, done)
                time.sleep(0.1)
                if time.monotonic() - shipped_at > SHIP_EVERY_SECONDS:
                    for running in self._running:
                        self._ship(running)
                    shipped_at = time.monotonic()
                for running in [item for item in self._running if item.process.poll() is not None]:
                    self._running.remove(running)
                    if self._end(running):
                        done.add(running.cell.name)
        except KeyboardInterrupt:
            self._stop()
        except BaseException:  # never leave trainings behind that nobody watches
            self._stop()
            raise
        return self._result

    def _start_ready(self, waiting: list[Cell], done: set[str]) -> list[Cell]:
        left = []
        broken = {**self._result.failed, **self._result.skipped}
        for cell in waiting:
            needs = [other.name for other in cell.upstream.values()]
            lost = [name for name in needs if name in broken]
            if lost:
                self._result.skipped[cell.name] = f"stands on {lost[0]}, which failed"
                broken[cell.name] = ""
                self._progress.ended(cell.name, "skipped")
            elif len(self._running) < self._slots and all(name in done for name in needs):
                self._start(cell)
            else:
                left.append(cell)
        return left

    def _start(self, cell: Cell) -> None:
        run_id, run_dir = prepare_run(cell, self._table, self._tracker, machine=self._machine, git=self._git)
        log = (run_dir / LOG).open("ab")
        slot = min(set(range(self._slots)) - {running.slot for running in self._running})
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments.train", str(run_dir)], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=self._environment(slot),
        )  # fmt: skip
        self._running.append(_Running(cell, run_id, run_dir, process, log, slot))
        self._tracker.start(run_id)
        self._progress.started(cell.name)

    def _environment(self, slot: int) -> dict[str, str]:
        """A slot's share of the machine: its threads, and its GPU unless a run asks for several."""
        threads = str(self._machine.get("threads", 1))
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "PYTHONSAFEPATH": "1"}
        if self._gpus and self._machine.get("devices", 1) == 1:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)]
        return environment

    def _ship(self, running: _Running) -> None:
        for line in self._tracker.ship(running.run_id, running.run_dir):
            if line.kind == "progress":
                self._progress.advanced(running.cell.name, int(line.fields["done"]), int(line.fields["total"]))

    def _end(self, running: _Running) -> bool:
        """Record how a process ended; True if it finished its run (its exit code is not asked)."""
        running.log.close()
        self._ship(running)
        state, message = final_state(running.run_dir / JOURNAL)
        name = running.cell.name
        if state == "finished":
            self._tracker.finish(running.run_id, running.run_dir, artifacts=artifacts(running.run_dir))
            self._result.finished.append(name)
        else:
            if state == "started":  # killed, or died before it could say why
                message = f"ended with exit code {running.process.returncode} and said nothing"
            ending = "stopped" if state == "stopped" else "failed"
            self._tracker.fail(running.run_id, state=ending, message=message)
            self._result.failed[name] = f"{message} (log: {running.run_dir / LOG})"
        self._progress.ended(name, "finished" if state == "finished" else "failed")
        return state == "finished"

    def _stop(self) -> None:
        self._result.interrupted = True
        for running in self._running:
            _signal(running.process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_GRACE_SECONDS
        for running in self._running:
            try:
                running.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(running.process, signal.SIGKILL)
                running.process.wait()
            self._end(running)
        self._running.clear()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the whole group, so that loader workers and DDP ranks hear it too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
