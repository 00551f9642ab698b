"""What a manifest leaves out: audio of which nobody wrote down what is said. Counted and named, never silent."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from datamodules.run_warning import RunWarning, first_names


def warn_of_left_out(place: Path, names: Iterable[str], *, what: str) -> None:
    """Say how many are left out, and the first of them. ``what`` they are: ``utterances without a line in text``."""
    listed = list(names)
    if listed:
        said = f"{place}: left out {what}: {len(listed)} ({first_names(listed)})"
        warnings.warn(said, category=RunWarning, stacklevel=3)
