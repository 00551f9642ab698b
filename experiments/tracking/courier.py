"""A thread that keeps MLflow up to date with the folders of running runs, so that nothing else ever waits for MLflow.

A server that is down, slow or full costs delay and nothing else: the courier says so once, tries again at growing
intervals, and says when it is through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from experiments.errors import first_line
from experiments.tracking.delivery import deliver, refused
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.refusals import told

SHIP_EVERY_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class Courier:
    """Delivers the folders that it watches; ``say`` takes one line for the user.

    A folder is left alone once its run has ended, as the launcher says (``release``), and the store has all of it. The
    journal can't say so: until a resumed run writes its first line, the last one is the earlier attempt's end.
    """

    def __init__(self, tracker: Tracker, *, say: Callable[[str], None]) -> None:
        self._tracker, self._say = tracker, say
        self._open: dict[Path, bool] = {}  # whether its run has ended
        self._pause_seconds = SHIP_EVERY_SECONDS
        self._failing: set[Path] = set()  # folders whose last delivery failed
        self._said: set[tuple[Path, str]] = set()  # what the store refused of which folder
        self._change = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    @property
    def is_held_up(self) -> bool:
        """Whether the store did not answer, or not well, when it was last asked."""
        return bool(self._failing)

    def watch(self, run_dir: Path) -> None:
        """Deliver this folder from now on: its run is about to write."""
        self._set(run_dir, has_ended=False)

    def release(self, run_dir: Path) -> None:
        """Deliver what this folder holds, and no more: its run has ended."""
        self._set(run_dir, has_ended=True)

    def _set(self, run_dir: Path, *, has_ended: bool) -> None:
        with self._change:
            self._open[run_dir] = has_ended
            self._change.notify()

    def close(self, *, patience_seconds: float) -> list[Path]:
        """Deliver what is left, for so long at most; the folders that the store lacks a part of. No run goes on."""
        deadline = time.monotonic() + patience_seconds
        with self._change:
            self._closing = True
            self._open = dict.fromkeys(self._open, True)
            self._pause_seconds = SHIP_EVERY_SECONDS
            self._change.notify()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._change:
            left, self._open = list(self._open), {}  # a thread that still hangs in a request has nothing more to do
        return left

    def _work(self) -> None:
        while True:
            with self._change:
                folders = dict(self._open)
                if self._closing and not folders:
                    return
            self._round(folders)
            with self._change:
                if not (self._closing and not self._open):
                    self._change.wait(self._pause_seconds)

    def _round(self, folders: Mapping[Path, bool]) -> None:
        """One visit to every folder, until one fails: the store is the same for all. That one is the last next time."""
        for run_dir, has_ended in folders.items():
            try:
                done = deliver(run_dir, self._tracker)
                self._say_refused(run_dir)
            except Exception as error:  # whatever it is, the other folders are to be delivered
                if not self._failing:
                    self._say(f"tracking: {first_line(error)} (tried again until it works; the runs go on)")
                self._failing.add(run_dir)
                self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
                with self._change:
                    if run_dir in self._open:
                        self._open[run_dir] = self._open.pop(run_dir)
                return
            if self._failing == {run_dir}:
                self._say("tracking: works again")
                self._pause_seconds = SHIP_EVERY_SECONDS
            self._failing.discard(run_dir)
            with self._change:
                # Not one that is watched anew meanwhile, for another attempt.
                if done and has_ended and self._open.get(run_dir):
                    del self._open[run_dir]

    def _say_refused(self, run_dir: Path) -> None:
        """One line a folder of what the store refused for good since the last visit."""
        new = {what: why for what, why in refused(run_dir, self._tracker).items() if (run_dir, what) not in self._said}
        if new:
            self._said |= {(run_dir, what) for what in new}
            self._say(f"tracking: {run_dir.name}: MLflow refuses {told(new)} (it stays in the run folder)")
