"""The bootstrap against all draws written out, and what blocks and pairs must do."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.metrics.bootstrap import Bootstrap


def all_draws(errors, lengths):
    """The rate of each of the K^K equally likely draws."""
    errors, lengths = np.array(errors), np.array(lengths)
    return np.array(
        [errors[list(d)].sum() / lengths[list(d)].sum() for d in product(range(len(errors)), repeat=len(errors))]
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=5))
def test_intervals_and_probabilities_approach_those_of_all_draws(utterances):
    one, other, lengths = zip(*utterances, strict=True)
    bootstrap = Bootstrap(num_resamples=20_000, seed=3)
    exact = all_draws(one, lengths)
    low, high = bootstrap.interval(one, lengths)
    for end, lowest, highest in ((low, 0.02, 0.03), (high, 0.97, 0.98)):
        floor = np.quantile(exact, lowest, method="inverted_cdf")
        ceiling = np.quantile(exact, highest, method="inverted_cdf")
        assert floor - 1e-9 <= end <= ceiling + 1e-9
    differences = all_draws(np.array(other) - np.array(one), lengths)
    found = bootstrap.compare(one, other, lengths)
    assert found.probability_better == pytest.approx(np.mean(differences < 0) + np.mean(differences == 0) / 2, abs=0.02)
    assert found.difference == pytest.approx((sum(other) - sum(one)) / sum(lengths))
    swapped = bootstrap.compare(other, one, lengths)
    assert swapped.probability_better == pytest.approx(1 - found.probability_better)
    assert swapped.difference == -found.difference


def test_blocks_of_one_are_no_blocks_and_blocks_that_fail_together_widen_the_interval():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(20), 50)
    errors = rng.binomial(10, np.repeat(rng.uniform(0.05, 0.6, 20), 50))  # a speaker's utterances are alike
    lengths = np.full(1000, 10)
    bootstrap = Bootstrap(num_resamples=4000)
    alone = bootstrap.interval(errors, lengths)
    assert bootstrap.interval(errors, lengths, blocks=[f"u{n}" for n in range(1000)]) == alone
    blocked = bootstrap.interval(errors, lengths, blocks=speakers.tolist())
    assert blocked.high - blocked.low > 3 * (alone.high - alone.low)


def test_the_interval_holds_the_true_rate_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        low, high = Bootstrap(num_resamples=500).interval(rng.binomial(12, 0.25, size=150), np.full(150, 12))
        held += low <= 0.25 <= high
    assert 0.90 <= held / 200 <= 0.99


def test_many_blocks_are_drawn_in_steps_with_the_same_spread():
    counts = np.random.default_rng(2).integers(0, 5, size=(9000, 2))
    sums = Bootstrap(num_resamples=900).sums(counts)  # 8.1 million indices: three steps
    assert sums.shape == (900, 2)
    assert len(np.unique(sums[:, 0])) > 300
    assert sums.mean(axis=0) == pytest.approx(counts.sum(axis=0), rel=2e-3)
    assert sums[:, 0].std() == pytest.approx(np.sqrt(9000) * counts[:, 0].std(), rel=0.1)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others():
    errors, lengths = list(range(40)), [50] * 40
    assert Bootstrap(seed=1).interval(errors, lengths) == Bootstrap(seed=1).interval(errors, lengths)
    assert Bootstrap(seed=1).interval(errors, lengths) != Bootstrap(seed=2).interval(errors, lengths)


def test_equal_systems_are_better_with_probability_one_half():
    assert Bootstrap(num_resamples=10).compare([1, 2], [1, 2], [3, 3]).probability_better == 0.5


def test_what_cannot_be_drawn_is_refused_or_nan():
    with pytest.raises(ValueError, match="1 block to draw from"):
        Bootstrap().interval([1, 2], [3, 3], blocks=["anna", "anna"])
    with pytest.raises(ValueError, match="1 blocks are named for 2 utterances"):
        Bootstrap().interval([1, 2], [3, 3], blocks=["anna"])
    with pytest.raises(ValueError, match="allowed: 1 or more"):
        Bootstrap(num_resamples=0)
    assert all(map(np.isnan, Bootstrap(num_resamples=5).interval([1, 0], [0, 0])))
