"""Settings of ``trainer:`` that Lightning takes and a run cannot have: they would be found out after hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.errors import UserError

LIMITS = {
    "limit_train_batches": "nothing would be trained",
    "limit_val_batches": "without validation no epoch can be chosen",
}


def check_trainer(settings: Mapping[str, Any], *, where: str) -> None:
    """Raises ``UserError``; ``settings`` are the section's, parsed."""
    for name, reason in LIMITS.items():
        if (value := settings.get(name)) is not None and value == 0:
            raise UserError(f"{where}: trainer.{name}: got {value}, {reason}; allowed: above 0")
    for name in ("max_epochs", "max_steps"):
        if settings.get(name) == 0:
            raise UserError(f"{where}: trainer.{name}: got 0, nothing would be trained; allowed: 1 or more")
    predicted = settings.get("limit_predict_batches")
    if not (predicted is None or (isinstance(predicted, float) and predicted == 1.0)):
        raise UserError(f"{where}: trainer.limit_predict_batches: got {predicted}; every clip is scored, leave it out")
    every, epochs = settings.get("check_val_every_n_epoch"), settings.get("max_epochs")
    if every is not None and epochs is not None and 0 < epochs < every:
        raise UserError(
            f"{where}: trainer.check_val_every_n_epoch: got {every}, without validation in {epochs} epochs none can be "
            f"chosen; allowed: up to trainer.max_epochs"
        )
