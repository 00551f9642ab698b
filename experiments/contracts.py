"""What the runner asks of a data module and of a system, whatever the family."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class EvaluationData(Protocol):
    """A LightningDataModule that also serves splits for prediction and what scoring may know of them."""

    num_workers: int

    def setup(self, stage: str) -> None:
        """Read manifests and audio."""

    def evaluation_dataloader(self, split: str) -> Any:
        """Unpadded batches of ``validation`` or ``test``, each clip on exactly one rank."""

    def clip_ids(self, split: str) -> Collection[str]:
        """The ids of a split, from its manifest."""

    def references(self, split: str) -> Any:
        """What scoring may know of a split."""


@runtime_checkable
class ServesMoreSplits(Protocol):
    """An ``EvaluationData`` with splits that are predicted and scored beside validation and test."""

    @property
    def more_splits(self) -> Collection[str]:
        """Their names."""


@runtime_checkable
class LearnsFromLabeller(Protocol):
    """A LightningModule that trains on what another run's network says: its row has ``from: {labels: …}``."""

    def label_with(self, checkpoint: Path) -> None:
        """Take the network of that run's best epoch. Raises ``ValueError`` where it may not or cannot label."""


@runtime_checkable
class KeepsFeatures(Protocol):
    """A LightningModule that may read features of clips from files, in place of computing them in every epoch."""

    def keep_features_in(self, folder: Path) -> None:
        """Where those files are; runs share them."""


@runtime_checkable
class PredictingModule(Protocol):
    """A LightningModule whose predictions become a file."""

    def write_predictions(self, batches: Iterable[Any], *, clip_ids: Collection[str], path: Path) -> None:
        """Gather all ranks' predictions; rank 0 writes them to ``path`` with the family's suffix."""


def scored_splits(data: object) -> tuple[str, ...]:
    """The splits that are predicted, and that scoring is given the references of."""
    return ("validation", "test", *(data.more_splits if isinstance(data, ServesMoreSplits) else ()))
