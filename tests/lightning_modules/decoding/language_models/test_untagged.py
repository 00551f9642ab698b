"""A language model without tags beside a recogniser with them: hypotheses have the probability of their characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from datamodules.texts.tokenizer import character_tokenizer
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.ctc.labelling import labelling_log_prob
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.ngram_table import advance
from lightning_modules.decoding.language_models.rescoring import sentence_log_probs
from lightning_modules.decoding.language_models.untagged import Untagged, UntaggedNgrams, untagged
from lightning_modules.decoding.texts import spell
from lightning_modules.lm.ngram import estimate_ngrams

TEXTS = ["abba cab", "cab dad", "dad abba", "bad cab", "dad cab abba", "cab bad dad"]
PLAIN, TAGGED = character_tokenizer(TEXTS), character_tokenizer(TEXTS, languages={"cs", "nl"})
MODEL = NgramLanguageModel(
    estimate_ngrams([PLAIN.encode(text) for text in TEXTS * 3], symbols=PLAIN.symbols, unit="character", order=3)
)
NL = TAGGED.symbols.index("<nl>")


@given(st.lists(st.lists(st.integers(1, len(TAGGED.symbols) - 1), max_size=6).map(tuple), min_size=1, max_size=5))
def test_tags_cost_nothing_and_are_no_history(histories: list[tuple[int, ...]]) -> None:
    characters = len(PLAIN.symbols)
    log_probs_NV = Untagged(MODEL, TAGGED.symbols).next_log_probs(histories)
    plain = [tuple(token for token in history if token < characters) for history in histories]
    np.testing.assert_array_equal(log_probs_NV[:, :characters], MODEL.next_log_probs(plain))
    assert not log_probs_NV[:, characters:].any()
    assert log_probs_NV.dtype == np.float32


def test_tags_may_stand_anywhere_among_the_symbols() -> None:
    class Fixed:
        symbols = ("<blank>", "a", "b")

        def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
            assert list(histories) == [(1, 2)]
            return np.array([[-1.0, -2.0, -3.0]], np.float32)

    model = Untagged(Fixed(), ("<blank>", "<cs>", "a", "<nl>", "b"))
    assert isinstance(model, LanguageModel)
    assert model.next_log_probs([(3, 2, 4)]).tolist() == [[-1.0, 0.0, -2.0, 0.0, -3.0]]


@pytest.mark.parametrize("symbols", [PLAIN.symbols[:-1], (*TAGGED.symbols, "x"), (*PLAIN.symbols[::-1], "<nl>")])
def test_symbols_that_differ_by_more_than_tags_are_refused(symbols: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"allowed: the .* of the recogniser that are no tag of a language"):
        Untagged(MODEL, symbols)


@given(st.lists(st.integers(1, len(TAGGED.symbols) - 1), max_size=8), st.sampled_from([0.0, 0.4, 1.0, 2.5]))
def test_a_walk_over_the_table_of_an_ngram_model_costs_what_its_histories_say(history: list[int], power: float) -> None:
    model = untagged(MODEL, TAGGED.symbols)
    assert isinstance(model, UntaggedNgrams)
    context = model.table.start
    for place, token in enumerate(history):
        log_prob, context = advance(model.table, context, token)
        told = Untagged(MODEL, TAGGED.symbols).next_log_probs([tuple(history[:place])])[0, token]
        assert log_prob == pytest.approx(told, rel=1e-6)
    np.testing.assert_allclose(model.powers(power).log_prob_E, np.exp(power * model.table.log_prob_E))


@pytest.mark.parametrize("seed", range(5))
def test_the_beam_finds_the_same_texts_whether_it_walks_or_asks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log_probs_NTV = np.log(rng.dirichlet(np.full(len(TAGGED.symbols), 0.3), (4, 12)))
    walked, asked = (
        prefix_beam_search(log_probs_NTV, [12] * 4, beam_size=40, n_best=3, language_model=model, lm_weight=0.7,
                           word_bonus=1.0)
        for model in (UntaggedNgrams(MODEL, TAGGED.symbols), Untagged(MODEL, TAGGED.symbols))
    )  # fmt: skip
    assert any(NL in best[0].tokens for best in walked)
    for by_table, by_history in zip(walked, asked, strict=True):
        assert [found.tokens for found in by_table] == [found.tokens for found in by_history]
        np.testing.assert_allclose([f.score for f in by_table], [f.score for f in by_history], rtol=1e-5)


def test_sentences_have_the_probability_that_they_have_without_tags() -> None:
    tagged = [TAGGED.encode_in(text, "nl") for text in TEXTS]
    found = sentence_log_probs(Untagged(MODEL, TAGGED.symbols), tagged)
    np.testing.assert_allclose(found, sentence_log_probs(MODEL, [PLAIN.encode(text) for text in TEXTS]), atol=1e-6)


def read(text: str, *, seed: int, with_tag: bool) -> NDArray[np.float32]:
    """A frame a character with a blank after it, some misread; the tag's own frames in front: (T, V) log posteriors."""
    rng = np.random.default_rng(seed)
    tokens = TAGGED.encode_in(text, "nl") if with_tag else PLAIN.encode(text)
    num_symbols = len(TAGGED.symbols if with_tag else PLAIN.symbols)
    frames = []
    for token in tokens:
        weights = np.full((2, len(TAGGED.symbols)), 1e-3)
        weights[0, token] = weights[1, 0] = 1.0
        if token != NL:
            weights[0, : len(PLAIN.symbols)] += 0.6 * rng.random(len(PLAIN.symbols))
        weights = weights[:, :num_symbols]
        frames.append(weights / weights.sum(1, keepdims=True))
    return np.log(np.concatenate(frames)).astype(np.float32)


