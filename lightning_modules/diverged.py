"""The end of a training whose figures are no numbers any more: one line that says when, which loss and for what."""

from __future__ import annotations

from collections.abc import Sequence

import pytorch_lightning as pl
from torch import Tensor

HELP = "lower model.optimizer.lr or set trainer.gradient_clip_val"


class DivergedError(ValueError):
    """A loss that is NaN or infinite, from which no training comes back."""


def check_finite(module: pl.LightningModule, figures_B: Tensor, *, names: Sequence[str], what: str) -> None:
    """Raises ``DivergedError`` naming the first clips or utterances whose figures (B, ...) are not finite.

    ``what`` they are of is the plural: ``clips``. Costs one wait for the device.
    """
    good_B = figures_B.isfinite().flatten(1).all(1) if figures_B.ndim > 1 else figures_B.isfinite()
    if bool(good_B.all()):
        return
    wrong = [name for name, good in zip(names, good_B.tolist(), strict=True) if not good]
    loss = "train/loss" if module.training else "validation/loss"
    raise DivergedError(
        f"epoch {module.current_epoch}, step {module.global_step}: {loss} is no number for {len(wrong)} of "
        f"{len(good_B)} {what}: {', '.join(wrong[:3])}{', …' if len(wrong) > 3 else ''}; "
        f"{HELP}"
    )
