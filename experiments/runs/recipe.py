"""The recipe: what training does around a system, as one number in every run's key, and what each number changed.

A key holds the code of systems and data modules, and nothing of ``experiments``: most edits there compute the same. One
that does not raises the number here, with a line that says what became another.
``tests/experiments/runs/test_recipe.py`` asks for that decision whenever code that a training runs differs from what
was recorded.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Change(NamedTuple):
    """What became another with a version, said of what a run does since the commit."""

    version: str
    since: str
    what: str


HISTORY = (
    Change("2", "077b900", "a resumed epoch has its own batches, no longer the first epoch's"),
    Change("2", "37a055b", "dropout goes on where a resumed training was"),
    Change("2", "c32b36e", "a training is resumed from an epoch's end, also where validation skips epochs"),
    Change("2", "67b0eae", "the stored validation metric is the chosen epoch's, no longer the last's"),
    Change("2", "67b0eae", "early stopping holds across a resume"),
    Change("2", "b61a695", "a training that diverges fails, no longer scored by the epoch before"),
)
FIRST = "1"  # of every run that names none
VERSION = HISTORY[-1].version
NAME = "recipe"  # of the number among a key's digests, and of a run's tag


def missed(old: str, *, commit: str = "") -> tuple[Change, ...]:
    """What a run of recipe ``old`` was made without; ``commit`` is that of its code, empty if nobody knows.

    A change that the commit has already is left out: the number was raised later than the code.
    """
    return tuple(change for change in HISTORY if int(change.version) > int(old) and not _has(commit, change.since))


def difference(old: str, *, commit: str = "") -> str:
    """The same in words."""
    numbers = f"recipe {old} -> {VERSION}"
    if int(old) >= int(VERSION):
        return f"{numbers}: made by another earmark"
    if changes := missed(old, commit=commit):
        return f"{numbers}: " + "; ".join(f"{change.what} (since commit {change.since})" for change in changes)
    return f"{numbers}: its commit {commit[:7]} did all of that already"


@cache
def _has(commit: str, since: str) -> bool:
    """Whether ``since`` is in the history of ``commit``; False where nobody knows (a wheel, a shallow clone)."""
    if not commit:
        return False
    command = ["git", "-C", str(Path(__file__).parent), "merge-base", "--is-ancestor", since, commit]
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
