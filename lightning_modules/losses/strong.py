"""Frame-wise cross-entropy with strong labels: ``mean over t, c of BCE(Y_tc, ŷ_tc)``, then over clips.

The mean is taken clip by clip first: a short clip counts as much as a long one, padding counts nothing, and equal
shares of a batch on several ranks average to the whole batch's loss.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.losses.tagging import cross_entropy


def frame_losses(probabilities_BTC: Tensor, targets_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """Mean over real frames and classes of each clip: (B, T, C), (B, T, C), (B, T) -> (B,)."""
    losses_BT = cross_entropy(probabilities_BTC, targets_BTC).mean(-1)
    return (losses_BT * mask_BT).sum(1) / mask_BT.sum(1)


def frame_loss(probabilities_BTC: Tensor, targets_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """The same, then the mean over clips: (B, T, C), (B, T, C), (B, T) -> ()."""
    return frame_losses(probabilities_BTC, targets_BTC, mask_BT).mean()
