"""What a language model and word bonuses multiply a prefix by, token by token: the rows of the beam.

A prefix's weight is ``p_lm^lm_weight · e^(word_bonus·|words|) · |words|^log_word_bonus`` (Hannun 2014 and Maas 2015
have the last form; no words count as one there). It is a product of factors, one for each token of the prefix, so the
search multiplies them into the CTC probability of an extension. A word counts when it ends: with the space after it,
or with the sentence; where tokens are words, each does. A tag of a language is no part of any: behind one the word
before goes on, and a prefix of tags holds no word. Legend as in ``beam``; a row's blank column is the factor for ending
the sentence.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled
from lightning_modules.decoding.ctc.beam import Beam
from lightning_modules.decoding.ctc.hotwords import HotwordTable
from lightning_modules.decoding.language_models.language_model import BOUNDARY
from lightning_modules.decoding.language_models.look_ahead import LookAhead
from lightning_modules.decoding.language_models.ngram_table import (
    EMPTY,
    NgramTable,
    advance,
    next_log_probs,
    next_powers,
)
from lightning_modules.decoding.language_models.spelling import LOST, NO_WORD, ROOT, Spelling, longer

# Kinds: none, bonuses alone, n-gram of tokens or words, rows from outside, n-gram of words with look-ahead.
NOTHING, BONUS, TOKENS, WORDS, GIVEN, LOOK_AHEAD = range(6)


class Fusion(NamedTuple):
    """One kind of language model and its weights, for the compiled search (tables that a kind ignores are empty).

    Kind TOKENS has its table's probabilities as plain numbers, raised to ``lm_weight``: no logarithm is left to undo.

    ``space`` is the token that ends words and is nothing else, or -1; tokens of ``begins_word_V`` end the word before
    them too: the space, and subwords that begin a word. With ``writes_words`` every token is a word. ``most_V`` bounds
    the factor of each token from above.
    """

    kind: int
    table: NgramTable
    spelling: Spelling
    unknown_word: int  # the word n-gram's <unk>, or -1: then ``unknown_log_prob``
    unknown_log_prob: float
    look_ahead: LookAhead
    lm_weight: float
    word_bonus: float
    log_word_bonus: float
    space: int
    begins_word_V: NDArray[np.bool_]
    blank: int
    is_tag_V: NDArray[np.bool_]
    writes_words: bool
    hotwords: HotwordTable
    most_V: NDArray[np.float64]


@compiled
def lm_token(blank: int, token: int) -> int:
    """The language model's id of a token: 0 for the blank, the others from 1 in their order."""
    return 0 if token == blank else token + 1 if token < blank else token


@compiled
def own_token(blank: int, lm_token: int) -> int:
    """The recogniser's token of a language model's id."""
    return blank if lm_token == 0 else lm_token - 1 if lm_token <= blank else lm_token


@compiled
def start(fusion: Fusion, beam: Beam) -> None:
    """Put the empty prefix into the language model's first state."""
    beam.nodes_N[0].context = fusion.table.start
    beam.nodes_N[0].spelling = ROOT
    beam.nodes_N[0].spelt_context = fusion.look_ahead.spelling.start
    beam.nodes_N[0].log_spelt = fusion.look_ahead.log_start


@compiled
def is_within_word(fusion: Fusion, beam: Beam, node: int) -> bool:
    """Whether a prefix, its tags of languages left out, ends in anything but a space."""
    return fusion.space >= 0 and beam.nodes_N[node].within_word != 0


