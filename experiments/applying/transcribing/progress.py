"""How far a long transcription is, with the time that is left; nothing where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from datamodules.audio.audio_reader import opened


@contextmanager
def progress(files: Sequence[Path]) -> Iterator[Callable[[Path | None], Callable[[float], None]]]:
    """Gives of each file a function that is told its seconds so far; the bar counts seconds of all files together."""
    console = Console(stderr=True)
    seconds = {path: _seconds(path) for path in files} if console.is_terminal else {}
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f}%"), TimeRemainingColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # else Rich would write the text of a pipe to standard error
    ) as bar:  # fmt: skip
        task = bar.add_task("transcribing", total=sum(seconds.values()) or None)
        before = 0.0

        def of(path: Path | None) -> Callable[[float], None]:
            nonlocal before
            start = before
            before += seconds.get(path, 0.0) if path is not None else 0.0
            bar.update(task, description=path.name if path is not None else "standard input", completed=start)
            return lambda so_far: bar.update(task, completed=start + so_far)

        yield of


def _seconds(path: Path) -> float:
    """What a file's header promises; 0 for one that is broken, which is said when it is read."""
    try:
        with opened(path) as sound:
            return (sound.promised_samples or 0) / sound.sample_rate_hz
    except (OSError, ValueError):
        return 0.0
