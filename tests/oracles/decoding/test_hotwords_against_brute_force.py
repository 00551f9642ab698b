"""Hotwords in a beam that holds every prefix, against the finds of each labelling looked up word by word."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lightning_modules.decoding.ctc.hotwords import Hotwords
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.texts import spell

from .test_prefix_beam_against_brute_force import (
    CHARACTERS,
    EVERYTHING,
    SUBWORD_SYMBOLS,
    SYMBOLS,
    Lattice,
    character_log_prob,
    labellings,
    lattices,
)

WORD_SYMBOLS = ("<blank>", "<unk>", "a", "ab")
phrase_lists = st.lists(st.text("ab ", min_size=1, max_size=6).filter(str.strip), min_size=1, max_size=5)


def finds(text: str, phrases: Sequence[str]) -> int:
    """The rule of the docstring, word by word."""
    words, listed = text.split(), [phrase.split() for phrase in phrases]
    place = total = 0
    while place < len(words):
        longest = max(
            (phrase for phrase in listed if words[place : place + len(phrase)] == phrase), key=len, default=[]
        )
        total += len(" ".join(longest))
        place += max(1, len(longest))
    return total


@settings(max_examples=400, deadline=None)
@given(phrase_lists, st.text("ab ", max_size=14))
@example(["a b a b b", "b a b a"], "a b a b a b")  # a later word of what failed begins another phrase
@example(["a", "a b b"], "a b a")
def test_the_automaton_finds_what_a_search_word_by_word_finds(phrases: list[str], text: str) -> None:
    assert Hotwords(phrases, symbols=SYMBOLS).num_characters(text) == finds(text, phrases)


@settings(max_examples=60, deadline=None)
@given(lattices(num_symbols=4), phrase_lists, st.sampled_from((0.0, 0.4, 2.0)), st.booleans())
def test_every_labelling_has_the_bonus_of_its_finds(
    log_probs_TV: Lattice, phrases: list[str], bonus: float, has_model: bool
) -> None:
    model = NgramLanguageModel(CHARACTERS) if has_model else None
    [found] = prefix_beam_search(
        log_probs_TV[None],
        [len(log_probs_TV)],
        beam_size=EVERYTHING,
        n_best=EVERYTHING,
        num_threads=1,
        language_model=model,
        lm_weight=0.3,
        hotwords=Hotwords(phrases, symbols=SYMBOLS),
        hotword_bonus=bonus,
    )
    expected = labellings(log_probs_TV)
    assert {hypothesis.tokens for hypothesis in found} == expected.keys()
    for hypothesis in found:
        of_model = 0.3 * character_log_prob(hypothesis.tokens) if has_model else 0.0
        wanted = expected[hypothesis.tokens] + of_model + bonus * finds(spell(hypothesis.tokens, SYMBOLS), phrases)
        assert hypothesis.score == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        assert hypothesis.ctc_score == pytest.approx(expected[hypothesis.tokens], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("symbols", [SUBWORD_SYMBOLS, WORD_SYMBOLS, ("<blank>", " ", "a", "b", "<nl>")])
def test_subwords_words_and_language_tags_spell_hotwords_too(symbols: tuple[str, ...]) -> None:
    hotwords = Hotwords(["ab", "a a", "xyz"], symbols=symbols)
    assert hotwords.unwritable == ("xyz",)
    log_probs_TV = np.log(np.full((4, len(symbols)), 1 / len(symbols)))
    options = {"beam_size": 5000, "n_best": 5000, "num_threads": 1}
    plain = {h.tokens: h.score for h in prefix_beam_search(log_probs_TV[None], [4], **options)[0]}
    found = prefix_beam_search(log_probs_TV[None], [4], hotwords=hotwords, hotword_bonus=0.7, **options)[0]
    assert len(found) == len(plain)
    for hypothesis in found:
        wanted = plain[hypothesis.tokens] + 0.7 * finds(spell(hypothesis.tokens, symbols), hotwords.phrases)
        assert hypothesis.score == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_a_beam_of_two_keeps_a_hotword_that_grows_slowly() -> None:
    """Progressive: no character of "bbb" is among the two best before the word is whole."""
    weights_TV = [[0.2, 0.0, 0.5, 0.3]] * 6
    log_probs_TV = np.log(np.array(weights_TV) + 1e-300)
    [hypothesis] = prefix_beam_search(
        log_probs_TV[None], [6], beam_size=2, hotwords=Hotwords(["bbb"], symbols=SYMBOLS), hotword_bonus=3.0
    )
    assert hypothesis.tokens == (3, 3, 3)
    assert math.isfinite(hypothesis.score)
