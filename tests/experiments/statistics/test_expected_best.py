"""The expected best of n trials: against every draw with replacement, and what must hold of any figures."""

from __future__ import annotations

import itertools
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.expected_best import budgets, expected_best

FIGURES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12)


@pytest.mark.parametrize("figures", [[0.3], [0.1, 0.4, 0.2], [0.5, 0.5, 0.1, 0.9], [-2.0, 3.5, 0.0, 1.0, 1.0]])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_every_draw_with_replacement(figures: list[float], n: int) -> None:
    draws = list(itertools.product(figures, repeat=n))
    assert expected_best(figures, n, better="higher") == pytest.approx(fmean(map(max, draws)))
    assert expected_best(figures, n, better="lower") == pytest.approx(fmean(map(min, draws)))


@given(FIGURES, st.integers(1, 40))
def test_a_larger_budget_is_never_worse_and_never_beats_the_best(figures: list[float], n: int) -> None:
    slack = 1e-9 * max(1.0, *map(abs, figures))
    now, then = (expected_best(figures, of, better="higher") for of in (n, n + 1))
    assert now <= then + slack
    assert fmean(figures) - slack <= now <= max(figures) + slack
    assert expected_best([-figure for figure in figures], n, better="lower") == pytest.approx(-now, abs=slack)


@given(FIGURES)
def test_one_trial_is_the_mean(figures: list[float]) -> None:
    assert expected_best(figures, 1, better="higher") == pytest.approx(fmean(figures), abs=1e-6)


@pytest.mark.parametrize(("n", "found"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8])])
def test_budgets(n: int, found: list[int]) -> None:
    assert budgets(n) == found
