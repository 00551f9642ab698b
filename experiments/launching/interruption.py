"""What asks a launch to stop: Ctrl-C, a batch system's SIGTERM, a closed terminal. All are one KeyboardInterrupt."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

HANG_UP: int | None = getattr(signal, "SIGHUP", None)  # Windows has none
ASKING = tuple(number for number in (signal.SIGINT, signal.SIGTERM, HANG_UP) if number is not None)


def listen(*, to_hang_up: bool) -> None:
    """Turn the signals into KeyboardInterrupt from now on; SIGHUP stays ignored where nohup has it so.

    A shell's background job is born with SIGINT ignored, and is stopped by it all the same. Without ``to_hang_up`` a
    launcher dies of a closed terminal and leaves its jobs to the next one.
    """
    terminals = [stream for stream in (1, 2) if os.isatty(stream)]

    def hang_up(number: int, frame: FrameType | None) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in terminals:  # what is written to a terminal that is gone would be an error
            os.dup2(nowhere, stream)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if to_hang_up and HANG_UP is not None and signal.getsignal(HANG_UP) is not signal.SIG_IGN:
        signal.signal(HANG_UP, hang_up)


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Let what asks to stop wait until the end: for what must be done whole, such as to start and to note a process."""
    caught: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ASKING}
    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler):
                signal.signal(number, handler)
        for first in caught[:1]:
            signal.raise_signal(first)