@pytest.mark.parametrize("text", TEXTS)
def test_greedy_and_beam_read_the_same_text_with_a_tag_in_front(text: str) -> None:
    plain, tagged = read(text, seed=5, with_tag=False), read(text, seed=5, with_tag=True)
    found = {}
    for name, log_probs_TV, symbols in (("plain", plain, PLAIN.symbols), ("tagged", tagged, TAGGED.symbols)):
        model = MODEL if name == "plain" else Untagged(MODEL, symbols)
        [best] = greedy(log_probs_TV[None], [len(log_probs_TV)])
        [fused] = prefix_beam_search(
            log_probs_TV[None], [len(log_probs_TV)], beam_size=100, language_model=model, lm_weight=0.7
        )
        found[name] = spell(best.tokens, symbols), spell(fused.tokens, symbols)
    assert found["tagged"] == found["plain"]


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("log_bonus", [False, True])
def test_a_word_bonus_counts_the_words_of_the_text_whatever_tags_stand_in_it(blank: int, log_bonus: bool) -> None:
    """``<nl>`` alone is no word, ``a <nl>`` is one, ``a<nl>a`` too, ``a<nl> a`` is two: as the text is spelled."""
    symbols = ("<blank>", " ", "a", "<nl>")

    class Free:
        def __init__(self) -> None:
            self.symbols = symbols

        def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
            return np.zeros((len(histories), len(symbols)), np.float32)

    log_probs_TV = np.log(np.random.default_rng(1).dirichlet(np.ones(4), 5))
    own_symbols = [symbol for symbol in symbols if symbol != "<blank>"]
    own_symbols.insert(blank, "<blank>")
    [found] = prefix_beam_search(
        log_probs_TV[None], [5], beam_size=2000, n_best=2000, blank=blank, language_model=Free(), lm_weight=1.0,
        word_bonus=0.0 if log_bonus else 3.0, log_word_bonus=3.0 if log_bonus else 0.0,
    )  # fmt: skip
    assert {(), (own_symbols.index("<nl>"),)} <= {hypothesis.tokens for hypothesis in found}
    for hypothesis in found:
        words = len(
            "".join(own_symbols[token] for token in hypothesis.tokens if token != own_symbols.index("<nl>")).split()
        )
        bonus = 3.0 * math.log(max(words, 1)) if log_bonus else 3.0 * words
        own = labelling_log_prob(log_probs_TV, hypothesis.tokens, blank=blank)
        assert hypothesis.score == pytest.approx(own + bonus)
        assert hypothesis.ctc_score == pytest.approx(own)
