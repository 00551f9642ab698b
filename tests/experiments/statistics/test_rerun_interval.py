"""Intervals of another mean: by hand, against scipy's own t, and left by chance as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from experiments.statistics.rerun_interval import CHANCE, RerunInterval, rerun_interval
from experiments.statistics.stats import Summary, summarise


def test_by_hand() -> None:
    few = rerun_interval(Summary(0.4, 0.3, 4), floor=0.005)
    assert few == pytest.approx((0.3, 0.5, "share", 4))
    assert rerun_interval(Summary(0.4, None, 1), floor=0.005) == pytest.approx((0.3, 0.5, "share", 1))
    assert rerun_interval(Summary(0.01, 0.003, 2), floor=0.005) == pytest.approx((0.005, 0.015, "floor", 2))
    assert rerun_interval(Summary(-8.0, 1.0, 2), floor=0.1) == pytest.approx((-10.0, -6.0, "share", 2))
    assert rerun_interval(Summary(0.4, 0.0, 2), floor=0.005) == pytest.approx((0.395, 0.405, "floor", 2))
    assert rerun_interval(Summary(0.4, 0.0, 9), floor=0.005) == pytest.approx((0.395, 0.405, "floor", 9))


def test_what_folds_differ_in_widens_nothing() -> None:
    found = rerun_interval(Summary(0.4, 0.3, 5), floor=0.005, over_folds=True)
    assert found == pytest.approx((0.3, 0.5, "share", 5))
    assert not found.is_blind
    assert rerun_interval(Summary(0.4, 0.3, 5), floor=0.005).is_blind


@pytest.mark.parametrize("n", [5, 6, 15])
def test_the_spread_of_five_or_more_gives_a_prediction_interval(n: int) -> None:
    found = rerun_interval(Summary(0.3, 0.02, n), floor=0.005)
    half = scipy_stats.t.ppf(1 - CHANCE / 2, n - 1) * 0.02 * math.sqrt(1 / n + 1 / n)
    assert found == pytest.approx((0.3 - half, 0.3 + half, "spread", n))


@pytest.mark.parametrize("n", [5, 8])
def test_means_leave_by_chance_as_often_as_is_said(n: int) -> None:
    """20,000 pairs of n runs of one distribution: within 3 standard errors of 1 %."""
    random, trials = np.random.default_rng(0), 20_000
    before, after = random.normal(0.3, 0.05, (2, trials, n))
    left = 0
    for of, mean in zip(before.tolist(), after.mean(axis=1).tolist(), strict=True):
        summary = summarise(of)
        assert summary is not None
        low, high, _, _ = rerun_interval(summary, floor=0.0)
        left += not low <= mean <= high
    assert abs(left / trials - CHANCE) <= 3 * math.sqrt(CHANCE * (1 - CHANCE) / trials)


@pytest.mark.parametrize(
    ("low", "high", "blind"),
    [(0.2, 0.4, True), (0.201, 0.399, False), (-0.005, 0.005, False), (-4.0, -2.0, True), (0.0125, 0.2789, True)],
)
def test_blind_to_a_loss_of_a_third(low: float, high: float, blind: bool) -> None:
    assert RerunInterval(low, high, None, None).is_blind is blind
