"""Prefix search on longer utterances: sections, the bound on the work, batches. Exactness: tests/oracles."""

import doctest

import numpy as np
import pytest
import torch

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.ctc import labelling
from lightning_modules.decoding.ctc import prefix_search as module
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.ctc.labelling import align, labelling_log_prob
from lightning_modules.decoding.ctc.prefix_search import prefix_search, prefix_search_batch


def utterance(num_frames, *, spread, seed, num_symbols=12):
    """Spikes over blanks; the larger ``spread``, the flatter."""
    random = np.random.default_rng(seed)
    logits_TV = random.normal(size=(num_frames, num_symbols))
    logits_TV[:, 0] += 14.0
    spikes = np.arange(3, num_frames, 6)
    logits_TV[spikes, random.integers(1, num_symbols, len(spikes))] += random.uniform(10, 20, len(spikes))
    logits_TV = torch.from_numpy(logits_TV / spread)
    return logits_TV.log_softmax(dim=-1).float().numpy()


def test_sections_are_searched_apart_and_joined_in_order():
    log_probs_TV = utterance(60, spread=1.0, seed=0)
    sure = 30
    log_probs_TV[sure] = np.log(1e-9)
    log_probs_TV[sure, 0] = np.log1p(-1e-8)
    whole = prefix_search(log_probs_TV)
    halves = [prefix_search(log_probs_TV[:sure]), prefix_search(log_probs_TV[sure + 1 :])]
    assert whole.tokens == halves[0].tokens + halves[1].tokens
    assert whole.score == pytest.approx(labelling_log_prob(log_probs_TV, whole.tokens), rel=1e-12)
    assert whole.frames == align(log_probs_TV, whole.tokens)
    assert prefix_search_batch(log_probs_TV[None], np.array([60])).num_sections >= 2


def test_a_label_repeated_across_a_sure_blank_stays_twice():
    log_probs_TV = np.log([[0.1, 0.9], [0.99999, 0.00001], [0.2, 0.8]])
    assert prefix_search(log_probs_TV).tokens == (1, 1)


@pytest.mark.parametrize("spread", [1.0, 3.0, 8.0])
def test_flat_posteriors_take_bounded_work_and_beat_best_path(spread):
    rows = np.stack([utterance(150, spread=spread, seed=seed) for seed in range(4)])
    found = prefix_search_batch(rows, np.full(4, 150), max_expansions=100)
    assert (found.num_unfinished > 0) == (spread > 1)
    for log_probs_TV, hypothesis, path in zip(rows, found.hypotheses, greedy(rows, [150] * 4), strict=True):
        assert hypothesis.score >= labelling_log_prob(log_probs_TV, path.tokens) - 1e-9
        assert hypothesis.score == pytest.approx(labelling_log_prob(log_probs_TV, hypothesis.tokens))
    if spread == 8.0:  # so flat that a sum over paths and the best path are far apart
        gains = [
            h.score - labelling_log_prob(x, p.tokens)
            for h, x, p in zip(found.hypotheses, rows, greedy(rows, [150] * 4), strict=True)
        ]
        assert sum(gains) > 0.1


def test_an_utterance_beyond_doubles_is_decoded():
    log_probs_TV = np.full((700, 64), -np.log(64), dtype=np.float32)  # best path has 64^-700
    found = prefix_search(log_probs_TV, max_expansions=10)
    assert np.isfinite(found.score)


def test_batches_tensors_and_padding_change_nothing():
    rows = np.stack([utterance(80, spread=1.5, seed=seed) for seed in range(3)])
    lengths = np.array([80, 33, 0])
    found = prefix_search_batch(torch.from_numpy(rows), torch.from_numpy(lengths)).hypotheses
    assert found == [prefix_search(row[:length]) for row, length in zip(rows, lengths, strict=True)]
    assert found[2].tokens == ()
    assert found[2].score == 0.0


def test_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"blank 3, allowed: \(T, V\) and 0 <= blank < V"):
        prefix_search(np.zeros((4, 3)), blank=3)


def test_tells_nan_and_reads_nothing_where_nothing_is_possible():
    with pytest.raises(ValueError, match="holds NaN"):
        prefix_search(np.array([[-0.1, np.nan]]))
    assert prefix_search(np.array([[-0.7, -0.7], [-np.inf, -np.inf]])) == Hypothesis((), -np.inf, ())


def test_doctests():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(labelling).failed == 0
