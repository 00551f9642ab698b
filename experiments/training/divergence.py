"""Ends a training of any system whose loss, or the figure that chooses its epoch, is no number any more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as lightning
import torch

from lightning_modules.losses.finite import HELP, DivergedError


class FiniteFigures(lightning.Callback):
    """Looks at the training loss after every step, and at ``monitor`` after every validation.

    Without it a diverged training goes on to its last epoch, and is scored by the one before it diverged. In half
    precision with a scaler (``16-mixed``) single infinite losses are skipped, so the loss is not looked at there.
    """

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, *args: Any) -> None:
        """Raises ``DivergedError``."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, torch.Tensor) and trainer.precision != "16-mixed" and not bool(loss.isfinite().all()):
            last = f"epoch {trainer.current_epoch}, step {trainer.global_step - 1}"
            raise DivergedError(f"{last}: the training loss is {float(loss)}; {HELP}")

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Raises ``DivergedError``; infinity is a figure like a perplexity's, NaN compares with nothing."""
        value = trainer.callback_metrics.get(self._monitor)
        if value is not None and math.isnan(float(value)) and not trainer.sanity_checking:
            place = f"epoch {trainer.current_epoch}, step {trainer.global_step}"
            raise DivergedError(f"{place}: {self._monitor}, which chooses the epoch, is NaN; {HELP}")
