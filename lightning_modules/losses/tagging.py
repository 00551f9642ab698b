"""Cross-entropy of a clip's probabilities with its weak labels: ``mean over b, c of BCE(y_c, ŷ_c)``.

Pooled probabilities have no logits, so this takes probabilities; it computes in float32 outside autocast, where
torch's own log clamp (at -100) keeps a probability of exactly 0 or 1 finite.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Element-wise binary cross-entropy in nats; both of the same shape, targets in {0, 1}."""
    with torch.autocast(probabilities.device.type, enabled=False):
        return F.binary_cross_entropy(probabilities.float(), targets.float(), reduction="none")


def tagging_loss(probabilities_BC: Tensor, tags_BC: Tensor) -> Tensor:
    """Mean over clips and classes: (B, C), (B, C) -> ().

    >>> tagging_loss(torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    return cross_entropy(probabilities_BC, tags_BC).mean()
