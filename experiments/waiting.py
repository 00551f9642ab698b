"""What a terminal shows while something takes longer than a moment; nothing where there is no terminal.

All of it goes to standard error, on one console, so that a bar of an inner step stands under the line of the outer one.
Rich is imported where there is a terminal alone: in a pipe nobody waits for it. What is printed meanwhile passes above;
standard output does so only where it is a terminal too, since Rich would write its lines to standard error.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

Item = TypeVar("Item")
_turning: list[Spinner] = []  # that of the outermost ``working``, while it is


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """``what`` is done, behind a spinner from now on until it is; an inner step speaks in place of the outer one."""
    if not _is_watched():
        yield
    elif _turning:
        outer = _turning[0].text
        _say(_turning[0], what)
        yield
        _turning[0].update(text=outer)
    else:
        spinner, live = _spinner_line(what)
        _turning.append(spinner)
        try:
            with live:
                yield
        finally:
            _turning.clear()


def with_bar(items: Iterable[Item], what: str, *, total: int | None = None) -> Iterable[Item]:
    """The items, with a bar that is gone at the end; ``total`` of items that don't say how many they are."""
    return _tracked(items, what, total) if _is_watched() else items


def _tracked(items: Iterable[Item], what: str, total: int | None) -> Iterator[Item]:
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=_console(), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        yield from bar.track(items, total=total, description=escape(what))


@contextlib.contextmanager
def counter(what: str) -> Iterator[Callable[[int], None]]:
    """A function that says how many of a thing it is so far, where nobody knows how many there are."""
    if not _is_watched():
        yield lambda number: None
        return
    spinner, live = _spinner_line("")

    def tell(number: int) -> None:
        _say(spinner, f"{number:,} {what}")
        live.start(refresh=True)

    try:
        yield tell
    finally:
        live.stop()


def _is_watched() -> bool:
    """Whether somebody looks, on a terminal that can take a line back."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def _spinner_line(what: str) -> tuple[Spinner, Live]:
    """A spinner before some words, and the display that turns it."""
    from rich.live import Live
    from rich.spinner import Spinner

    spinner = Spinner("line")  # of ASCII, which every terminal has
    _say(spinner, what)
    live = Live(spinner, console=_console(), transient=True, redirect_stdout=sys.stdout.isatty(), refresh_per_second=10)
    return spinner, live


def _say(spinner: Spinner, what: str) -> None:
    from rich.text import Text

    spinner.update(text=Text(what))  # no str, in which [brackets] would be markup


@functools.cache
def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)
