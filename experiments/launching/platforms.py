"""What starting and ending trainings asks of the operating system, said in one line where it is not there."""

from __future__ import annotations

import os
import signal
import sys

from experiments.errors import UserError


def refuse_where_nothing_can_run(command: str) -> None:
    """A training leads a process group, which is ended as a whole, and holds a lock: Linux and macOS have both.

    Raises ``UserError`` elsewhere.
    """
    if not (hasattr(os, "killpg") and hasattr(os, "setsid") and hasattr(signal, "SIGKILL")):
        raise UserError(
            f"earmark {command}: {sys.platform} has no process groups, which trainings need; use Linux, macOS or WSL. "
            "Here go: plan, report, results, claims, score, ui"
        )
