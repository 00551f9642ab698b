"""``from: {labels: …}`` of a row that trains, against its system: neither has a meaning without the other."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytorch_lightning as lightning

from experiments.contracts import LearnsFromLabeller
from experiments.errors import UserError
from experiments.table_files.row_sources import LABELS


def check_labels(model: lightning.LightningModule | None, sources: Collection[str], *, where: str) -> None:
    """``model`` None is of a run that only scores. Raises ``UserError``."""
    if model is None:
        return
    name, learns = type(model).__name__, isinstance(model, LearnsFromLabeller)
    if learns and LABELS not in sources:
        raise UserError(f"{where}: model: {name} needs the run whose network labels: from: {{{LABELS}: row}}")
    if LABELS in sources and not learns:
        raise UserError(f"{where}: from.{LABELS}: {name} learns from no other run's labels")


def take_labeller(model: lightning.LightningModule, checkpoint: Path | None) -> None:
    """Hand the network that labels to the system, on a resume too: it is no part of what is trained.

    ``checkpoint`` is None where the run names none. Raises ``UserError`` where the network may not or cannot label.
    """
    if checkpoint is None:
        return
    assert isinstance(model, LearnsFromLabeller)
    try:
        model.label_with(checkpoint)
    except ValueError as error:
        raise UserError(f"from.{LABELS}: {error}") from None
