"""Reads a store's runs page by page: without the garbage collector, and with a word on how far it is.

A store gives some hundreds of runs a second with all their metrics, so thousands take seconds.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Any

from experiments.waiting import counter

PAGE_RUNS = 1000


def read_pages(ask: Callable[[int, str | None], Any], *, limit: int | None = None) -> list[Any]:
    """All that ``ask(size, token)`` gives, or its first ``limit``. An answer is a list with the next ``token``."""
    runs: list[Any] = []
    token = None
    with counter("runs read from the store") as tell:
        while True:
            size = PAGE_RUNS if limit is None else min(PAGE_RUNS, limit - len(runs))
            with _without_garbage_collection():
                page = ask(size, token)
            runs += page
            token = page.token
            if not token or len(runs) == limit:
                return runs
            tell(len(runs))


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Put off the collector while MLflow builds its answer.

    A page of runs is some hundred thousand objects that stay: the collector, which they wake again and again, walks
    the heap of everything imported and finds nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
