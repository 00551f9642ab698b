"""The error of a difference by trainings and test units: against scipy where there is one part, and by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from experiments.statistics.combined_error import CombinedError, Part
from experiments.statistics.training_spread import TrainedRow, pooled_spread, training_parts
from experiments.statistics.trainings import Training


@given(st.floats(0.01, 50), st.integers(1, 200), st.floats(0.01, 40))
def test_of_one_part_it_is_students_t(variance: float, df: int, difference: float) -> None:
    error = CombinedError((Part(variance, df),))
    t = difference / math.sqrt(variance)
    assert error.p(difference) == pytest.approx(2 * scipy_stats.t.sf(t, df), rel=1e-6, abs=1e-250)
    assert error.quantile(0.05) == pytest.approx(scipy_stats.t.isf(0.025, df))
    low, high = error.interval(difference)
    assert (low > 0) == (error.p(difference) < 0.05)
    assert (low + high) / 2 == pytest.approx(difference)


def test_a_quantile_is_weighted_by_shares_of_the_variance() -> None:
    error = CombinedError((Part(3.0, 1), Part(1.0, math.inf)))
    assert error.se == 2.0
    by_hand = 0.75 * 12.7062 + 0.25 * 1.95996
    assert error.quantile(0.05) == pytest.approx(by_hand, rel=1e-5)
    assert error.p(2.0 * by_hand) == pytest.approx(0.05, rel=1e-4)


def test_without_any_chance_a_difference_is_sure() -> None:
    nothing = CombinedError((Part(0.0, 4), Part(0.0, 99)))
    assert (nothing.p(0.1), nothing.p(0.0), nothing.quantile(0.05)) == (0.0, 1.0, 0.0)


def test_equivalence_is_of_two_one_sided_tests() -> None:
    error = CombinedError((Part(1.0, 10),))
    assert error.p_equivalent(0.5, within=3.0) == pytest.approx(scipy_stats.t.sf(2.5, 10))
    assert error.p_equivalent(-0.5, within=3.0) == pytest.approx(scipy_stats.t.sf(2.5, 10))
    assert error.p_equivalent(4.0, within=3.0) == pytest.approx(scipy_stats.t.cdf(1.0, 10))
    low, high = error.interval(1.0, level=0.1)
    for within in (2.7, 2.9):  # 1 + 1.812 lies between: equal at 5 % where the 90 % interval lies inside
        assert (error.p_equivalent(1.0, within=within) < 0.05) == (-within < low and high < within)


def row(*figures: float, origin: str | None = None) -> TrainedRow:
    values = {Training(None, seed): figure for seed, figure in enumerate(figures)}
    return TrainedRow(values, {of: frozenset([f"{origin} {of.seed}"] if origin else []) for of in values})


def test_a_row_has_the_pooled_spread_or_its_own_larger_one() -> None:
    calm, noisy, one = row(1.0, 3.0, origin="a"), row(0.0, 8.0, origin="b"), row(5.0, origin="c")
    pooled = pooled_spread([calm, noisy, one])
    assert (pooled.variance, pooled.df) == (17.0, 2)  # of 2 and 32
    assert training_parts(calm, noisy, pooled) == (Part(8.5, 2), Part(16.0, 1))
    assert training_parts(calm, one, pooled) is None  # one training says nothing of others


def test_a_row_far_noisier_than_the_rest_is_not_pooled() -> None:
    calm = [row(1.0, 1.0 + step, 1.0 - step, origin=f"calm{step}") for step in (0.5, 0.6, 0.7)]
    wild = row(1.0, 31.0, 61.0, origin="wild")  # variance 900
    wilder = row(1.0, 101.0, 201.0, origin="wilder")  # 10,000, against 64 pooled of the others
    pooled = pooled_spread([*calm, wild, wilder])
    assert pooled == pooled_spread(calm)
    assert training_parts(calm[0], wild, pooled) == (Part(pooled.variance / 3, 6), Part(300.0, 2))
    # Cochran's critical value at 1 % of four variances with two degrees of freedom is .864 (Dixon & Massey, table A-17)
    for share, kept in ((0.855, True), (0.873, False)):
        others = [row(0.0, 1.0, -1.0, origin=f"o{number}") for number in range(3)]  # variance 1 each
        own = 3 * share / (1 - share)
        fourth = row(0.0, own**0.5, -(own**0.5), origin="fourth")
        assert (pooled_spread([*others, fourth]).df == 8) is kept
    assert pooled_spread([row(1.0, 1.0, origin="same"), calm[0]]).df == 3  # none at all is no measure of others


def test_rows_of_the_same_trainings_are_compared_training_by_training() -> None:
    greedy, beam, other = row(1.0, 3.0, origin="a"), row(0.5, 2.7, origin="a"), row(2.0, 2.0, origin="b")
    pooled = pooled_spread([greedy, beam, other])
    assert pooled.df == 2  # two trainings of a, two of b
    (part,) = training_parts(greedy, beam, pooled) or ()
    assert part.df == 1
    assert part.variance == pytest.approx(0.02 / 2)  # of the differences 0.5 and 0.3


def test_what_nothing_was_trained_for_has_no_spread() -> None:
    constant, trained = row(5.0), row(1.0, 3.0, origin="a")
    pooled = pooled_spread([constant, trained])
    assert training_parts(constant, trained, pooled) == (Part(1.0, 1),)
    assert training_parts(constant, row(5.0), pooled) == ()
