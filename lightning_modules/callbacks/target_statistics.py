"""Batch norms of a fine-tuned system with the statistics of what it learns from, instead of its seed's.

A frozen encoder keeps the means and variances that its norms, the bands' among them, were left with by the seed, and on
speech of another room and level they are wrong by standard deviations. One pass over the training batches of the first
epoch, before its first step, estimates them anew (AdaBN: Li et al. 2016, arXiv 1603.04779); weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_info
from torch.nn.modules.batchnorm import _BatchNorm

from lightning_modules.callbacks.fine_tuning import FineTuningPlan, fine_tuned_groups


class TargetStatistics(pl.Callback):
    """Estimates the statistics of the groups that start from the seed, once, not on a resume.

    What they become is the mean over batches of each batch's mean and variance. The norms of a group that trains go on
    from there.
    """

    def __init__(self, plan: FineTuningPlan) -> None:
        self._plan = plan

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """See the class. Raises ``ValueError`` where no group that starts from the seed has such a norm."""
        if trainer.global_step:
            return
        groups = fine_tuned_groups(pl_module, self._plan)
        started = [module for name, of in groups.items() if self._plan.groups[name].start == "seed" for module in of]
        norms = [part for module in started for part in module.modules() if isinstance(part, _BatchNorm)]
        if not norms:
            raise ValueError("statistics: 'target', but no group that starts from the seed has a batch norm")
        modes = {part: part.training for part in pl_module.modules()}
        momenta = [norm.momentum for norm in norms]
        with torch.random.fork_rng(devices=()):  # what a loader draws is not to change the dropout of the training
            num_batches = _estimate(trainer, pl_module, norms)
        for part, training in modes.items():
            part.training = training
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        rank_zero_info(f"statistics of {len(norms)} norms are of {num_batches} training batches of the target")


def _estimate(trainer: pl.Trainer, system: pl.LightningModule, norms: Sequence[_BatchNorm]) -> int:
    """Number of batches; the norms are left with the mean of their statistics."""
    assert trainer.train_dataloader is not None
    system.eval()
    number = 0
    with torch.no_grad():
        for number, batch in enumerate(trainer.train_dataloader, start=1):
            for norm in norms:
                norm.train()
                norm.momentum = 1 / number  # the mean of all so far; None is another to norms of ours
            system.predict_step(trainer.strategy.batch_to_device(batch), number - 1)
    return number
