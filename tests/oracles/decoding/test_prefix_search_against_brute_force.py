"""Prefix search and the labelling's probability against enumerating every path, and against torch's CTC loss."""

from itertools import groupby, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.decoding.ctc.labelling import align, labelling_log_prob
from lightning_modules.decoding.ctc.prefix_search import prefix_search


def collapse(path, blank):
    return tuple(symbol for symbol, _ in groupby(path) if symbol != blank)


def labellings(log_probs_TV, blank):
    """Every labelling's probability, and the probability of its best path."""
    num_frames, num_symbols = log_probs_TV.shape
    total, best = {}, {}
    for path in product(range(num_symbols), repeat=num_frames):
        prob = float(np.exp(sum(log_probs_TV[t, symbol] for t, symbol in enumerate(path))))
        labelling = collapse(path, blank)
        total[labelling] = total.get(labelling, 0.0) + prob
        best[labelling] = max(best.get(labelling, 0.0), prob)
    return total, best


@st.composite
def posteriors(draw):
    num_symbols = draw(st.integers(2, 4))
    num_frames = draw(st.integers(0, {2: 8, 3: 6, 4: 5}[num_symbols]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Flat, peaky, and of few levels (many exact ties, some zeros).
    probs_TV = random.dirichlet(np.full(num_symbols, draw(st.sampled_from((0.2, 1.0, 5.0)))), num_frames)
    if draw(st.booleans()):
        levels_TV = (
            random.integers(0, 3, probs_TV.shape) + np.eye(num_symbols)[random.integers(0, num_symbols, num_frames)]
        )
        probs_TV = levels_TV / levels_TV.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.log(probs_TV), draw(st.integers(0, num_symbols - 1))


@settings(deadline=None)
@given(posteriors())
def test_without_cuts_it_finds_the_most_probable_labelling(case):
    log_probs_TV, blank = case
    total, _ = labellings(log_probs_TV, blank)
    found = prefix_search(log_probs_TV, blank=blank, blank_threshold=2.0, max_expansions=10**9)
    assert total[found.tokens] == pytest.approx(max(total.values()), rel=1e-9)
    assert np.exp(found.score) == pytest.approx(total[found.tokens], rel=1e-9)
    assert len(found.frames) == len(found.tokens)
    assert list(found.frames) == sorted(set(found.frames))


@settings(deadline=None)
@given(posteriors())
def test_alignments_lie_on_a_best_path(case):
    log_probs_TV, blank = case
    total, best = labellings(log_probs_TV, blank)
    for labelling, prob in best.items():
        assert np.exp(labelling_log_prob(log_probs_TV, labelling, blank=blank)) == pytest.approx(total[labelling])
        if prob == 0:
            continue
        frames = align(log_probs_TV, labelling, blank=blank)
        through = [
            path
            for path in product(range(log_probs_TV.shape[1]), repeat=len(log_probs_TV))
            if collapse(path, blank) == labelling and starts(path, blank) == frames
        ]
        probs = [np.exp(sum(log_probs_TV[t, symbol] for t, symbol in enumerate(path))) for path in through]
        assert max(probs) == pytest.approx(prob)


def starts(path, blank):
    before = (blank, *path)
    return tuple(t for t, symbol in enumerate(path) if symbol != blank and symbol != before[t])


@pytest.mark.parametrize("blank", [0, 3])
def test_the_labellings_probability_is_torchs_ctc_loss(blank):
    random = np.random.default_rng(blank)
    for num_tokens in (0, 1, 7, 12):
        logits_TV = torch.from_numpy(random.normal(size=(30, 5)))
        tokens = [token + (token >= blank) for token in random.integers(0, 4, num_tokens).tolist()]
        log_probs_TV = logits_TV.log_softmax(dim=-1)
        loss = torch.nn.functional.ctc_loss(
            log_probs_TV, torch.tensor(tokens, dtype=torch.long), (30,), (num_tokens,), blank=blank, reduction="sum"
        )
        assert labelling_log_prob(log_probs_TV.numpy(), tokens, blank=blank) == pytest.approx(-float(loss), rel=1e-9)
