"""What a person sees while a table runs: one bar for the table, one a running run, with the time left.

Without a terminal (a log file, CI) it prints one line when a run starts or ends instead.
"""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class LaunchProgress:
    """A context manager; ``total`` is the number of runs to do."""

    def __init__(self, title: str, total: int) -> None:
        self._console = Console(stderr=True, markup=False, emoji=False)  # an error may hold [/brackets] and :colons:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), console=self._console, disable=not self._console.is_terminal,
            redirect_stdout=sys.stdout.isatty(),
        )  # fmt: skip
        self._table = self._bars.add_task(title, total=total)
        self._total, self._done = total, 0
        self._tasks: dict[str, TaskID] = {}
        self._since: dict[str, float] = {}

    def __enter__(self) -> LaunchProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """One line above the bars."""
        with contextlib.suppress(OSError):  # a pipe or terminal that closed: the runs are worth more than what is said
            self._bars.console.print(text, highlight=False, soft_wrap=True)

    def started(self, name: str) -> None:
        """A run's process has started."""
        self._tasks[name] = self._bars.add_task(f"  {name}", total=None)
        self._since[name] = time.monotonic()

    def advanced(self, name: str, done: int, total: int) -> None:
        """A run has got so far."""
        if name in self._tasks:  # what an earlier launch left undelivered has no bar
            self._bars.update(self._tasks[name], completed=done, total=total)

    def retried(self, name: str, why: str) -> None:
        """A run has failed and will be started again."""
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        self.say(f"{name}: {why}")

    def ended(self, name: str, how: str) -> None:
        """A run has ended, or will not be started."""
        self._done += 1
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        seconds = f" after {time.monotonic() - self._since[name]:.0f} s" if name in self._since else ""
        if how != "finished" or not self._console.is_terminal:
            self.say(f"[{self._done}/{self._total}] {name}: {how}{seconds}")
        self._bars.advance(self._table)
