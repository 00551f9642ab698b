"""Forced alignment against the best of all V^T paths that collapse to the text, one after another."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightning_modules.decoding.ctc.forced_alignment import NoAlignmentError, forced_alignment, forced_alignments

Lattice = NDArray[np.float64]


def collapsed(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)


def paths_of(weights_TV: Lattice, tokens: tuple[int, ...], blank: int) -> dict[tuple[int, ...], float]:
    """Every path of the text with a weight above -inf."""
    num_frames, num_symbols = weights_TV.shape
    weights = {
        path: math.fsum(weights_TV[t, symbol] for t, symbol in enumerate(path))
        for path in itertools.product(range(num_symbols), repeat=num_frames)
        if collapsed(path, blank) == tokens
    }
    return {path: weight for path, weight in weights.items() if weight > -math.inf}


def path_of(alignment, num_frames: int, blank: int) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    path = [blank] * num_frames
    for token in alignment.tokens:
        path[token.first_frame : token.last_frame + 1] = [token.token] * (token.last_frame - token.first_frame + 1)
    return tuple(path)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Lattice, tuple[int, ...], int, NDArray[np.float64] | None]:
    """Log posteriors with ties and impossible symbols, a text, the blank, and perhaps log priors."""
    num_frames, num_symbols = draw(st.integers(0, 6)), draw(st.integers(2, 4))
    blank = draw(st.integers(0, num_symbols - 1))
    weight = st.sampled_from((0.0, 0.1, 0.5, 1.0, 1.0)) | st.floats(0.001, 1)
    rows = st.lists(weight, min_size=num_symbols, max_size=num_symbols).filter(any)
    probs_TV = np.array(draw(st.lists(rows, min_size=num_frames, max_size=num_frames))).reshape(-1, num_symbols)
    tokens = draw(st.lists(st.integers(0, num_symbols - 1).filter(lambda token: token != blank), max_size=4))
    priors = draw(st.none() | st.lists(st.floats(0.01, 1), min_size=num_symbols, max_size=num_symbols))
    with np.errstate(divide="ignore"):
        log_probs_TV = np.log(probs_TV / probs_TV.sum(axis=1, keepdims=True))
    return log_probs_TV, tuple(tokens), blank, None if priors is None else np.log(priors)


@settings(deadline=None, max_examples=150)
@given(cases(), st.floats(0, 2))
def test_best_path(case: tuple[Lattice, tuple[int, ...], int, NDArray[np.float64] | None], scale: float) -> None:
    log_probs_TV, tokens, blank, log_priors_V = case
    weights_TV = log_probs_TV if log_priors_V is None else log_probs_TV - scale * log_priors_V
    paths = paths_of(weights_TV, tokens, blank)
    if not paths:
        with pytest.raises(NoAlignmentError, match="frames"):
            forced_alignment(log_probs_TV, tokens, blank=blank, log_priors_V=log_priors_V, prior_scale=scale)
        return
    alignment = forced_alignment(log_probs_TV, tokens, blank=blank, log_priors_V=log_priors_V, prior_scale=scale)
    path = path_of(alignment, len(log_probs_TV), blank)
    best = max(paths.values())
    assert paths[path] == pytest.approx(best, abs=1e-9)
    said_T = log_probs_TV[np.arange(len(path)), list(path)]
    assert alignment.log_prob == pytest.approx(math.fsum(said_T), abs=1e-9)
    assert tuple(token.token for token in alignment.tokens) == tokens
    for token in alignment.tokens:
        own_T = said_T[token.first_frame : token.last_frame + 1]
        assert token.log_prob == pytest.approx(math.fsum(own_T), abs=1e-9)
        assert token.spike_log_prob == own_T.max()
        assert token.spike_frame == token.first_frame + int(own_T.argmax())


def test_equal_paths_end_in_the_earliest_tokens() -> None:
    flat_TV = np.log(np.full((4, 2), 0.5))
    [token] = forced_alignment(flat_TV, [1]).tokens
    assert (token.first_frame, token.last_frame) == (0, 0)
    first, second = forced_alignment(flat_TV, [1, 1]).tokens
    assert (first.first_frame, first.last_frame, second.first_frame, second.last_frame) == (0, 0, 2, 2)


def test_priors_make_tokens_reach_over_more_of_their_frames() -> None:
    peaky_TV = np.log([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.9, 0.1]])
    [plain] = forced_alignment(peaky_TV, [1]).tokens
    [wide] = forced_alignment(peaky_TV, [1], log_priors_V=np.log([0.8, 0.2])).tokens
    assert (plain.first_frame, plain.last_frame) == (1, 1)
    assert (wide.first_frame, wide.last_frame) == (1, 2)
    assert wide.log_prob == pytest.approx(math.log(0.8 * 0.3))  # without the priors


def test_rows_of_a_batch_do_not_see_their_padding() -> None:
    random = np.random.default_rng(0)
    log_probs_BTV = np.log(random.dirichlet(np.ones(3), size=(2, 7)))
    log_probs_BTV[1, 4:] = np.nan
    both = forced_alignments(log_probs_BTV, [7, 4], [[1, 2, 1], [2, 2]])
    assert both == [forced_alignment(log_probs_BTV[0], [1, 2, 1]), forced_alignment(log_probs_BTV[1, :4], [2, 2])]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([1, 1], "2 frames for 2 tokens, which need 3 or more"),
        ([0], "token 0, allowed: 0 to 1 other than the blank 0"),
        ([2], "token 2, allowed"),
    ],
)
def test_what_does_not_fit_is_refused(tokens: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        forced_alignment(np.log(np.full((2, 2), 0.5)), tokens)


def test_logits_and_wrong_priors_are_refused() -> None:
    with pytest.raises(ValueError, match="of raw logits take log_softmax"):
        forced_alignment(np.array([[3.0, 1.0]]), [1])
    with pytest.raises(ValueError, match="allowed: 2 finite numbers"):
        forced_alignment(np.log([[0.5, 0.5]]), [1], log_priors_V=np.zeros(3))
