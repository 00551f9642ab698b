"""CTC prefix scores against sums over all paths, and on long inputs against the paper's algorithm in logarithms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer, CtcState
from lightning_modules.decoding.ctc.labelling import labelling_log_prob

Lattice = NDArray[np.float64]


def collapsed(path: Sequence[int]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def state_of(scorer: CtcPrefixScorer, texts: Sequence[Sequence[int]]) -> CtcState:
    """One text of equal length an utterance, W = 1."""
    state = scorer.start()
    for tokens in zip(*texts, strict=True):
        state = scorer.extend(state, np.zeros((len(texts), 1), np.int64), np.array(tokens)[:, None])
    return state


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    """Log posteriors (T, V) of up to 5 frames, some of them with impossible symbols."""
    num_symbols = draw(st.integers(2, 4))
    weight = st.sampled_from((0.0, 1e-30, 0.001, 0.1, 0.3, 1.0, 1.0)) | st.floats(0.001, 1)
    rows = st.lists(weight, min_size=num_symbols, max_size=num_symbols).filter(any)
    probs_TV = np.array(draw(st.lists(rows, max_size=5))).reshape(-1, num_symbols)
    with np.errstate(divide="ignore"):
        return np.log(probs_TV / probs_TV.sum(axis=1, keepdims=True))


@settings(max_examples=150, deadline=None)
@given(lattices(), st.lists(st.integers(1, 3), max_size=4))
def test_every_continuation_has_its_exact_probability(log_probs_TV: Lattice, text: list[int]) -> None:
    num_frames, num_symbols = log_probs_TV.shape
    text = [min(token, num_symbols - 1) for token in text]
    scorer = CtcPrefixScorer(log_probs_TV[None], [num_frames])
    [[found_V]] = np.exp(scorer.log_probs(state_of(scorer, [text])))
    expected_V = np.zeros(num_symbols)
    for path in itertools.product(range(num_symbols), repeat=num_frames):
        labelling = collapsed(path)
        if list(labelling[: len(text)]) == text:
            place = 0 if len(labelling) == len(text) else labelling[len(text)]
            expected_V[place] += math.exp(sum(log_probs_TV[t, symbol] for t, symbol in enumerate(path)))
    assert found_V == pytest.approx(expected_V, rel=1e-9, abs=1e-300)


def by_the_paper(log_probs_TV: Lattice, text: Sequence[int]) -> Lattice:
    """Watanabe et al. 2017, algorithm 2, for all next tokens, in logarithms throughout."""
    num_frames = len(log_probs_TV)
    in_token_T = np.full(num_frames + 1, -np.inf)
    in_blank_T = np.concatenate([[0.0], np.cumsum(log_probs_TV[:, 0])])
    last = 0
    for token in text:
        phi_T = in_blank_T if token == last else np.logaddexp(in_blank_T, in_token_T)
        in_token_T, in_blank_T = np.full(num_frames + 1, -np.inf), np.full(num_frames + 1, -np.inf)
        for t in range(num_frames):
            in_token_T[t + 1] = np.logaddexp(in_token_T[t], phi_T[t]) + log_probs_TV[t, token]
            in_blank_T[t + 1] = np.logaddexp(in_token_T[t], in_blank_T[t]) + log_probs_TV[t, 0]
        last = token
    whole_T = np.logaddexp(in_token_T, in_blank_T)
    scores_V = np.logaddexp.reduce(whole_T[:-1, None] + log_probs_TV, axis=0)
    if last:
        scores_V[last] = np.logaddexp.reduce(in_blank_T[:-1] + log_probs_TV[:, last])
    scores_V[0] = whole_T[-1]
    return scores_V


@pytest.mark.parametrize("spread", [1.0, 10.0, 60.0])
def test_long_inputs_do_not_underflow(spread: float) -> None:
    rng = np.random.default_rng(int(spread))
    logits_TV = torch.from_numpy(spread * rng.normal(size=(2000, 5)))
    log_probs_TV = logits_TV.log_softmax(-1).numpy()
    scorer = CtcPrefixScorer(log_probs_TV[None], [2000])
    text = rng.integers(1, 5, 150).tolist()
    for length in (0, 1, 20, 150):
        [[found_V]] = scorer.log_probs(state_of(scorer, [text[:length]]))
        assert found_V == pytest.approx(by_the_paper(log_probs_TV, text[:length]), rel=1e-9)
        assert found_V[0] == pytest.approx(labelling_log_prob(log_probs_TV, text[:length]), rel=1e-9)


def test_padding_and_company_change_no_bit() -> None:
    rng = np.random.default_rng(0)
    log_probs_BTV = np.log(rng.dirichlet(np.ones(6), (3, 40)))
    lengths_B = [40, 0, 23]
    texts = rng.integers(1, 6, (3, 4)).tolist()
    together = CtcPrefixScorer(torch.from_numpy(log_probs_BTV), torch.tensor(lengths_B))
    state = state_of(together, texts)
    found_BWV = together.log_probs(state)
    for b, length in enumerate(lengths_B):
        alone = CtcPrefixScorer(log_probs_BTV[b : b + 1, :length], [length])
        np.testing.assert_allclose(found_BWV[b], alone.log_probs(state_of(alone, texts[b : b + 1]))[0], rtol=1e-12)
        row = np.array([b])
        np.testing.assert_array_equal(found_BWV[b], together.rows(row).log_probs(state.rows(row))[0])


def test_many_hypotheses_are_each_scored_as_alone() -> None:
    rng = np.random.default_rng(1)
    scorer = CtcPrefixScorer(np.log(rng.dirichlet(np.ones(4), (1, 12))), [12])
    state, texts = scorer.start(), [()]
    for _ in range(4):
        parents, tokens = rng.integers(0, len(texts), 7), rng.integers(1, 4, 7)
        texts = [(*texts[parent], token) for parent, token in zip(parents.tolist(), tokens.tolist(), strict=True)]
        state = scorer.extend(state, parents[None], tokens[None])
    [found_WV] = scorer.log_probs(state)
    for text, found_V in zip(texts, found_WV, strict=True):
        np.testing.assert_allclose(found_V, scorer.log_probs(state_of(scorer, [text]))[0, 0], rtol=1e-12)


@pytest.mark.parametrize(
    ("log_probs_BTV", "num_frames_B", "message"),
    [
        (np.zeros((2, 3)), [1, 1], r"log_probs_BTV \(2, 3\) and num_frames_B \(2,\), allowed: \(B, T, V\) and \(B,\)"),
        (np.zeros((1, 3, 2)), [4], r"num_frames_B \[4\], allowed: 0 to 3 frames"),
        (np.full((1, 3, 2), np.nan), [3], "log_probs_BTV holds NaN, allowed: natural-log posteriors, 0 at most"),
    ],
)
def test_refuses_what_does_not_fit(log_probs_BTV: Lattice, num_frames_B: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CtcPrefixScorer(log_probs_BTV, num_frames_B)
