"""A pool of subprocesses: each slot runs ``python -m experiments.train RUN_DIR`` in its own process group.

A cell starts when the runs that it stands on are finished and a slot is free; a failed cell leaves the others running
and skips only what stands on it. The launcher is the one writer to MLflow: every two seconds it ships what the
journals have got, and an outage only delays that. Ctrl-C asks the runs to stop; what is finished stays, and the next
launch goes on from there.
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

from experiments import attempts, journal, provenance
from experiments.plan import Cell
from experiments.prepare import prepare_run
from experiments.progress import LaunchProgress
from experiments.run_folder import LAUNCH_LOCK, LOG, artifacts, locked
from experiments.slots import visible_gpus
from experiments.tracking import Tracker, TrackingError

SHIP_EVERY_SECONDS = 2.0
STOP_GRACE_SECONDS = 20.0


@dataclass
class _Running:
    cell: Cell
    key_id: str
    run_id: str
    run_dir: Path
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    slot: int
    journal_start: int  # bytes of the journal that earlier attempts wrote
    lock: contextlib.ExitStack


@dataclass
class LaunchResult:
    """What a launch did: names of the cells that finished, failed (with their errors) or were skipped."""

    finished: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


class Launcher:
    """Runs the cells of one plan that are not finished, ``slots`` at a time."""

    def __init__(self, tracker: Tracker, *, slots: int, machine: Mapping[str, Any], progress: LaunchProgress) -> None:
        self._tracker, self._slots, self._machine = tracker, slots, machine
        self._progress = progress
        self._git = provenance.git_state()
        self._gpus = visible_gpus()
        self._running: list[_Running] = []
        self._result = LaunchResult()

    def launch(self, cells: Sequence[Cell]) -> LaunchResult:
        """Run them; returns when all ended, or after Ctrl-C stopped them."""
        waiting = [cell for cell in cells if cell.state != "finished"]
        done = {cell.key.id for cell in cells if cell.state == "finished" and cell.key}
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
                        done.add(running.key_id)
        except KeyboardInterrupt:
            self._result.interrupted = True
            self._stop()
        except BaseException:  # never leave trainings behind that nobody watches
            self._stop()
            raise
        return self._result

    def _start_ready(self, waiting: list[Cell], done: set[str]) -> list[Cell]:
        """Start what can start; the cells that still wait."""
        left = []
        for cell in waiting:
            assert cell.key is not None
            needs = [other.name for other in cell.upstream.values()]
            lost = [name for name in needs if name in self._result.failed or name in self._result.skipped]
            if lost:
                self._result.skipped[cell.name] = f"stands on {lost[0]}, which failed"
                self._progress.ended(cell.name, "skipped")
            elif cell.key.id in done:  # two rows of one configuration are one run
                self._result.finished.append(cell.name)
                self._progress.ended(cell.name, "finished")
            elif any(running.key_id == cell.key.id for running in self._running) or not self._can_start(cell, done):
                left.append(cell)
            elif self._start(cell, cell.key.id):
                done.add(cell.key.id)
        return left

    def _can_start(self, cell: Cell, done: set[str]) -> bool:
        ready = all(other.key is not None and other.key.id in done for other in cell.upstream.values())
        return ready and len(self._running) < self._slots

    def _start(self, cell: Cell, key_id: str) -> bool:
        """Start the cell's process. True if an earlier launch ended it but could not deliver it, and now it is."""
        run_dir = self._tracker.run_dir(key_id)
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = contextlib.ExitStack()
        if not lock.enter_context(locked(run_dir, LAUNCH_LOCK)):
            return self._refuse(cell, "another launch is running it")
        try:
            run_id = prepare_run(cell, self._tracker, machine=self._machine, git=self._git)
        except TrackingError as error:
            lock.close()
            return self._refuse(cell, f"not started, tracking failed: {str(error).splitlines()[0]}")
        if journal.final_state(run_dir / journal.NAME)[0] == "finished":
            with lock:
                return self._record(cell.name, run_id, run_dir, state="finished", message="")
        log = (run_dir / LOG).open("ab")
        slot = min(set(range(self._slots)) - {running.slot for running in self._running})
        journal_start = journal.size(run_dir / journal.NAME)
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments.train", str(run_dir)], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=self._environment(slot),
        )  # fmt: skip
        self._running.append(_Running(cell, key_id, run_id, run_dir, process, log, slot, journal_start, lock))
        with contextlib.suppress(TrackingError):  # only for show: the end of the run sets its state
            self._tracker.start(run_id)
        self._progress.started(cell.name)
        return False

    def _refuse(self, cell: Cell, message: str) -> bool:
        """A cell that cannot be started fails; the others go on."""
        self._result.failed[cell.name] = message
        self._progress.ended(cell.name, "failed")
        return False

    def _environment(self, slot: int) -> dict[str, str]:
        """A slot's share of the machine: its threads and its GPUs."""
        threads = str(self._machine.get("threads", 1))
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "PYTHONSAFEPATH": "1"}
        devices = int(self._machine.get("devices", 1))
        if self._gpus:
            mine = [self._gpus[(slot * devices + k) % len(self._gpus)] for k in range(min(devices, len(self._gpus)))]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(mine)
        return environment

    def _ship(self, running: _Running) -> None:
        """Send what is new; a tracking outage costs nothing but the delay."""
        try:
            lines = self._tracker.ship(running.run_id, running.run_dir)
        except TrackingError as error:
            self._progress.say(f"tracking: {str(error).splitlines()[0]} (tried again later)")
            return
        self._show(running.cell.name, lines)

    def _show(self, name: str, lines: Sequence[journal.JournalLine]) -> None:
        for line in lines:
            if line.kind == "progress":
                self._progress.advanced(name, int(line.fields["done"]), int(line.fields["total"]))
            elif line.kind == "warning":
                self._progress.say(f"{name}: {line.fields['message']}")

    def _end(self, running: _Running) -> bool:
        """Record how a process ended; True if it finished its run (its exit code is not asked)."""
        running.log.close()
        with contextlib.suppress(OSError):  # a full disk must not lose the run's end
            if wall := attempts.ended(running.run_dir):
                journal.Journal(running.run_dir).metrics(wall, step=0)
        state, message = journal.final_state(running.run_dir / journal.NAME, offset=running.journal_start)
        if state in ("", "started"):  # killed, or died before it could say why
            state, message = "failed", f"ended with exit code {running.process.returncode} and said nothing"
        with running.lock:
            return self._record(running.cell.name, running.run_id, running.run_dir, state=state, message=message)

    def _record(self, name: str, run_id: str, run_dir: Path, *, state: str, message: str) -> bool:
        """Tell MLflow how a run ended, artifacts first; True if it is finished and delivered."""
        try:
            self._show(name, self._tracker.ship(run_id, run_dir))
            self._tracker.tag(run_id, provenance.tags(run_dir))
            if state == "finished":
                self._tracker.finish(run_id, run_dir, artifacts=artifacts(run_dir))
            else:
                self._tracker.fail(run_id, state=state, message=message)
        except (TrackingError, OSError) as error:
            message = f"{state} {message}; not delivered to MLflow ({str(error).splitlines()[0]}), run again"
            state = "undelivered"
        if state == "finished":
            self._result.finished.append(name)
        else:
            self._result.failed[name] = f"{message} (log: {run_dir / LOG})"
        self._progress.ended(name, "finished" if state == "finished" else "failed")
        return state == "finished"

    def _stop(self) -> None:
        """Ask every run to stop, end what does not, and record it."""
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