@compiled
def follow(fusion: Fusion, beam: Beam, node: int, factor: float) -> None:
    """The state of a new node, from its parent's."""
    new = beam.nodes_N[node]
    parent, token = new.parent, new.token
    old = beam.nodes_N[parent]
    context, spelling = old.context, ROOT
    if fusion.writes_words:
        ends_word = not fusion.is_tag_V[token]
    else:
        ends_word = fusion.begins_word_V[token] and is_within_word(fusion, beam, parent)
    if fusion.kind == TOKENS:
        _, context = advance(fusion.table, context, lm_token(fusion.blank, token))
    elif (fusion.kind == WORDS or fusion.kind == LOOK_AHEAD) and ends_word:
        _, context = _end_word(fusion, context, old.spelling)
    elif (fusion.kind == WORDS or fusion.kind == LOOK_AHEAD) and token != fusion.space:
        spelling = longer(fusion.spelling, old.spelling, lm_token(fusion.blank, token))
    if fusion.look_ahead.is_open:
        ahead = fusion.look_ahead
        new.spelt_context, new.log_spelt = ahead.spelling.start, ahead.log_start
        if token != fusion.space:
            log_prob, spelt_context = advance(ahead.spelling, old.spelt_context, lm_token(fusion.blank, token))
            new.spelt_context, new.log_spelt = spelt_context, old.log_spelt + log_prob
    new.log_weight = old.log_weight + math.log(factor)
    new.words = old.words + ends_word
    new.within_word = old.within_word if fusion.is_tag_V[token] else int(token != fusion.space)
    new.context, new.spelling = context, spelling
    if not fusion.hotwords.is_empty:
        new.hotword = fusion.hotwords.next_PV[old.hotword, lm_token(fusion.blank, token)]


@compiled
def _power(weight: float, log_prob: float) -> float:
    return math.exp(weight * log_prob) if weight > 0 else 1.0  # 0 times -inf is no number


@compiled
def _one_word_more(fusion: Fusion, words: int) -> float:
    """What the bonuses multiply a prefix of ``words`` words by when it gets another."""
    return float(math.exp(fusion.word_bonus) * ((words + 1) / max(words, 1)) ** fusion.log_word_bonus)


@compiled
def fill_row(fusion: Fusion, beam: Beam, slot: int) -> None:
    """Compute a slot's row (kind GIVEN: its log probabilities lie there already, in the recogniser's columns)."""
    node, row_V = beam.slots_S[slot].node, beam.rows_SV[slot]
    within_word = is_within_word(fusion, beam, node)
    if fusion.kind == BONUS:
        row_V[:] = 1.0
    elif fusion.kind == WORDS:
        state = beam.nodes_N[node]
        _fill_word_row(fusion, state.context, state.spelling, within_word, row_V)
    elif fusion.kind == LOOK_AHEAD:
        _fill_row_ahead(fusion, beam, node, within_word, row_V)
    elif fusion.kind == TOKENS:
        next_powers(fusion.table, beam.nodes_N[node].context, row_V)
        _to_own_columns(fusion.blank, row_V)
    else:
        for token in range(len(row_V)):
            row_V[token] = _power(fusion.lm_weight, row_V[token])
    if fusion.writes_words:
        bonus = _one_word_more(fusion, beam.nodes_N[node].words)
        for token in range(len(row_V)):
            if token != fusion.blank and not fusion.is_tag_V[token]:
                row_V[token] *= bonus
    elif within_word:
        bonus = _one_word_more(fusion, beam.nodes_N[node].words)
        row_V[fusion.blank] *= bonus
        for token in range(len(row_V)):
            if fusion.begins_word_V[token]:
                row_V[token] *= bonus
    if not fusion.hotwords.is_empty:
        factor_V = fusion.hotwords.factor_PV[beam.nodes_N[node].hotword]
        for token in range(len(row_V)):
            row_V[token] *= factor_V[lm_token(fusion.blank, token)]
    beam.slots_S[slot].has_row = 1


@compiled
def _to_own_columns(blank: int, row_V: NDArray[np.float64]) -> None:
    """From a language model's order to the recogniser's."""
    ending = row_V[BOUNDARY]
    for token in range(blank):
        row_V[token] = row_V[token + 1]
    row_V[blank] = ending


