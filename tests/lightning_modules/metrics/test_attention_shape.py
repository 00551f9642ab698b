"""The shape of alignments against correlations of drawn pairs, and on alignments whose shape is known."""

from __future__ import annotations

from math import isnan, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.metrics.attention_shape import attention_entropy, attention_shape, diagonality


def weights(seed, num_tokens, num_frames, sharpness=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(num_frames, 1 / sharpness), size=num_tokens)


@pytest.mark.parametrize("seed", range(3))
def test_diagonality_is_the_correlation_of_pairs_drawn_by_the_weights(seed):
    weights_UT = weights(seed, 6, 9, sharpness=4.0)
    counts_UT = np.round(weights_UT * 20_000).astype(int)
    pairs = [(u, t) for u in range(6) for t in range(9) for _ in range(counts_UT[u, t])]
    assert diagonality(weights_UT) == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1], abs=1e-3)


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 12))
def test_figures_stay_in_their_ranges_and_turn_with_the_order_of_tokens(seed, num_tokens, num_frames):
    weights_UT = weights(seed, num_tokens, num_frames, sharpness=3.0)
    assert -1 - 1e-9 <= diagonality(weights_UT) <= 1 + 1e-9
    assert diagonality(weights_UT[::-1]) == pytest.approx(-diagonality(weights_UT), abs=1e-9)
    assert diagonality(weights_UT[:, ::-1]) == pytest.approx(-diagonality(weights_UT), abs=1e-9)
    assert 0 <= attention_entropy(weights_UT) <= 1 + 1e-9
    assert attention_entropy(weights_UT[::-1]) == pytest.approx(attention_entropy(weights_UT))


@given(st.integers(2, 40))
def test_one_frame_a_token_in_order_is_the_best_there_is(length):
    assert diagonality(np.eye(length)) == pytest.approx(1.0)
    assert attention_entropy(np.eye(length)) == 0.0


def test_attention_that_does_not_move_has_no_diagonal():
    assert diagonality(np.full((5, 20), 1 / 20)) == pytest.approx(0.0, abs=1e-9)
    assert diagonality(np.eye(20)[[7] * 5]) == 0.0  # one frame for ever
    drift_UT = np.full((5, 20), 1 / 20) + np.linspace(-1e-4, 1e-4, 5)[:, None] * np.linspace(-1, 1, 20)
    assert diagonality(drift_UT) < 0.01  # expected frames alone would say 1
    assert attention_entropy(np.full((5, 20), 1 / 20)) == pytest.approx(1.0)


def test_a_pause_costs_little_and_a_broad_look_more():
    walk_UT = np.eye(40)[[1, 3, 4, 6, 8, 26, 29, 31, 35, 38]]
    assert 0.94 < diagonality(walk_UT) < 1
    broad_UT = 0.5 * walk_UT + 0.5 / 40
    assert 0.4 < diagonality(broad_UT) < 0.6


def test_entropy_is_of_each_row():
    weights_UT = weights(0, 4, 7).astype(np.float32)
    expected = [-sum(float(w) * log(w) for w in row) / log(7) for row in weights_UT]
    assert attention_entropy(weights_UT) == pytest.approx(np.mean(expected), rel=1e-5)


def test_what_is_undefined_is_nan_and_left_out_of_a_split():
    assert isnan(diagonality(np.ones((1, 1))))
    assert isnan(diagonality(np.full((1, 4), 0.25)))
    assert isnan(attention_entropy(np.ones((3, 1))))
    assert isnan(attention_entropy(np.ones((0, 3))))
    assert attention_shape([]) == {}
    assert attention_shape([np.full((1, 4), 0.25)]) == {"attention_entropy": 1.0}
    figures = attention_shape([np.eye(3), np.full((1, 4), 0.25), np.eye(3)[::-1]])
    assert figures == pytest.approx({"attention_diagonality": 0.0, "attention_entropy": 1 / 3}, abs=1e-9)
