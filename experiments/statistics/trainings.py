"""The unit of training: what a figure is one of, where chance enters by how a network was trained."""

from __future__ import annotations

from typing import NamedTuple


class Training(NamedTuple):
    """What a run of a row was made with: its fold, where the table has folds, and its seed."""

    fold: str | None
    seed: int
