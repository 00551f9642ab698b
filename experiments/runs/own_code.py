"""Where a user's own modules are found: installed, on ``PYTHONPATH`` and, last, in the folder of the command."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from experiments.runs.own_modules import import_copies


def find_own_code() -> None:
    """Search the current folder after all others, in every process of earmark and however it was started.

    ``python -m`` puts it first, where a file ``statistics.py`` of the user's would stand for Python's; the script
    ``earmark`` and the trainings do not have it at all. The folder that earmark itself runs from stays where it is.
    Where that is a snapshot, a user's modules are its copies.
    """
    import_copies(Path(__file__).resolve().parents[2])
    with contextlib.suppress(OSError):  # a folder that was removed
        here = os.getcwd()
        if not sys.flags.safe_path and sys.path[0] == here and Path(here) != Path(__file__).resolve().parents[2]:
            del sys.path[0]
        if here not in sys.path:
            sys.path.append(here)
