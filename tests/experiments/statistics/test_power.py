"""What decides a difference: by hand for one part, and intervals, equivalence and power against simulated figures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.statistics.combined_error import CombinedError, Part
from experiments.statistics.power import MOST_SEEDS, Spread, folds_for
from experiments.statistics.resampled_t import fold_differences, over_folds, share_tested
from experiments.statistics.training_spread import TrainedRow, pooled_spread, training_parts
from experiments.statistics.trainings import Training

KNOWN = Spread((Part(2.0, math.inf),), 2, Part(1.0, math.inf), 100)  # one training 4, one unit 100; no estimates
NORMAL = 1.959964 + 0.841621


def test_seeds_and_units_by_hand() -> None:
    """4 / S + 100 / U = (difference / 2.8016)²; units have U - 1 degrees of freedom, which 100 and more hardly show."""
    assert KNOWN.error(num_seeds=4, num_units=400).se == pytest.approx(math.sqrt(1 + 0.25))
    difference = 1.5 * NORMAL * math.sqrt(1.01)
    seeds = KNOWN.seeds_for(difference)
    assert seeds == math.ceil(4 / (1.5**2 - 1.0)) == 4
    assert KNOWN.seeds_for(NORMAL * 0.99) is None  # a hundred units alone leave 2.8
    assert KNOWN.units_for(NORMAL * math.sqrt(2)) is None  # two seeds alone leave 4.0
    units = KNOWN.units_for(NORMAL * math.sqrt(2.5))
    assert units == pytest.approx(200, rel=0.03)
    assert KNOWN.error(num_seeds=2, num_units=units or 0).least_shown() <= NORMAL * math.sqrt(2.5)
    assert KNOWN.error(num_seeds=2, num_units=(units or 0) - 1).least_shown() > NORMAL * math.sqrt(2.5)
    assert KNOWN.seeds_for(1000.0) == 2
    assert Spread((Part(1e9, 2),), 2, Part(0.0, 9), 10).seeds_for(1.0) is None
    assert MOST_SEEDS >= 100


def test_folds_by_hand() -> None:
    """Five folds, of which three train: (1/5 + 1/3) · 2 = 1.0667, and Student's t of 4 degrees: 2.7764 and 0.9410."""
    shown = math.sqrt(16 / 15) * (2.776445 + 0.940965)
    assert folds_for(2.0, shown * 1.0001) == 5
    assert folds_for(2.0, shown * 0.9999) == 6
    assert folds_for(2.0, 1e-3) is None


def test_three_folds_of_two_seeds_by_hand() -> None:
    own = {Training(fold, seed): value for fold, seed, value in [
        ("a", 0, 0.50), ("a", 1, 0.54), ("b", 0, 0.61), ("b", 1, 0.57), ("c", 0, 0.40), ("c", 1, 0.44),
    ]}  # fmt: skip
    base = dict.fromkeys(own, 0.4)
    differences = fold_differences(own, base)
    assert differences == pytest.approx({"a": 0.12, "b": 0.19, "c": 0.02})
    variance = ((0.12 - 0.11) ** 2 + (0.19 - 0.11) ** 2 + (0.02 - 0.11) ** 2) / 2  # 0.0073
    part = over_folds(differences, share=share_tested(80, 40, num_folds=3))
    assert part is not None
    assert (part.variance, part.df) == (pytest.approx((1 / 3 + 1 / 2) * variance), 2)
    error = CombinedError((part,))
    t = 0.11 / math.sqrt(0.8333333 * 0.0073)  # 1.4103
    assert error.p(0.11) == pytest.approx(1 - t / math.sqrt(t * t + 2), rel=1e-5)  # Student's t of two degrees, closed
    low, high = error.interval(0.11)
    assert (low, high) == pytest.approx((0.11 - 4.302653 * 0.0779957, 0.11 + 4.302653 * 0.0779957), rel=1e-5)
    lower = (0.11 + 0.5) / 0.0779957, (0.5 - 0.11) / 0.0779957  # within half: the nearer end is the larger p
    one_sided = [(1 - t / math.sqrt(t * t + 2)) / 2 for t in lower]
    assert error.p_equivalent(0.11, within=0.5) == pytest.approx(max(one_sided), rel=1e-5)
    assert share_tested(None, None, num_folds=3) == 0.5


RUNS = 1500


def test_independent_folds_have_nominal_coverage_and_power() -> None:
    """Without overlap (no share) the test over folds is exact: 95 %, 5 % at the edge of δ, and 80 %, in many tables."""
    rng = np.random.default_rng(0)
    truth = math.sqrt(1 / 4) * (3.182446 + 0.978472)  # of four folds with variance 1
    covered = shown = equal = 0
    for _ in range(RUNS):
        differences = {str(k): float(value) for k, value in enumerate(rng.normal(truth, 1.0, size=4))}
        part = over_folds(differences, share=0.0)
        assert part is not None
        mean = float(np.mean(list(differences.values())))
        half = 3.182446 * math.sqrt(part.variance)
        covered += abs(mean - truth) <= half
        shown += abs(mean) > half
        equal += CombinedError((part,)).p_equivalent(mean, within=truth) < 0.05
    error = 3 * math.sqrt(0.05 * 0.95 / RUNS)
    assert covered / RUNS == pytest.approx(0.95, abs=error)
    assert equal / RUNS <= 0.05 + error
    assert shown / RUNS == pytest.approx(0.8, abs=0.06)  # two quantiles added are not quite the noncentral t's


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_of_seeds_and_units_coverage_is_nominal_or_above(seeds: int) -> None:
    """Six rows of a known spread: one training 4, the test units 1; the first row is the baseline."""
    rng, covered, num = np.random.default_rng(seeds), 0, 300
    for _ in range(num):
        figures_RS = rng.normal(0, 2.0, size=(6, seeds)) + rng.normal(0, math.sqrt(0.5), size=(6, 1))
        rows = [
            TrainedRow({Training(None, s): float(x) for s, x in enumerate(of)},
                       {Training(None, s): frozenset([f"{r} {s}"]) for s in range(seeds)})
            for r, of in enumerate(figures_RS)
        ]  # fmt: skip
        pooled = pooled_spread(rows)
        for row in rows[1:]:
            parts = training_parts(row, rows[0], pooled)
            assert parts is not None
            difference = float(np.mean(list(row.figures.values())) - np.mean(list(rows[0].figures.values())))
            error = CombinedError((*parts, Part(1.0, 99)))
            covered += abs(difference) <= error.se * error.quantile(0.05)
    assert covered / (5 * num) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / num)
