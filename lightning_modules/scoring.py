"""The contract between a run's stored predictions and its scores: re-scoring never retrains.

A system's predictions are files in a run's ``predictions/`` folder; a ``Scoring`` turns them and the references into
metrics, tables and pictures. It needs no trainer, so that a table's ``stage: score`` rows run in seconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Scoring(ABC):
    """Scores one run. A subclass's constructor arguments are the table's ``scoring:`` keys."""

    def check(self, system: object) -> None:  # noqa: B027 - a hook: most read what every system stores
        """Raise ``ValueError`` now for a system whose predictions this could not score after hours of training."""

    @abstractmethod
    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """Fit on validation, score the test split, write artifacts under ``output_dir``, return the metrics.

        ``predictions["own"]`` is the folder with ``validation.*`` and ``test.*`` of the run itself (or of the run that
        ``from: {own: …}`` names); other keys are the names that the row's ``from:`` gives. ``references`` has the
        keys ``validation`` and ``test``, as the data module's ``references(split)`` returns them, and those of the
        splits that it serves besides (``more_splits``), which a scoring may pass over. Metric names are
        ``split/metric``; rates are in 0–1.
        """
