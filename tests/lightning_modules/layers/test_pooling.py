"""Poolings by hand, their masks, and finite gradients where a curve is all zeros."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lightning_modules.layers.pooling import (
    AutoPool,
    PowerPool,
    attention_pool,
    exponential_softmax_pool,
    linear_softmax_pool,
    max_pool,
    mean_pool,
    power_pool,
    time_attention_pool,
)

CURVE_BTC = torch.tensor([[[0.2], [0.8], [0.5]]])
ALL_BT = torch.ones(1, 3, dtype=torch.bool)


def auto_pool(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    pooled: Tensor = AutoPool(num_classes=probabilities_BTC.shape[2])(probabilities_BTC, mask_BT)
    return pooled


def even_attention(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    return attention_pool(probabilities_BTC, torch.full_like(probabilities_BTC, 0.3), mask_BT)


def squared(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    return power_pool(probabilities_BTC, torch.full(probabilities_BTC.shape[2:], 2.0), mask_BT)


def learnt_power(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    pooled: Tensor = PowerPool(num_classes=probabilities_BTC.shape[2], initial_power=0.5)(probabilities_BTC, mask_BT)
    return pooled


def nearly_max(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    return power_pool(probabilities_BTC, torch.full(probabilities_BTC.shape[2:], 1e4), mask_BT)


def attention_by_itself(probabilities_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    return time_attention_pool(probabilities_BTC, probabilities_BTC, mask_BT)


POOLINGS = [
    mean_pool, max_pool, linear_softmax_pool, auto_pool, even_attention, exponential_softmax_pool, squared,
    learnt_power, nearly_max, attention_by_itself,
]  # fmt: skip


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (mean_pool, 0.5),
        (max_pool, 0.8),
        (linear_softmax_pool, (0.04 + 0.64 + 0.25) / 1.5),
        # e^0.2 = 1.2214, e^0.8 = 2.2255, e^0.5 = 1.6487
        (auto_pool, (0.2 * 1.2214028 + 0.8 * 2.2255409 + 0.5 * 1.6487213) / 5.095665),
        (even_attention, 0.5),
        (exponential_softmax_pool, (0.2 * 1.2214028 + 0.8 * 2.2255409 + 0.5 * 1.6487213) / 5.095665),
        (squared, (0.008 + 0.512 + 0.125) / (0.04 + 0.64 + 0.25)),
        (attention_by_itself, (0.2 * 1.2214028 + 0.8 * 2.2255409 + 0.5 * 1.6487213) / 5.095665),
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


def test_power_runs_from_the_mean_over_the_linear_softmax_to_the_max() -> None:
    curves_BTC, mask_BT = torch.rand(2, 20, 3), torch.ones(2, 20, dtype=torch.bool)
    for power, same in ((0.0, mean_pool), (1.0, linear_softmax_pool), (1e4, max_pool)):
        pooled_BC = power_pool(curves_BTC, torch.full((3,), power), mask_BT)
        torch.testing.assert_close(pooled_BC, same(curves_BTC, mask_BT), atol=1e-3 if power > 1 else 1e-6, rtol=1e-5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 3.0])
def test_the_gradients_of_power_pooling_are_those_of_its_formula(power: float) -> None:
    curves_BTC = torch.rand(2, 9, 3, dtype=torch.float64, requires_grad=True)
    power_C = torch.full((3,), power, dtype=torch.float64, requires_grad=True)
    mask_BT = torch.arange(9) < torch.tensor([[9], [6]])
    pooled_BC = power_pool(curves_BTC, power_C, mask_BT)
    powers_BTC = curves_BTC**power_C * mask_BT.unsqueeze(-1)
    formula_BC = (powers_BTC * curves_BTC).sum(1) / powers_BTC.sum(1)
    torch.testing.assert_close(pooled_BC, formula_BC)
    wanted = torch.autograd.grad(formula_BC.sum(), (curves_BTC, power_C))
    for got, by_formula in zip(torch.autograd.grad(pooled_BC.sum(), (curves_BTC, power_C)), wanted, strict=True):
        torch.testing.assert_close(got, by_formula)


def test_attention_over_time_sums_to_one_by_class_and_finds_its_frame() -> None:
    scores_BTC = torch.tensor([[[0.0], [90.0], [0.0]]])
    assert time_attention_pool(CURVE_BTC, scores_BTC, ALL_BT).item() == pytest.approx(0.8)
    ones_BTC = torch.ones(2, 7, 3)
    mask_BT = torch.arange(7) < torch.tensor([[7], [2]])
    torch.testing.assert_close(time_attention_pool(ones_BTC, torch.randn(2, 7, 3), mask_BT), torch.ones(2, 3))


def test_auto_pool_starts_where_it_is_told_and_its_bound_is_a_projection() -> None:
    assert AutoPool(num_classes=2).alpha_C.tolist() == [1.0, 1.0]
    pool = AutoPool(num_classes=1, initial_alpha=0.0, max_alpha=2.0)
    assert pool(CURVE_BTC, ALL_BT).item() == pytest.approx(0.5)
    for beyond in (5.0, -5.0):
        with torch.no_grad():
            pool.alpha_C.fill_(beyond)
        bounded = AutoPool(num_classes=1, initial_alpha=math.copysign(2.0, beyond)).eval()(CURVE_BTC, ALL_BT).item()
        assert pool.eval()(CURVE_BTC, ALL_BT).item() == pytest.approx(bounded)
        assert pool.alpha_C.item() == beyond
        pooled_BC = pool.train()(CURVE_BTC, ALL_BT)
        assert pool.alpha_C.item() == math.copysign(2.0, beyond)  # the optimiser goes on from here
        (gradient_C,) = torch.autograd.grad(pooled_BC.sum(), pool.alpha_C)
        assert gradient_C.item() > 0


def test_a_power_below_zero_comes_back() -> None:
    pool = PowerPool(num_classes=1)
    with torch.no_grad():
        pool.power_C.fill_(-3.0)
    pooled_BC = pool(CURVE_BTC, ALL_BT)
    assert pooled_BC.item() == pytest.approx(0.5)
    assert torch.autograd.grad(pooled_BC.sum(), pool.power_C)[0].item() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AutoPool(num_classes=1, max_alpha=0.0), "max_alpha must be above 0, got 0.0"),
        (lambda: AutoPool(num_classes=1, initial_alpha=3.0, max_alpha=2.0), "initial_alpha 3.0 must lie within"),
        (lambda: PowerPool(num_classes=1, initial_power=-1.0), "initial_power must be 0 or more, got -1.0"),
    ],
)
def test_starts_out_of_bounds_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
