"""The paired test over seeds and Holm's correction, against scipy and against the definition."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from experiments.statistics import stats
from experiments.statistics.stats import holm, paired_t, stars, summarise

FIGURES = st.floats(-1, 1).map(lambda value: round(value, 6))
P_VALUES = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.floats(0, 1), max_size=8)


@given(st.lists(st.tuples(FIGURES, FIGURES), min_size=2, max_size=9))
def test_the_paired_t_test_is_scipys(pairs: list[tuple[float, float]]) -> None:
    values, others = ({seed: pair[k] for seed, pair in enumerate(pairs)} for k in (0, 1))
    found = paired_t(values, others)
    assert found is not None
    assert found.n == len(pairs)
    differences = [a - b for a, b in pairs]
    assert found.difference == pytest.approx(sum(differences) / len(pairs))
    if max(differences) - min(differences) > 1e-9:
        expected = scipy_stats.ttest_rel(list(values.values()), list(others.values())).pvalue
        assert found.p == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_only_common_seeds_count_and_without_spread_there_is_no_p() -> None:
    assert paired_t({0: 1.0}, {1: 1.0}) is None
    assert paired_t({0: 1.0, 2: float("nan")}, {0: 0.5, 2: 1.0}) == (0.5, None, 1)
    same = paired_t({0: 0.3, 1: 0.3}, {0: 0.1, 1: 0.1})  # an oracle against a constant: no chance in either
    assert same is not None
    assert same.p is None
    assert same.n == 2


def brute_force_holm(p_values: dict[str, float]) -> dict[str, float]:
    """The smallest level at which Holm's step-down procedure rejects each: tried at all levels that can matter."""
    order = sorted(p_values.values())
    levels = sorted({min(1.0, (len(order) - k) * p) for k, p in enumerate(order)} | {1.0})

    def rejected(level: float) -> set[float]:
        kept = set()
        for k, p in enumerate(order):
            if p * (len(order) - k) > level:
                break
            kept.add(p)
        return kept

    return {name: next((level for level in levels if p in rejected(level)), 1.0) for name, p in p_values.items()}


@given(P_VALUES)
def test_holm_is_the_least_level_that_rejects(p_values: dict[str, float]) -> None:
    assert holm(p_values) == pytest.approx(brute_force_holm(p_values))


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni(p_values: dict[str, float]) -> None:
    for name, adjusted in holm(p_values).items():
        assert p_values[name] <= adjusted <= min(1.0, len(p_values) * p_values[name]) + 1e-15


def test_stars_are_below_their_levels() -> None:
    assert [stars(p) for p in (None, 0.05, 0.0499, 0.01, 0.0099, 0.001, 0.0009)] == [
        "",
        "",
        "*",
        "*",
        "**",
        "**",
        "***",
    ]


def test_summary_of_nothing_is_none() -> None:
    assert summarise([float("nan")]) is None


def test_what_is_not_finite_does_not_count() -> None:
    assert summarise([math.inf, math.nan]) is None
    assert summarise([0.5, -math.inf, math.inf]) == (0.5, None, 1)
    assert paired_t({0: math.inf, 1: math.inf, 2: 1.0}, {0: 0.5, 1: -math.inf, 2: 0.5}) == (0.5, None, 1)
    assert paired_t({0: math.inf}, {0: math.inf}) is None


def test_the_docstrings_examples_hold() -> None:
    assert doctest.testmod(stats).failed == 0
