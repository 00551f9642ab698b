"""Validates and keeps averaged weights: the mean of several epochs' ends, or an exponential moving average of steps.

Training itself goes on with its own weights. The average takes their place from the start of a validation until
training goes on, so that what is validated, chosen by ``checkpoint.monitor`` and stored as ``best.ckpt`` is one and
the same; ``last.ckpt`` has the weights of training, and the average beside them. Polyak & Juditsky 1992; Izmailov et
al. 2018 (arXiv 1803.05407). Lightning's ``WeightAveraging`` (2.6.6) leaves the average out of a checkpoint of weights
alone, and validates the initial weights until it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor


@dataclass(frozen=True)
class Average:
    """Averaged weights in the place of an epoch's own, from the epoch ``from_epoch`` (the first is 0) on.

    They are the mean of the epochs' ends or, with ``decay``, ``a ← decay · a + (1 − decay) · w`` after every step.
    """

    from_epoch: int
    decay: float | None = None

    def __post_init__(self) -> None:
        if self.from_epoch < 0:
            raise ValueError(f"checkpoint.average.from_epoch must be 0 or more, got {self.from_epoch}")
        if self.decay is not None and not 0 < self.decay < 1:
            raise ValueError(
                f"checkpoint.average.decay must lie between 0 and 1, got {self.decay}; null is the mean of epochs"
            )


class AveragedWeights(lightning.Callback):
    """The average of ``settings``, over parameters and stored buffers; of what counts (integers), the latest."""

    def __init__(self, settings: Average) -> None:
        self._settings = settings
        self._mean: dict[str, Tensor] = {}
        self._count = 0
        self._step = 0
        self._of_training: dict[str, Tensor] = {}  # while the average stands in their place

    def on_train_batch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        """After a validation within an epoch."""
        self._put_back(pl_module)

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        """Take the weights into the average: after every step with a decay, else after an epoch's last one."""
        is_new = trainer.global_step > self._step  # batches whose gradients are accumulated are no step
        self._step = trainer.global_step
        due = is_new if self._settings.decay is not None else trainer.is_last_batch
        if due and trainer.current_epoch >= self._settings.from_epoch:
            self._take(pl_module)

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the average in the place of the weights, where there is one."""
        if self._count and not trainer.sanity_checking and not self._of_training:
            self._of_training = {name: value.clone() for name, value in pl_module.state_dict().items()}
            _write(pl_module, self._mean)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Before the last checkpoint is written; the best one was written with the average."""
        self._put_back(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """The average so far."""
        return {"mean": self._mean, "count": self._count, "step": self._step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with that of a checkpoint."""
        self._mean, self._count, self._step = state_dict["mean"], state_dict["count"], state_dict["step"]

    @torch.no_grad()
    def _take(self, pl_module: lightning.LightningModule) -> None:
        decay, own = self._settings.decay, pl_module.state_dict()
        share = 1 / (self._count + 1) if decay is None or not self._count else 1 - decay
        if not self._count:
            self._mean = {name: value.clone() for name, value in own.items()}
        for name, value in own.items():
            mean = self._mean[name] = self._mean[name].to(value.device)
            if value.is_floating_point():
                mean.lerp_(value, share)
            else:
                mean.copy_(value)
        self._count += 1

    def _put_back(self, pl_module: lightning.LightningModule) -> None:
        if self._of_training:
            _write(pl_module, self._of_training)
            self._of_training = {}


@torch.no_grad()
def _write(pl_module: lightning.LightningModule, weights: dict[str, Tensor]) -> None:
    for name, value in pl_module.state_dict().items():
        value.copy_(weights[name])