@compiled
def _end_word(fusion: Fusion, context: int, spelling: int) -> tuple[float, int]:
    """``log p`` of the word that ends here, and the context after it."""
    word = NO_WORD if spelling == LOST else fusion.spelling.word_P[spelling]
    if word < 0:
        word = fusion.unknown_word
    if word < 0:
        return fusion.unknown_log_prob, EMPTY
    return advance(fusion.table, context, word)


@compiled
def _fill_word_row(fusion: Fusion, context: int, spelling: int, within_word: bool, row_V: NDArray[np.float64]) -> None:
    trie = fusion.spelling
    row_V[:] = 0.0 if trie.is_closed else 1.0
    if trie.is_closed and spelling != LOST:
        for edge in range(trie.edge_start_P1[spelling], trie.edge_start_P1[spelling + 1]):
            row_V[own_token(fusion.blank, trie.token_E[edge])] = 1.0
    at_end = 1.0
    if within_word:
        log_prob, context = _end_word(fusion, context, spelling)
        if trie.is_closed and (spelling == LOST or trie.word_P[spelling] == NO_WORD):
            at_end = 0.0
        else:
            at_end = _power(fusion.lm_weight, log_prob)
    row_V[fusion.space] = at_end
    log_prob, _ = advance(fusion.table, context, BOUNDARY)
    row_V[fusion.blank] = at_end * _power(fusion.lm_weight, log_prob)


@compiled
def _log_add(a: float, b: float) -> float:
    high = max(a, b)
    return high if high == -np.inf else high + math.log1p(math.exp(min(a, b) - high))


@compiled
def _ratio(weight: float, log_new: float, log_old: float) -> float:
    """``(new / old)^weight``; what has no mass is 0 whatever the weight, so that closed lists stay closed."""
    return 0.0 if log_new == -np.inf else _power(weight, log_new - log_old)


@compiled
def _fill_row_ahead(fusion: Fusion, beam: Beam, node: int, within_word: bool, row_V: NDArray[np.float64]) -> None:
    """What each character leaves of the mass of words; see ``look_ahead``."""
    ahead, trie, state = fusion.look_ahead, fusion.spelling, beam.nodes_N[node]
    context, place = state.context, state.spelling
    log_share = -np.inf  # of words that are spelled, what is spelt so far included
    row_V[:] = -np.inf
    if ahead.is_open:
        log_share = ahead.log_escape
        if fusion.unknown_word >= 0:
            log_share = _log_add(log_share, ahead.log_keep + advance(fusion.table, context, fusion.unknown_word)[0])
        log_share += state.log_spelt
        next_log_probs(ahead.spelling, state.spelt_context, row_V)
        _to_own_columns(fusion.blank, row_V)
    log_end = log_share + row_V[fusion.blank]
    log_old = 0.0  # of all words and the end
    if within_word:
        log_old = log_share
        if place != LOST:
            log_old = _log_add(log_share, ahead.log_keep + advance(ahead.mass, context, place)[0])
    for token in range(len(row_V)):
        row_V[token] += log_share
    if place != LOST:
        for edge in range(trie.edge_start_P1[place], trie.edge_start_P1[place + 1]):
            token = own_token(fusion.blank, trie.token_E[edge])
            log_mass = ahead.log_keep + advance(ahead.mass, context, trie.place_E[edge])[0]
            row_V[token] = _log_add(row_V[token], log_mass)
    for token in range(len(row_V)):
        row_V[token] = _ratio(fusion.lm_weight, row_V[token], log_old)
    at_end = 1.0
    if within_word:
        log_prob, context = _end_word(fusion, context, place)
        if place != LOST and trie.word_P[place] != NO_WORD:
            log_end = _log_add(log_end, ahead.log_keep + log_prob)
        at_end = _ratio(fusion.lm_weight, log_end, log_old)
    row_V[fusion.space] = at_end
    log_prob, _ = advance(fusion.table, context, BOUNDARY)
    row_V[fusion.blank] = at_end * _ratio(fusion.lm_weight, ahead.log_keep + log_prob, 0.0)
