"""How far a prediction is, with the time left, by seconds of audio where headers state them; for terminals alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from datamodules.audio.audio_reader import opened


class SecondsBar:
    """A context manager. A file whose length nobody states counts nothing until it is done."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._console = Console(stderr=True, markup=False, emoji=False)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), console=self._console, transient=True,
            disable=not self._console.is_terminal, redirect_stdout=sys.stdout.isatty(),
        )  # fmt: skip
        self._num_files, self._current, self._number = len(paths), Path(), 0
        total = sum(map(_stated_seconds, paths)) if self._console.is_terminal else 0.0
        self._task = self._bar.add_task("", total=total or None)

    def __enter__(self) -> SecondsBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, path: Path, seconds: float) -> None:
        """So much more of a file is done."""
        if path != self._current:
            self._current, self._number = path, self._number + 1
            self._bar.update(self._task, description=f"{self._number}/{self._num_files} {path.name}")
        self._bar.advance(self._task, seconds)

    def say(self, path: Path, why: str) -> None:
        """One line above the bar, on standard error."""
        self._console.print(f"{path}: {why}", highlight=False, soft_wrap=True)


def _stated_seconds(path: Path) -> float:
    try:
        with opened(path) as sound:
            return (sound.promised_samples or 0) / sound.sample_rate_hz
    except (OSError, ValueError):
        return 0.0
