"""Prefix beam search whose beam holds every prefix, against sums over all paths and the objective written out.

Each labelling's CTC probability is summed over the V^T paths that collapse to it, and checked against torch's loss;
each language model's part is the chain rule over plain ``BackoffNgrams.log_prob``.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.language_model import BackoffNgrams, Ngram
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.word_ngram import WordNgram
from lightning_modules.decoding.texts import spell
from lightning_modules.lm.ngram import estimate_ngrams

EVERYTHING = 700  # more prefixes than any lattice here has
SYMBOLS = ("<blank>", " ", "a", "b")
SPACE = 1
CHARACTERS = estimate_ngrams(
    [(2, 3, 1, 2), (3, 3), (2, 1, 3, 1, 2), (2, 2, 3)], symbols=SYMBOLS, unit="character", order=3
)
WORD_SYMBOLS = ("<blank>", "<unk>", "a", "ab", "bb")
WORDS = estimate_ngrams([(2, 3), (3, 2, 4), (4,), (2, 2, 1), (3, 1)], symbols=WORD_SYMBOLS, unit="word", order=3)

SUBWORD_SYMBOLS = ("<blank>", "▁", "▁a", "b")
SUBWORDS = estimate_ngrams(
    [(2, 3, 2), (1, 3, 3), (2, 2, 1, 3), (2, 3, 3)], symbols=SUBWORD_SYMBOLS, unit="subword", order=3
)

Lattice = NDArray[np.float64]


@st.composite
def lattices(draw: st.DrawFn, *, num_symbols: int | None = None) -> Lattice:
    """Log posteriors (T, V) of up to 5 frames, some of them with impossible symbols, some with ties."""
    num_frames = draw(st.integers(0, 5))
    num_symbols = num_symbols or draw(st.integers(2, 4))
    weight = st.sampled_from((0.0, 1e-30, 0.001, 0.1, 0.3, 0.5, 1.0, 1.0)) | st.floats(0.001, 1)
    rows = st.lists(weight, min_size=num_symbols, max_size=num_symbols).filter(any)
    probs_TV = np.array(draw(st.lists(rows, min_size=num_frames, max_size=num_frames))).reshape(-1, num_symbols)
    with np.errstate(divide="ignore"):
        return np.log(probs_TV / probs_TV.sum(axis=1, keepdims=True))


def labellings(log_probs_TV: Lattice, blank: int = 0) -> dict[tuple[int, ...], float]:
    """The log probability of every labelling, from every path."""
    probs: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for path in itertools.product(range(log_probs_TV.shape[1]), repeat=len(log_probs_TV)):
        prob = math.exp(sum(log_probs_TV[t, symbol] for t, symbol in enumerate(path)))
        if prob > 0:
            probs[tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)].append(prob)
    return {labelling: math.log(math.fsum(of_paths)) for labelling, of_paths in probs.items()}


def search(log_probs_TV: Lattice, **options: object) -> list[Hypothesis]:
    n_best = EVERYTHING
    found = prefix_beam_search(
        log_probs_TV[None], [len(log_probs_TV)], beam_size=EVERYTHING, n_best=n_best, num_threads=1, **options
    )
    return found[0]


@settings(max_examples=150, deadline=None)
@given(lattices(), st.integers(0, 3))
def test_every_labelling_has_its_exact_probability(log_probs_TV: Lattice, blank: int) -> None:
    blank = min(blank, log_probs_TV.shape[1] - 1)
    expected = labellings(log_probs_TV, blank)
    found = {hypothesis.tokens: hypothesis.score for hypothesis in search(log_probs_TV, blank=blank)}
    assert found.keys() == expected.keys()
    for tokens, score in found.items():
        assert score == pytest.approx(expected[tokens], rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(lattices(num_symbols=4), st.sampled_from((0.0, 0.7, -1.3)), st.sampled_from((0.0, 0.6)))
def test_subwords_have_their_ngram_and_a_bonus_for_each_word_that_they_spell(
    log_probs_TV: Lattice, word_bonus: float, lm_weight: float
) -> None:
    expected = {}
    for tokens, log_prob in labellings(log_probs_TV).items():
        of_model = [SUBWORDS.log_prob(token, (0, *tokens[:place])) for place, token in enumerate((*tokens, 0))]
        num_words = len(spell(tokens, SUBWORD_SYMBOLS).split())
        expected[tokens] = log_prob + lm_weight * sum(of_model) + word_bonus * num_words
    model = NgramLanguageModel(SUBWORDS)
    found = search(log_probs_TV, language_model=model, lm_weight=lm_weight, word_bonus=word_bonus)
    assert {hypothesis.tokens for hypothesis in found} == expected.keys()
    for hypothesis in found:
        assert hypothesis.score == pytest.approx(expected[hypothesis.tokens], rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(lattices())
def test_every_labelling_has_the_probability_of_torchs_loss(log_probs_TV: Lattice) -> None:
    for tokens, score, frames, _ in search(log_probs_TV)[:40]:
        if len(log_probs_TV) and math.isfinite(score):
            loss = torch.nn.functional.ctc_loss(
                torch.from_numpy(log_probs_TV)[:, None],
                torch.tensor([tokens], dtype=torch.long),
                torch.tensor([len(log_probs_TV)]),
                torch.tensor([len(tokens)]),
                reduction="sum",
            )
            assert score == pytest.approx(-loss.item(), rel=1e-9, abs=1e-9)
        assert len(frames) == len(tokens)
        assert list(frames) == sorted(set(frames))
        assert all(log_probs_TV[frame, token] > -math.inf for frame, token in zip(frames, tokens, strict=True))


def words_of(tokens: Sequence[int]) -> list[str]:
    return "".join(SYMBOLS[token] for token in tokens).split(" ")


def character_log_prob(tokens: tuple[int, ...]) -> float:
    sentence = (*tokens, 0)
    return sum(CHARACTERS.log_prob(token, (0, *sentence[:i])) for i, token in enumerate(sentence))


def word_log_prob(tokens: tuple[int, ...]) -> float:
    words = [word for word in words_of(tokens) if word]
    sentence = [WORD_SYMBOLS.index(word) if word in WORD_SYMBOLS else 1 for word in words] + [0]
    return sum(WORDS.log_prob(word, (0, *sentence[:i])) for i, word in enumerate(sentence))


weights = st.sampled_from((0.0, 0.3, 1.0, 2.0))
bonuses = st.sampled_from((0.0, -1.5, 0.7, 2.0))


def bonus(tokens: tuple[int, ...], word_bonus: float, log_word_bonus: float) -> float:
    count = sum(bool(word) for word in words_of(tokens))
    return word_bonus * count + log_word_bonus * math.log(max(count, 1))


def check(found: list[Hypothesis], expected: dict[tuple[int, ...], tuple[float, float]]) -> None:
    """``expected``: score and CTC log probability of each labelling."""
    assert {hypothesis.tokens for hypothesis in found} == expected.keys()
    for tokens, score, _, ctc_score in found:
        assert score == pytest.approx(expected[tokens][0], rel=1e-9, abs=1e-9)
        assert ctc_score == pytest.approx(expected[tokens][1], rel=1e-9, abs=1e-9)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


class ByHistory:
    """An n-gram that hides what it is: the way of a neural model."""

    symbols = SYMBOLS

    def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        assert len(set(histories)) == len(histories)
        return NgramLanguageModel(CHARACTERS).next_log_probs(histories)


@settings(max_examples=80, deadline=None)
@given(lattices(num_symbols=4), weights, bonuses, bonuses)
def test_a_character_ngram(log_probs_TV: Lattice, lm_weight: float, linear: float, logarithmic: float) -> None:
    expected = {
        tokens: (ctc + lm_weight * character_log_prob(tokens) + bonus(tokens, linear, logarithmic), ctc)
        for tokens, ctc in labellings(log_probs_TV).items()
    }
    options = {"lm_weight": lm_weight, "word_bonus": linear, "log_word_bonus": logarithmic}
    found = search(log_probs_TV, language_model=NgramLanguageModel(CHARACTERS), **options)
    check(found, expected)
    by_history = search(log_probs_TV, language_model=ByHistory(), **options)
    scores = {hypothesis.tokens: hypothesis.score for hypothesis in by_history}
    assert scores == pytest.approx({h.tokens: h.score for h in found}, rel=1e-6, abs=1e-6)  # its rows are float32


@settings(max_examples=80, deadline=None)
@given(lattices(num_symbols=4), weights, bonuses, bonuses)
def test_a_word_ngram(log_probs_TV: Lattice, lm_weight: float, linear: float, logarithmic: float) -> None:
    expected = {
        tokens: (ctc + lm_weight * word_log_prob(tokens) + bonus(tokens, linear, logarithmic), ctc)
        for tokens, ctc in labellings(log_probs_TV).items()
    }
    options = {"lm_weight": lm_weight, "word_bonus": linear, "log_word_bonus": logarithmic}
    check(search(log_probs_TV, language_model=WordNgram(WORDS, symbols=SYMBOLS), **options), expected)


@settings(max_examples=80, deadline=None)
@given(lattices(num_symbols=4), weights, st.sets(st.sampled_from(("a", "b", "ab", "bb", "aab", "xa")), min_size=1))
def test_a_word_list(log_probs_TV: Lattice, lm_weight: float, listed: set[str]) -> None:
    if listed == {"xa"}:
        with pytest.raises(ValueError, match="none of the 1 words of the list can be written"):
            WordNgram(WORDS, symbols=SYMBOLS, word_list=listed)
        return
    expected = {
        tokens: (ctc + lm_weight * word_log_prob(tokens), ctc)
        for tokens, ctc in labellings(log_probs_TV).items()
        if set(words_of(tokens)) <= {*listed, ""}
    }
    model = WordNgram(WORDS, symbols=SYMBOLS, word_list=listed)
    found = search(log_probs_TV, language_model=model, lm_weight=lm_weight)
    if expected:
        check(found, expected)
    else:
        assert len(found) == 1
        assert found[0].score == -math.inf


@settings(max_examples=40, deadline=None)
@given(lattices(num_symbols=4), bonuses, bonuses)
def test_bonuses_without_a_language_model(log_probs_TV: Lattice, linear: float, logarithmic: float) -> None:
    expected = {tokens: ctc + bonus(tokens, linear, logarithmic) for tokens, ctc in labellings(log_probs_TV).items()}
    found = search(log_probs_TV, word_bonus=linear, log_word_bonus=logarithmic, space=SPACE)
    assert {h.tokens: h.score for h in found} == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(lattices(num_symbols=4), st.integers(1, 3))
def test_language_models_with_the_blank_elsewhere(log_probs_TV: Lattice, blank: int) -> None:
    """Its symbols in the recogniser's order, but its token 0 is the boundary."""
    columns = [*range(1, blank + 1), 0, *range(blank + 1, 4)]  # blank 0's column of each
    moved_TV = log_probs_TV[:, columns]
    for model in (NgramLanguageModel(CHARACTERS), ByHistory(), WordNgram(WORDS, symbols=SYMBOLS)):
        options = {"language_model": model, "lm_weight": 1.0, "word_bonus": 0.5}
        plain = {h.tokens: h.score for h in search(log_probs_TV, **options)}
        moved = {tuple(columns[token] for token in h.tokens): h.score for h in search(moved_TV, blank=blank, **options)}
        assert moved == pytest.approx(plain, rel=1e-9, abs=1e-9)


def test_unknown_words_without_a_symbol_for_them_cost_the_floor_and_leave_no_context() -> None:
    unigrams = {(0,): Ngram(math.log(0.5)), (1,): Ngram(math.log(0.5), math.log(0.9))}
    ngrams = BackoffNgrams(("<blank>", "a"), "word", (unigrams, {(1, 0): Ngram(math.log(0.1))}))
    sure_TV = np.log(np.eye(4)[[2, 1, 3]] + 1e-300)  # "a b"
    model = WordNgram(ngrams, symbols=SYMBOLS, unknown_log_prob=-7.0)
    best = prefix_beam_search(sure_TV[None], [3], beam_size=10, language_model=model, lm_weight=1.0)[0]
    assert best.tokens == (2, 1, 3)
    assert best.score == pytest.approx(math.log(0.5) - 7.0 + math.log(0.5))
