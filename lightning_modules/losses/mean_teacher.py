"""Losses of clips that are each labelled in their own way, and of a student that is to agree with its teacher.

Tarvainen & Valpola 2017 (arXiv 1703.01780); on tags and frames as the DCASE task 4 baselines have it.
"""

from __future__ import annotations

import math

from torch import Tensor


def mean_where(values_B: Tensor, mask_B: Tensor) -> Tensor:
    """Mean over the clips that the mask names, 0 where it names none: (B,), bool (B,) -> ()."""
    return (values_B * mask_B).sum() / mask_B.sum().clamp_min(1)


def frame_disagreement(student_BTC: Tensor, teacher_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """Squared difference of two systems' curves, mean over real frames and classes of each clip, then over clips."""
    squares_BT = (student_BTC - teacher_BTC).square().mean(-1) * mask_BT
    return (squares_BT.sum(1) / mask_BT.sum(1)).mean()


def ramp_up(epoch: int, *, epochs: int) -> float:
    """``exp(-5 (1 - epoch / epochs)²)``, 1 from ``epochs`` on: how much of the consistency weight counts.

    >>> [round(ramp_up(epoch, epochs=10), 3) for epoch in (0, 5, 10, 99)]
    [0.007, 0.287, 1.0, 1.0]
    """
    return 1.0 if epoch >= epochs else math.exp(-5.0 * (1.0 - epoch / epochs) ** 2)
