"""A thread that keeps MLflow up to date with the folders of running runs, so that nothing else ever waits for MLflow.

A server that is down, slow or full costs delay and nothing else: the courier says so once, tries again at growing
intervals, and says when it is through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from experiments.delivery import deliver
from experiments.errors import first_line
from experiments.tracking import Tracker, TrackingError

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
        self._is_down = False
        self._change = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

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

    def _round(self, folders: dict[Path, bool]) -> None:
        """One visit to every folder; the first failure ends it, since the store is the same for all."""
        for run_dir, has_ended in folders.items():
            try:
                done = deliver(run_dir, self._tracker)
            except (TrackingError, OSError) as error:
                if not self._is_down:
                    self._say(f"tracking: {first_line(error)} (tried again until it works; the runs go on)")
                self._is_down = True
                self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
                return
            if self._is_down:
                self._say("tracking: works again")
                self._is_down, self._pause_seconds = False, SHIP_EVERY_SECONDS
            if done and has_ended:
                with self._change:
                    if self._open.get(run_dir):  # not watched anew meanwhile, for another attempt
                        del self._open[run_dir]
