"""Poolings by hand, their masks, and finite gradients where a curve is all zeros."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lightning_modules.layers.pooling import AutoPool, attention_pool, linear_softmax_pool, max_pool, mean_pool

CURVE_BTC = torch.tensor([[[0.2], [0.8], [0.5]]])
ALL_BT = torch.ones(1, 3, dtype=torch.bool)


def auto_pool(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    pooled: Tensor = AutoPool(num_classes=probabilities_BTC.shape[2])(probabilities_BTC, mask_BT)
    return pooled


def even_attention(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    return attention_pool(probabilities_BTC, torch.full_like(probabilities_BTC, 0.3), mask_BT)


POOLINGS = [mean_pool, max_pool, linear_softmax_pool, auto_pool, even_attention]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (mean_pool, 0.5),
        (max_pool, 0.8),
        (linear_softmax_pool, (0.04 + 0.64 + 0.25) / 1.5),
        # e^0.2 = 1.2214, e^0.8 = 2.2255, e^0.5 = 1.6487
        (auto_pool, (0.2 * 1.2214028 + 0.8 * 2.2255409 + 0.5 * 1.6487213) / 5.095665),
        (even_attention, 0.5),
    ],
)
def test_by_hand(pool: Callable[[Tensor, Tensor], Tensor], expected: float) -> None:
    assert pool(CURVE_BTC, ALL_BT).item() == pytest.approx(expected, abs=1e-6)


def test_attention_by_hand() -> None:
    attention_BTC = torch.tensor([[[0.0], [0.75], [0.25]]])
    assert attention_pool(CURVE_BTC, attention_BTC, ALL_BT).item() == pytest.approx(0.8 * 0.75 + 0.5 * 0.25, abs=1e-6)


def test_attention_that_vanishes_is_the_mean() -> None:
    assert attention_pool(CURVE_BTC, torch.zeros(1, 3, 1), ALL_BT).item() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("pool", POOLINGS)
def test_padding_weighs_nothing(pool: Callable[[Tensor, Tensor], Tensor]) -> None:
    padded_BTC = torch.cat([CURVE_BTC, torch.full((1, 2, 1), 0.99)], dim=1)
    mask_BT = torch.tensor([[True, True, True, False, False]])
    torch.testing.assert_close(pool(padded_BTC, mask_BT), pool(CURVE_BTC, ALL_BT))


@pytest.mark.parametrize("pool", POOLINGS)
def test_zeros_pool_to_zero_with_finite_gradients(pool: Callable[[Tensor, Tensor], Tensor]) -> None:
    curve_BTC = torch.zeros(1, 3, 2, requires_grad=True)
    pooled_BC = pool(curve_BTC, ALL_BT)
    pooled_BC.sum().backward()
    assert not pooled_BC.any()
    assert curve_BTC.grad is not None
    assert torch.isfinite(curve_BTC.grad).all()


@pytest.mark.parametrize("pool", POOLINGS)
def test_order_of_frames_does_not_matter(pool: Callable[[Tensor, Tensor], Tensor]) -> None:
    curves_BTC = torch.rand(2, 20, 3)
    mask_BT = torch.ones(2, 20, dtype=torch.bool)
    torch.testing.assert_close(pool(curves_BTC[:, torch.randperm(20)], mask_BT), pool(curves_BTC, mask_BT))


def test_auto_pool_lies_between_mean_and_max() -> None:
    pool = AutoPool(num_classes=1)
    with torch.no_grad():
        pool.alpha_C.fill_(0.0)
    assert pool(CURVE_BTC, ALL_BT).item() == pytest.approx(0.5)
    with torch.no_grad():
        pool.alpha_C.fill_(1e4)
    assert pool(CURVE_BTC, ALL_BT).item() == pytest.approx(0.8)
