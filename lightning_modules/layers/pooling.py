"""From frame probabilities to a clip probability, by class: (B, T, C) and a mask (B, T) -> (B, C).

Each is a weighted mean over time, differing in who weighs: nobody (mean), the frame itself (linear softmax), a learnt
power of it (power), e to it (exponential softmax) or to a learnt multiple of it (auto-pool), a second output
(attention, made to sum to 1 over classes or over time), the loudest frame alone (max). Padded frames weigh nothing.
Wang, Li & Metze, arXiv 1810.09050 (exponential and linear softmax, attention over time); McFee et al., arXiv 1804.10070
(auto-pool); Liu et al., arXiv 2010.09985 (power); Xu et al., arXiv 1710.00343 (attention over classes).
"""

from __future__ import annotations

import math

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


def exponential_softmax_pool(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t p_t e^{p_t} / Σ_t e^{p_t}``: a sure frame weighs e times as much as a silent one, and no more.

    >>> exponential_softmax_pool(torch.tensor([[[0.0], [1.0], [0.9]]]), torch.tensor([[True, True, False]]))
    tensor([[0.7311]])
    """
    return _weighted_mean(probabilities_BTC, probabilities_BTC.exp(), mask_BT)


def power_pool(probabilities_BTC: Tensor, power_C: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t p_t^{n_c + 1} / Σ_t p_t^{n_c}``: 0 is the mean, 1 the linear softmax, ∞ the max.

    >>> power_pool(torch.tensor([[[0.25], [0.75]]]), torch.tensor([2.0]), torch.tensor([[True, True]]))
    tensor([[0.7000]])
    """
    # Weights are relative to the loudest frame, which changes no weighted mean and keeps high powers above 0.
    loudest_B1C = max_pool(probabilities_BTC, mask_BT).detach().clamp_min(WEIGHT_EPS).unsqueeze(1)
    relative_BTC = (probabilities_BTC / loudest_B1C).clamp(WEIGHT_EPS, 1.0)  # padding may be louder
    return _weighted_mean(probabilities_BTC, relative_BTC**power_C, mask_BT)


def time_attention_pool(probabilities_BTC: Tensor, scores_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t p_t a_t``, ``a`` the softmax over *time* of a second output's ``scores_BTC``: weights sum to 1 by class."""
    attention_BTC = scores_BTC.masked_fill(~mask_BT.unsqueeze(-1), -torch.inf).softmax(dim=1)
    return (probabilities_BTC * attention_BTC).sum(1)


def attention_pool(probabilities_BTC: Tensor, attention_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """``Σ_t z_cla(t) z_att(t) / Σ_t z_att(t)``; ``attention_BTC`` (z_att) is a softmax over *classes*."""
    return _weighted_mean(probabilities_BTC, attention_BTC.clamp_min(ATTENTION_FLOOR), mask_BT)


class PowerPool(nn.Module):
    """``power_pool`` with n_c learnt, one number a class, from ``initial_power`` (1: the linear softmax).

    Powers below 0, where quiet frames would weigh more, count as 0. Raises ``ValueError`` for such a start.
    """

    def __init__(self, *, num_classes: int, initial_power: float = 1.0) -> None:
        super().__init__()
        if not 0 <= initial_power < math.inf:
            raise ValueError(f"initial_power must be 0 or more, got {initial_power}")
        self.power_C = nn.Parameter(torch.full((num_classes,), float(initial_power)))

    def forward(self, probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Clip probabilities (B, C)."""
        if self.training:
            with torch.no_grad():  # a projection: a power that was clamped in the graph alone could not come back
                self.power_C.clamp_(min=0.0)
        return power_pool(probabilities_BTC, self.power_C.clamp_min(0.0), mask_BT)


class AutoPool(nn.Module):
    """``Σ_t p_t e^{α_c p_t} / Σ_t e^{α_c p_t}`` with α_c learnt: 0 is the mean, 1 the exponential softmax, ∞ the max.

    ``initial_alpha`` 0 is the start of McFee et al.'s code. ``max_alpha`` is their CAP, a bound on the size of α_c: a
    frame that is sure weighs e^α times as much as a silent one. None keeps α_c from nothing: below 0 the quiet frames
    weigh more, down to the min at -∞. Raises ``ValueError`` for a start beyond the bound.
    """

    def __init__(self, *, num_classes: int, initial_alpha: float = 1.0, max_alpha: float | None = None) -> None:
        super().__init__()
        if max_alpha is not None and not max_alpha > 0:
            raise ValueError(f"max_alpha must be above 0, got {max_alpha}")
        self.bound = math.inf if max_alpha is None else max_alpha
        if not (math.isfinite(initial_alpha) and abs(initial_alpha) <= self.bound):
            raise ValueError(f"initial_alpha {initial_alpha} must lie within max_alpha {max_alpha}")
        self.alpha_C = nn.Parameter(torch.full((num_classes,), float(initial_alpha)))

    def forward(self, probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Clip probabilities (B, C)."""
        if self.training and self.bound < math.inf:
            with torch.no_grad():  # a projection, as Keras' constraint: the optimiser goes on from the bound
                self.alpha_C.clamp_(-self.bound, self.bound)
        alpha_C = self.alpha_C.clamp(-self.bound, self.bound)
        scores_BTC = (alpha_C * probabilities_BTC).masked_fill(~mask_BT.unsqueeze(-1), -torch.inf)
        return (probabilities_BTC * scores_BTC.softmax(dim=1)).sum(1)
