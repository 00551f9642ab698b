"""What a terminal shows while something takes longer than a moment; nothing where there is no terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def with_bar(items: Sequence[Item], what: str) -> Iterable[Item]:
    """The items, with a bar that is gone at the end."""
    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


@contextlib.contextmanager
def counter(what: str) -> Iterator[Callable[[int], None]]:
    """A function that says how many of a thing it is so far, where nobody knows how many there are."""
    console = Console(stderr=True)
    status = console.status("")

    def tell(number: int) -> None:
        if console.is_terminal:
            status.update(f"{number:,} {what}")
            status.start()

    try:
        yield tell
    finally:
        status.stop()
