"""Prefix beam search: edges, any blank, ties, batches, threads, what is refused; language models in batches."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lightning_modules.decoding.ctc.fusing import AnyLanguageModel
from lightning_modules.decoding.ctc.labelling import align, labelling_log_prob
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.word_ngram import WordNgram
from lightning_modules.lm.ngram import estimate_ngrams


def random_log_probs(seed: int, *shape: int, sharpness: float = 2.0) -> NDArray[np.float32]:
    logits = np.random.default_rng(seed).normal(0, sharpness, shape)
    return np.asarray(torch.log_softmax(torch.as_tensor(logits), dim=-1).numpy(), np.float32)


def test_score_and_frames_are_those_of_the_labelling_where_nothing_falls_out_of_the_beam() -> None:
    log_probs_TV = random_log_probs(0, 5, 3)
    found = prefix_beam_search(log_probs_TV[None], [5], beam_size=200, n_best=200)[0]
    assert len(found) == len({hypothesis.tokens for hypothesis in found})
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert math.isclose(sum(math.exp(h.score) for h in found), 1, rel_tol=1e-6)  # every labelling is there
    for hypothesis in found:
        assert math.isclose(hypothesis.score, labelling_log_prob(log_probs_TV, hypothesis.tokens), rel_tol=1e-9)
        assert hypothesis.frames == align(log_probs_TV, hypothesis.tokens)
        assert hypothesis.ctc_score is None


def test_a_narrow_beam_finds_a_part_of_the_mass_and_never_more() -> None:
    log_probs_TV = random_log_probs(1, 30, 8)
    scores = []
    for beam_size in (1, 2, 5, 25, 125):
        [hypothesis] = prefix_beam_search(log_probs_TV[None], [30], beam_size=beam_size)
        exact = labelling_log_prob(log_probs_TV, hypothesis.tokens)
        assert hypothesis.score <= exact + 1e-9
        scores.append(exact)
    assert scores[0] < scores[-1]


@pytest.mark.parametrize("blank", [1, 4])
def test_any_token_may_be_the_blank(blank: int) -> None:
    log_probs_BTV = random_log_probs(2, 3, 20, 5)
    columns = [blank, *(token for token in range(5) if token != blank)]  # of the array with blank 0
    moved = prefix_beam_search(log_probs_BTV, [20, 7, 13], beam_size=20, blank=blank)
    plain = prefix_beam_search(log_probs_BTV[..., columns], [20, 7, 13], beam_size=20)
    for ours, first in zip(moved, plain, strict=True):
        assert ours.tokens == tuple(columns[token] for token in first.tokens)
        assert (ours.score, ours.frames) == (first.score, first.frames)


def test_neither_batch_nor_threads_nor_padding_nor_kind_of_array_change_anything() -> None:
    log_probs_BTV, num_frames_B = random_log_probs(3, 9, 40, 12), [40, 0, 1, 39, 17, 40, 8, 3, 22]
    together = prefix_beam_search(log_probs_BTV, num_frames_B, beam_size=16, n_best=4, num_threads=1)
    assert prefix_beam_search(log_probs_BTV, num_frames_B, beam_size=16, n_best=4, num_threads=4) == together
    tensors = torch.from_numpy(log_probs_BTV).requires_grad_(), torch.tensor(num_frames_B)
    assert prefix_beam_search(*tensors, beam_size=16, n_best=4) == together
    padded_BTV = np.full_like(log_probs_BTV, np.nan)
    for row, num_frames in enumerate(num_frames_B):
        padded_BTV[row, :num_frames] = log_probs_BTV[row, :num_frames]
        alone = log_probs_BTV[row : row + 1, :num_frames]
        assert prefix_beam_search(alone, [num_frames], beam_size=16, n_best=4) == together[row : row + 1]
    assert prefix_beam_search(padded_BTV, num_frames_B, beam_size=16, n_best=4) == together
    assert together[1] == [((), 0.0, (), None)]


def test_ties_are_broken_alike_everywhere() -> None:
    log_probs_BTV = np.full((3, 12, 5), -math.log(5.0), np.float32)
    first, second, third = prefix_beam_search(log_probs_BTV, [12] * 3, beam_size=7, n_best=7)
    assert first == second == third
    assert len(first) == 7
    assert [h.score for h in first] == sorted((h.score for h in first), reverse=True)


def test_impossible_symbols_and_frames() -> None:
    sure_T = [1, 1, 0, 1, 2, 2]
    log_probs_TV = np.full((6, 3), -np.inf)
    log_probs_TV[np.arange(6), sure_T] = 0.0
    assert prefix_beam_search(log_probs_TV[None], [6], beam_size=3, n_best=3)[0] == [((1, 1, 2), 0.0, (0, 3, 4), None)]
    only_blank_TV = np.where(np.arange(3) == 0, 0.0, -np.inf)[None].repeat(4, 0)
    assert prefix_beam_search(only_blank_TV[None], [4], beam_size=3)[0] == ((), 0.0, (), None)
    log_probs_TV[3] = -np.inf
    assert prefix_beam_search(log_probs_TV[None], [6], beam_size=3)[0] == ((), -math.inf, (), None)


def test_probabilities_far_below_what_a_double_holds() -> None:
    log_probs_TV = random_log_probs(4, 3000, 4, sharpness=9.0) - 50.0  # not normalised: e^-150000 in all
    [hypothesis] = prefix_beam_search(log_probs_TV[None], [3000], beam_size=64)
    exact = labelling_log_prob(log_probs_TV, hypothesis.tokens)
    assert exact - 100 < hypothesis.score <= exact + 1e-6  # what fell out of the beam is missing


def test_a_lost_prefix_that_returns_is_one_with_its_extensions() -> None:
    """With narrow beams prefixes come and go while their extensions stay; nothing may be in the beam twice."""
    for seed, beam_size in itertools.product(range(20), (2, 3, 5)):
        log_probs_TV = random_log_probs(seed, 40, 3, sharpness=1.0)
        found = prefix_beam_search(log_probs_TV[None], [40], beam_size=beam_size, n_best=beam_size)[0]
        assert len({hypothesis.tokens for hypothesis in found}) == len(found) == beam_size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beam_size": 0}, "beam_size 0, allowed: 1 or more"),
        ({"beam_size": 1, "n_best": 0}, "n_best 0, allowed: 1 or more"),
        ({"beam_size": 1, "num_threads": 0}, "num_threads 0, allowed: 1 or more"),
        ({"beam_size": 1, "blank": 3}, "blank 3, allowed: 0 to 2"),
        ({"beam_size": 1, "word_bonus": 1.0}, "give the token of the space"),
        ({"beam_size": 1, "word_bonus": math.nan, "space": 1}, "word_bonus nan"),
        ({"beam_size": 1, "space": 0}, "space 0, allowed: a token from 0 to 2 other than the blank 0"),
    ],
)
def test_what_does_not_fit_is_named(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prefix_beam_search(random_log_probs(0, 1, 4, 3), [4], **arguments)


def test_shapes_lengths_and_nan_are_named() -> None:
    log_probs_BTV = random_log_probs(0, 2, 4, 3)
    with pytest.raises(ValueError, match=r"log_probs_BTV \(4, 3\) and num_frames_B \(2,\)"):
        prefix_beam_search(log_probs_BTV[0], [4, 4], beam_size=1)
    with pytest.raises(ValueError, match=r"num_frames_B \[4, 5\], allowed: 0 to 4"):
        prefix_beam_search(log_probs_BTV, [4, 5], beam_size=1)
    log_probs_BTV[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="utterance 1 of the batch holds NaN"):
        prefix_beam_search(log_probs_BTV, [4, 4], beam_size=1)
    assert prefix_beam_search(log_probs_BTV[:0], [], beam_size=1) == []


SYMBOLS = ("<blank>", " ", *"abcdefghij")
CHARACTERS = estimate_ngrams(
    [tuple(np.random.default_rng(seed).integers(1, 12, 15).tolist()) for seed in range(40)],
    symbols=SYMBOLS,
    unit="character",
    order=4,
)
WORDS = estimate_ngrams(
    [(2, 3, 4), (4, 2), (3, 3)], symbols=("<blank>", "<unk>", "ab", "c", "de"), unit="word", order=2
)


class ByHistory:
    """The n-gram of characters as a neural model would stand there; counts how often it is asked for each history."""

    symbols = SYMBOLS

    def __init__(self) -> None:
        self.asked: Counter[tuple[int, ...]] = Counter()

    def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        self.asked.update(histories)
        return NgramLanguageModel(CHARACTERS).next_log_probs(histories)


@pytest.mark.parametrize(
    "model",
    [
        NgramLanguageModel(CHARACTERS),
        ByHistory(),
        WordNgram(WORDS, symbols=SYMBOLS),
        WordNgram(WORDS, symbols=SYMBOLS, word_list=["ab", "c", "de", "ccc"]),
    ],
    ids=["characters", "by history", "words", "word list"],
)
def test_a_language_model_does_not_make_results_depend_on_the_batch(model: AnyLanguageModel) -> None:
    log_probs_BTV, num_frames_B = random_log_probs(5, 5, 30, 12), [30, 0, 29, 7, 30]
    options = {"beam_size": 10, "n_best": 3, "language_model": model, "lm_weight": 0.7, "word_bonus": 0.4}
    together = prefix_beam_search(log_probs_BTV, num_frames_B, num_threads=1, **options)
    assert prefix_beam_search(log_probs_BTV, num_frames_B, num_threads=3, **options) == together
    for row, num_frames in enumerate(num_frames_B):
        assert prefix_beam_search(log_probs_BTV[row : row + 1], [num_frames], **options) == together[row : row + 1]


def test_a_model_asked_by_history_finds_what_the_compiled_one_finds_and_is_asked_once() -> None:
    log_probs_BTV = random_log_probs(6, 4, 30, 12)
    by_history = ByHistory()
    options = {"beam_size": 12, "lm_weight": 0.7}
    slow = prefix_beam_search(log_probs_BTV, [30] * 4, language_model=by_history, **options)
    fast = prefix_beam_search(log_probs_BTV, [30] * 4, language_model=NgramLanguageModel(CHARACTERS), **options)
    assert [h.tokens for h in slow] == [h.tokens for h in fast]
    assert [h.score for h in slow] == pytest.approx([h.score for h in fast], rel=1e-6)
    assert set(by_history.asked.values()) == {1}


def test_a_language_model_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="a language model of 12 symbols for 3 posteriors"):
        prefix_beam_search(
            random_log_probs(0, 1, 4, 3), [4], beam_size=2, language_model=NgramLanguageModel(CHARACTERS)
        )
    with pytest.raises(ValueError, match="lm_weight -1"):
        prefix_beam_search(random_log_probs(0, 1, 4, 12), [4], beam_size=2, language_model=ByHistory(), lm_weight=-1.0)
    with pytest.raises(ValueError, match="n-grams of unit 'character', allowed: 'word'"):
        WordNgram(CHARACTERS, symbols=SYMBOLS)
    with pytest.raises(ValueError, match="needs to see where words end"):
        WordNgram(WORDS, symbols=("<blank>", "a"))


def test_as_many_threads_as_torch_has_and_no_more(monkeypatch):
    import torch

    from lightning_modules.decoding.ctc import prefix_beam

    asked = []

    class Pool(prefix_beam.ThreadPoolExecutor):
        def __init__(self, workers):
            asked.append(workers)
            super().__init__(workers)

    monkeypatch.setattr(prefix_beam, "ThreadPoolExecutor", Pool)
    log_probs_BTV = np.log(np.full((4, 3, 3), 1 / 3))
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        prefix_beam.prefix_beam_search(log_probs_BTV, [3] * 4, beam_size=4)
    assert asked == [2]
