"""What ``ps`` shows of a process: a forked one would be called as the one that it came from."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Sequence
from pathlib import Path

ROOM = " " * 4096  # an argument that does nothing, for commands longer than the one that was typed
ARGUMENTS_FIELD = 47  # of /proc/self/stat, counted from 0: where the arguments begin; their end is the next


def show_as(command: Sequence[str]) -> None:
    """Write a command over this process's own arguments, cut to their room. Does nothing where Linux has no /proc."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        # The name in brackets, the second field, may hold spaces.
        fields = ["", "", *Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()]
        begin, end = (int(field) for field in fields[ARGUMENTS_FIELD : ARGUMENTS_FIELD + 2])
        if begin and end > begin:
            text = b"\0".join(argument.encode(errors="surrogateescape") for argument in command)
            ctypes.memmove(begin, text[: end - begin - 1].ljust(end - begin, b"\0"), end - begin)
