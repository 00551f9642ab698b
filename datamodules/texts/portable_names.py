"""Names that every file system takes: a table, a row or a corpus may be read on a Mac or on Windows tomorrow."""

from __future__ import annotations

import re

# learn.microsoft.com/windows/win32/fileio/naming-a-file: devices, whatever extension follows.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def portable_problem(name: str) -> str | None:
    """Why a file or folder of this name cannot be on every system, part by part; None where it can.

    >>> portable_problem("mine/aux.v2"), portable_problem("auxiliary")
    ("'aux.v2' is a device on Windows", None)
    >>> portable_problem("mine.")
    "'mine.' would lose its last dot on Windows"
    """
    for part in name.split("/"):
        if _DEVICE.fullmatch(part):
            return f"{part!r} is a device on Windows"
        if part.endswith("."):
            return f"{part!r} would lose its last dot on Windows"
    return None
