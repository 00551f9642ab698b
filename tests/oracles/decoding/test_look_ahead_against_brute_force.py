"""Character look-ahead of word n-grams in a beam that holds every prefix: final scores are the word n-gram's own.

``P(w | h)`` is written out from ``BackoffNgrams.log_prob``: of a closed list, and with words that a character n-gram
spells. Prefix masses are summed over all words.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.decoding.language_models.look_ahead import (
    LookAheadNgram,
    UnknownWords,
    in_tokens,
    spelled_characters,
)
from lightning_modules.decoding.language_models.ngram_table import advance
from lightning_modules.decoding.language_models.spelling import ROOT, longer
from lightning_modules.lm.ngram import estimate_ngrams

from .test_prefix_beam_against_brute_force import (
    SYMBOLS,
    WORD_SYMBOLS,
    WORDS,
    Lattice,
    labellings,
    lattices,
    search,
    weights,
    word_log_prob,
    words_of,
)

CHARACTERS = spelled_characters(SYMBOLS)
SPELLING = in_tokens(
    estimate_ngrams([(1,), (1, 2), (2, 2), (2, 1, 1)], symbols=CHARACTERS, unit="character", order=3), SYMBOLS
)
ESCAPE = 0.2


def spelling_prob(word: str) -> float:
    """``S(w)``, the empty word left out."""
    tokens = (*(SYMBOLS.index(character) for character in word), 0)
    log_prob = sum(SPELLING.log_prob(token, (0, *tokens[:place])) for place, token in enumerate(tokens))
    return math.exp(log_prob) / (1 - math.exp(SPELLING.log_prob(0, (0,))))


def open_log_prob(tokens: tuple[int, ...]) -> float:
    history, total = (0,), 0.0
    for word in filter(None, words_of(tokens)):
        known = WORD_SYMBOLS.index(word) if word in WORD_SYMBOLS[2:] else None
        prob = (ESCAPE + (1 - ESCAPE) * math.exp(WORDS.log_prob(1, history))) * spelling_prob(word)
        if known is not None:
            prob += (1 - ESCAPE) * math.exp(WORDS.log_prob(known, history))
        total += math.log(prob)
        history = (*history, 1 if known is None else known)
    return total + math.log((1 - ESCAPE) * math.exp(WORDS.log_prob(0, history)))


@settings(max_examples=60, deadline=None)
@given(lattices(num_symbols=4), weights, st.sets(st.sampled_from(("a", "b", "ab", "bb", "aab")), min_size=1))
def test_a_closed_list_has_the_scores_without_look_ahead(
    log_probs_TV: Lattice, lm_weight: float, listed: set[str]
) -> None:
    model = LookAheadNgram(WORDS, symbols=SYMBOLS, word_list=listed)
    found = search(log_probs_TV, language_model=model, lm_weight=lm_weight, word_bonus=0.4)
    expected = {
        tokens: ctc + lm_weight * word_log_prob(tokens) + 0.4 * sum(map(bool, words_of(tokens)))
        for tokens, ctc in labellings(log_probs_TV).items()
        if set(words_of(tokens)) <= {*listed, ""}
    }
    if expected:
        assert {h.tokens: h.score for h in found} == pytest.approx(expected, rel=1e-9, abs=1e-9)
    else:
        assert [h.score for h in found] == [-math.inf]


@settings(max_examples=60, deadline=None)
@given(lattices(num_symbols=4), weights, st.integers(0, 3))
def test_an_open_vocabulary_spells_what_it_lacks(log_probs_TV: Lattice, lm_weight: float, blank: int) -> None:
    model = LookAheadNgram(WORDS, symbols=SYMBOLS, unknown=UnknownWords(SPELLING, ESCAPE))
    columns = [*range(1, blank + 1), 0, *range(blank + 1, 4)]
    found = search(log_probs_TV[:, columns], language_model=model, lm_weight=lm_weight, blank=blank)
    expected = {tokens: ctc + lm_weight * open_log_prob(tokens) for tokens, ctc in labellings(log_probs_TV).items()}
    scores = {tuple(columns[token] for token in h.tokens): h.score for h in found}
    assert scores == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_mass_of_a_place_is_that_of_all_words_that_begin_so_after_any_history() -> None:
    model = LookAheadNgram(WORDS, symbols=SYMBOLS)
    for history in ((0,), (0, 2), (0, 3, 2), (0, 2, 1), (3, 4), (4, 4)):
        context = model.table.start
        for token in history[1:]:
            _, context = advance(model.table, context, token)
        if history[0]:  # no sentence begins so
            continue
        for prefix in ("", "a", "ab", "b", "bb"):
            place = ROOT
            for character in prefix:
                place = longer(model.spelling, place, SYMBOLS.index(character))
            begun = [token for token, word in enumerate(WORD_SYMBOLS) if token > 1 and word.startswith(prefix)]
            expected = sum(math.exp(WORDS.log_prob(token, history)) for token in begun)
            assert math.exp(advance(model.look_ahead.mass, context, place)[0]) == pytest.approx(expected, rel=1e-12)
