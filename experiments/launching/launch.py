"""Runs the cells of a plan that are not finished, each in a process of its own, so many at a time.

A cell starts when the runs that it stands on are finished and a slot is free. A run that fails is tried again from its
last checkpoint, in the same folder and the same MLflow run; one that fails for good leaves the others running and skips
only what stands on it. Whether a run is finished is read from its journal: MLflow hears of it through the courier, and
no process ever waits for that. Ctrl-C asks the runs to stop; what is finished stays, and the next launch goes on.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from experiments.errors import UserError, first_line
from experiments.launching import interruption
from experiments.launching.executors import Executor, QueueAwayError, RunProcess
from experiments.launching.prepare import code_files, prepare_run
from experiments.launching.progress import LaunchProgress
from experiments.planning.cell import Cell
from experiments.runs import attempts, journal, provenance
from experiments.runs.code_record import Code, code_now
from experiments.runs.run_folder import LAUNCH_LOCK, LOG, is_training, locked
from experiments.tracking.claims import claim
from experiments.tracking.courier import Courier
from experiments.tracking.mlflow_store import Tracker, TrackingError

LOOK_EVERY_SECONDS = 0.1
UPSTREAM_PATIENCE_SECONDS = 600.0  # an upstream run that only the store has is asked for so long
DELIVERY_PATIENCE_SECONDS = 60.0  # after the last run's end


class _Prepared(NamedTuple):
    cell: Cell
    run_dir: Path
    lock: contextlib.ExitStack
    journal_start: int  # bytes of the journal that earlier attempts wrote
    adopted: RunProcess | None  # an earlier launcher's


@dataclass
class _Running:
    prepared: _Prepared
    process: RunProcess
    journal_read: int


@dataclass
class LaunchResult:
    """What a launch did: names of the cells that finished, failed (with their errors) or were skipped.

    ``undelivered`` are the folders of runs that ended and that MLflow does not have wholly.
    """

    finished: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    undelivered: list[Path] = field(default_factory=list)
    interrupted: bool = False


class Launcher:
    """Runs cells through an executor, ``slots`` at a time, a failed one up to ``retries`` times more."""

    def __init__(
        self,
        tracker: Tracker,
        executor: Executor,
        *,
        slots: int,
        machine: Mapping[str, Any],
        progress: LaunchProgress,
        retries: int = 0,
        copies: Mapping[Path, Path] | None = None,
    ) -> None:
        """``copies`` of code, by their originals, are what the runs will import."""
        self._tracker, self._executor, self._slots, self._machine = tracker, executor, slots, machine
        self._progress, self._retries = progress, retries
        self._git, self._copies = provenance.git_state(), copies
        self._code: dict[frozenset[Path], Code] = {}  # as it was at the start, by its files
        self._running: list[_Running] = []
        self._attempts: Counter[str] = Counter()
        self._failed_keys: dict[str, str] = {}  # with the cell that the run was tried for
        self._waits_since: dict[str, float] = {}  # for an upstream run that the store does not give
        self._result = LaunchResult()

    def launch(self, cells: Sequence[Cell]) -> LaunchResult:
        """Run them; returns when all ended, or after Ctrl-C stopped them."""
        waiting = [cell for cell in cells if cell.would_run]
        done = {cell.key.id for cell in cells if cell.state == "finished" and cell.key}
        for cell in waiting if self._copies else ():
            files = code_files(cell)
            if (paths := frozenset(files.values())) not in self._code:
                self._code[paths] = code_now(files, git=self._git, copies=self._copies)
        self._courier = Courier(self._tracker, say=self._progress.say)
        try:
            while waiting or self._running:
                waiting = self._start_ready(waiting, done)
                time.sleep(LOOK_EVERY_SECONDS)
                for running in list(self._running):
                    self._show(running)
                    how = running.process.ended()
                    if how is not None and is_training(running.prepared.run_dir):
                        continue  # a job of a launcher that was killed got there first
                    if how is not None and self._end(running, how, waiting):
                        done.add(_key_id(running.prepared.cell))
        except KeyboardInterrupt:
            self._result.interrupted = True
            self._stop()
        except BaseException:  # never leave trainings behind that nobody watches
            self._stop()
            raise
        finally:
            self._result.undelivered = self._courier.close(patience_seconds=DELIVERY_PATIENCE_SECONDS)
        return self._result

    def _start_ready(self, waiting: list[Cell], done: set[str]) -> list[Cell]:
        """Start what can start; the cells that still wait."""
        left: list[Cell] = []
        ready: list[_Prepared] = []
        for cell in waiting:
            needs = [other.name for other in cell.upstream.values()]
            lost = [name for name in needs if name in self._result.failed or name in self._result.skipped]
            busy = {_key_id(one.cell) for one in [*ready, *(running.prepared for running in self._running)]}
            if lost:
                self._result.skipped[cell.name] = f"stands on {lost[0]}, which failed"
                self._progress.ended(cell.name, "skipped")
            elif _key_id(cell) in done:  # two rows of one configuration are one run
                self._finish(cell.name)
            elif twin := self._failed_keys.get(_key_id(cell)):
                self._fail(cell, f"is the same run as {twin}, which failed")
            elif _key_id(cell) in busy or len(busy) >= self._slots or not _can_start(cell, done):
                left.append(cell)
            else:
                self._prepare(cell, ready, left, done)
        with interruption.put_off():  # a process that is not noted would go on with nobody who ends it
            self._start([one for one in ready if one.adopted is None])
            for one in ready:
                if one.adopted is not None:
                    self._note(one, one.adopted)
        return left

    def _start(self, ready: Sequence[_Prepared]) -> None:
        """Start what is prepared, together, which may be one job array."""
        try:
            processes = self._executor.start([one.run_dir for one in ready])
        except OSError as error:  # the machine has no process or no memory left
            for one in ready:
                one.lock.close()
                self._fail(one.cell, f"not started: {error.strerror or error}")
            return
        for one, process in zip(ready, processes, strict=True):
            self._note(one, process)

    def _note(self, one: _Prepared, process: RunProcess) -> None:
        self._running.append(_Running(one, process, one.journal_start))
        self._courier.watch(one.run_dir)
        self._progress.started(one.cell.name)

    def _prepare(self, cell: Cell, ready: list[_Prepared], left: list[Cell], done: set[str]) -> None:
        """Lock and fill the cell's folder, and add it to what is ready; or refuse it, or let it wait."""
        run_dir = self._tracker.run_dir(_key_id(cell))
        lock = contextlib.ExitStack()
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            if not lock.enter_context(locked(run_dir, LAUNCH_LOCK)):
                lock.close()
                return self._fail(cell, "another launch is running it")
            adopted = self._executor.adopt(run_dir)
            journal_start = journal.size(run_dir / journal.NAME)
            if journal.final_state(run_dir / journal.NAME).state == "finished":  # a launch before could not deliver it
                lock.close()
                self._courier.release(run_dir)
                done.add(_key_id(cell))
                return self._finish(cell.name)
            if adopted is None:
                code = self._code.get(frozenset(code_files(cell).values())) if self._code else None
                prepare_run(cell, self._tracker, machine=self._machine, git=self._git, code=code)
                if why := self._claim(run_dir):
                    attempts.ended(run_dir)
                    lock.close()
                    return self._fail(cell, why)
            else:
                self._progress.say(f"{cell.name}: takes over {adopted} of an earlier launch, as it was submitted")
        except (TrackingError, QueueAwayError) as error:
            lock.close()
            since = self._waits_since.setdefault(cell.name, time.monotonic())
            if time.monotonic() - since < UPSTREAM_PATIENCE_SECONDS:
                return left.append(cell)
            return self._fail(cell, f"not started, no answer: {first_line(error)}")
        except OSError as error:
            lock.close()
            return self._fail(cell, f"not started, {error.filename}: {error.strerror}")
        return ready.append(_Prepared(cell, run_dir, lock, journal_start, adopted))

    def _claim(self, run_dir: Path) -> str:
        """Why another launcher has the run; empty where it is ours, or the store can't say now."""
        if self._courier.is_held_up:
            return ""
        try:
            return claim(run_dir, self._tracker)
        except (TrackingError, UserError):  # an experiment that somebody deleted: the courier says what to do
            return ""

    def _finish(self, name: str) -> None:
        self._result.finished.append(name)
        self._progress.ended(name, "finished")

    def _fail(self, cell: Cell, message: str) -> None:
        """A cell that failed for good; the others go on, but for those that are the same run."""
        self._failed_keys.setdefault(_key_id(cell), cell.name)
        self._result.failed[cell.name] = message
        self._progress.ended(cell.name, "failed")

    def _show(self, running: _Running) -> None:
        """Progress and warnings that the run wrote since the last look."""
        name, path = running.prepared.cell.name, running.prepared.run_dir / journal.NAME
        lines, running.journal_read = journal.read_lines(path, offset=running.journal_read)
        for line in lines:
            if line.kind == "progress":
                self._progress.advanced(name, int(line.fields["done"]), int(line.fields["total"]))
            elif line.kind == "warning":
                self._progress.say(f"{name}: {line.fields['message']}")

    def _end(self, running: _Running, how: str, waiting: list[Cell]) -> bool:
        """Read how a run ended; True if it finished. One that may succeed another time goes back to ``waiting``."""
        self._show(running)
        self._running.remove(running)
        cell, run_dir, lock, begin, adopted = running.prepared
        name, path = cell.name, run_dir / journal.NAME
        ending = journal.final_state(path, offset=begin)
        if adopted and not ending.state:  # it had said how it ended, and lived on for a moment
            ending = journal.final_state(path)
        if ending.state in ("", "started"):  # killed, or died before it could say why
            ending = journal.State("failed", f"ended with {how} and said nothing")
            if not is_training(run_dir):
                attempts.ended(run_dir)
                with contextlib.suppress(OSError):  # the disk is full: the plan sees that its process is gone
                    journal.Journal(run_dir).state(ending.state, ending.message)
        lock.close()
        self._courier.release(run_dir)
        if ending.state == "finished":
            self._finish(name)
            return True
        self._attempts[name] += 1
        again = self._attempts[name] <= self._retries and not ending.lasting and not self._result.interrupted
        if again:
            self._progress.retried(name, f"{ending.message}; try {self._attempts[name]} of {self._retries} more")
            waiting.append(cell)
        else:
            self._fail(cell, f"{ending.message} (log: {run_dir / LOG})")
        return False

    def _stop(self) -> None:
        """Ask every run to stop, end what does not, and read what they said."""
        for running in self._running:
            running.process.stop()
        deadline = time.monotonic() + self._executor.stop_grace_seconds
        try:
            while any(running.process.ended() is None for running in self._running) and time.monotonic() < deadline:
                time.sleep(LOOK_EVERY_SECONDS)
        finally:  # Ctrl-C once more: nobody waits, and nothing is left running
            for running in self._running:
                if running.process.ended() is None:
                    running.process.kill()
        for running in list(self._running):
            self._end(running, running.process.ended() or "a kill", [])


def _key_id(cell: Cell) -> str:
    assert cell.key is not None, "a plan without data is not launched"
    return cell.key.id


def _can_start(cell: Cell, done: set[str]) -> bool:
    return all(_key_id(other) in done for other in cell.upstream.values())
