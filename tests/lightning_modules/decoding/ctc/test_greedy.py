"""Best path against a frame-by-frame loop, over batches, blanks, arrays and tensors."""

import doctest
from itertools import groupby

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.ctc import greedy as module
from lightning_modules.decoding.ctc.greedy import greedy


def loop(log_probs_TV, blank):
    tokens, frames, score = [], [], 0.0
    best = [int(np.argmax(row)) for row in log_probs_TV]
    for symbol, run in groupby(range(len(best)), key=lambda t: best[t]):
        run = list(run)
        score += sum(float(log_probs_TV[t, symbol]) for t in run)
        if symbol != blank:
            tokens.append(symbol)
            frames.append(run[0])
    return tuple(tokens), tuple(frames), score


@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    num_symbols=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_equals_a_loop_for_any_blank_batch_and_padding(lengths, num_symbols, seed, data):
    blank = data.draw(st.integers(0, num_symbols - 1))
    random = np.random.default_rng(seed)
    probs_BTV = random.integers(0, 3, (len(lengths), 9, num_symbols)) + 1e-3  # few levels: many ties
    log_probs_BTV = np.log(probs_BTV / probs_BTV.sum(axis=-1, keepdims=True)).astype(np.float32)
    found = greedy(log_probs_BTV, lengths, blank=blank)
    for row, length in enumerate(lengths):
        tokens, frames, score = loop(log_probs_BTV[row, :length], blank)
        assert found[row].tokens == tokens
        assert found[row].frames == frames
        assert found[row].score == pytest.approx(score, abs=1e-5)
        assert greedy(log_probs_BTV[row : row + 1, :length], [length], blank=blank) == [found[row]]
    tensors = greedy(torch.from_numpy(log_probs_BTV), torch.tensor(lengths), blank=blank)
    assert tensors == found


def test_takes_empty_batches_and_utterances():
    assert greedy(np.zeros((0, 4, 3)), []) == []
    assert greedy(np.zeros((1, 0, 3)), [0]) == [Hypothesis((), 0.0, ())]


@pytest.mark.parametrize(
    ("lengths", "blank", "told"),
    [([5], 0, r"num_frames_B \[5\], allowed: 0 to 4 frames"), ([4], 3, "blank 3, allowed: 0 to 2"), ([4, 4], 0, "B,")],
)
def test_names_what_does_not_fit(lengths, blank, told):
    with pytest.raises(ValueError, match=told):
        greedy(np.zeros((1, 4, 3)), lengths, blank=blank)


def test_names_the_row_with_nan_but_not_one_in_the_padding():
    log_probs_BTV = np.zeros((3, 4, 2))
    log_probs_BTV[2, 3] = np.nan
    assert len(greedy(log_probs_BTV, [4, 4, 3])) == 3
    for given_BTV in (log_probs_BTV, torch.from_numpy(log_probs_BTV)):
        with pytest.raises(ValueError, match="row 2 of log_probs_BTV holds NaN"):
            greedy(given_BTV, [4, 4, 4])


def test_doctest():
    assert doctest.testmod(module).failed == 0
