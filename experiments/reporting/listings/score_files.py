"""Where the listings find what runs keep."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from experiments.planning.cell import Cell


class Files(Protocol):
    """Where runs keep their scores: ``StoredScores``."""

    def file(self, cell: Cell, name: str) -> Path | None:
        """``scores/NAME`` of a finished cell."""
