"""From frame probabilities to a clip probability, by class: (B, T, C) and a mask (B, T) -> (B, C).

Each is a weighted mean over time, differing in who weighs: nobody (mean), the frame itself (linear softmax), e to a
learnt multiple of it (auto-pool), a second output (attention), the loudest frame alone (max). Padded frames weigh
nothing.
Wang, Li & Metze, arXiv 1810.09050; McFee et al., arXiv 1804.10070 (auto-pool); Xu et al., arXiv 1710.00343 (attention).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ATTENTION_FLOOR = 1e-7  # Xu et al.'s code clamps there, so that no class's weights can all vanish
WEIGHT_EPS = 1e-12  # a curve of zeros pools to 0 with finite gradients


def _weighted_mean(probabilities_BTC: Tensor, weights_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    masked_BTC = weights_BTC * mask_BT.unsqueeze(-1)
    return (probabilities_BTC * masked_BTC).sum(1) / masked_BTC.sum(1).clamp_min(WEIGHT_EPS)


def mean_pool(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t p_t / T``.

    >>> mean_pool(torch.tensor([[[0.25], [0.75], [0.9]]]), torch.tensor([[True, True, False]]))
    tensor([[0.5000]])
    """
    return _weighted_mean(probabilities_BTC, torch.ones_like(probabilities_BTC), mask_BT)


def max_pool(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``max_t p_t``: multiple-instance learning's pooling, the same for any order of the frames.

    >>> max_pool(torch.tensor([[[0.25], [0.75], [0.9]]]), torch.tensor([[True, True, False]]))
    tensor([[0.7500]])
    """
    return probabilities_BTC.masked_fill(~mask_BT.unsqueeze(-1), 0.0).amax(1)


def linear_softmax_pool(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t p_t² / Σ_t p_t``: a frame weighs as much as it is sure.

    >>> linear_softmax_pool(torch.tensor([[[0.25], [0.75], [0.9]]]), torch.tensor([[True, True, False]]))
    tensor([[0.6250]])
    """
    return _weighted_mean(probabilities_BTC, probabilities_BTC, mask_BT)


def attention_pool(probabilities_BTC: Tensor, attention_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t z_cla(t) z_att(t) / Σ_t z_att(t)``; ``attention_BTC`` (z_att) is a softmax over *classes*."""
    return _weighted_mean(probabilities_BTC, attention_BTC.clamp_min(ATTENTION_FLOOR), mask_BT)


class AutoPool(nn.Module):
    """``Σ_t p_t e^{α_c p_t} / Σ_t e^{α_c p_t}`` with α_c learnt: 0 is the mean, 1 the exponential softmax, ∞ the max.

    Nothing keeps α_c above 0: below it the quiet frames weigh more, down to the min at -∞.
    """

    def __init__(self, *, num_classes: int) -> None:
        super().__init__()
        # McFee et al.'s code starts at 0, the mean; at 1 loud frames weigh more from the first step, by e at most.
        self.alpha_C = nn.Parameter(torch.ones(num_classes))

    def forward(self, probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Clip probabilities (B, C)."""
        scores_BTC = (self.alpha_C * probabilities_BTC).masked_fill(~mask_BT.unsqueeze(-1), -torch.inf)
        return (probabilities_BTC * scores_BTC.softmax(dim=1)).sum(1)
