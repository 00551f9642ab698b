"""What a language model and word bonuses multiply a prefix by, token by token: the rows of the beam.

A prefix's weight is ``p_lm^lm_weight · e^(word_bonus·|words|) · |words|^log_word_bonus`` (Hannun 2014 and Maas 2015
have the last form; no words count as one there). It is a product of factors, one for each token of the prefix, so the
search multiplies them into the CTC probability of an extension. A word counts when it ends: with the space after it,
or with the sentence. Legend as in ``beam``; a row's blank column is the factor for ending the sentence.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_modules.decoding.beam import Beam
from lightning_modules.decoding.ngram_table import EMPTY, NgramTable, advance, next_log_probs
from lightning_modules.decoding.spelling import LOST, NO_WORD, ROOT, Spelling, longer

NOTHING, BONUS, TOKENS, WORDS, GIVEN = range(
    5
)  # kinds: none, bonuses alone, n-gram of tokens or words, rows from outside


class Fusion(NamedTuple):
    """One kind of language model and its weights, for the compiled search (tables that a kind ignores are empty).

    ``space`` is the token that ends words, or -1. ``most_V`` bounds the factor of each token from above.
    """

    kind: int
    table: NgramTable
    spelling: Spelling
    unknown_word: int  # the word n-gram's <unk>, or -1: then ``unknown_log_prob``
    unknown_log_prob: float
    lm_weight: float
    word_bonus: float
    log_word_bonus: float
    space: int
    blank: int
    most_V: NDArray[np.float64]


@njit(cache=True, nogil=True)
def lm_token(fusion: Fusion, token: int) -> int:
    """The language model's id of a token: 0 for the blank, the others from 1 in their order."""
    return token + 1 if token < fusion.blank else token if token != fusion.blank else 0


@njit(cache=True, nogil=True)
def start(fusion: Fusion, beam: Beam) -> None:
    """Put the empty prefix into the language model's first state."""
    if fusion.kind in (TOKENS, WORDS):
        beam.context_N[0] = fusion.table.start
    beam.spelling_N[0] = ROOT


@njit(cache=True, nogil=True)
def is_within_word(fusion: Fusion, beam: Beam, node: int) -> bool:
    """Whether a prefix ends in anything but a space."""
    return node != 0 and fusion.space >= 0 and beam.token_N[node] != fusion.space


@njit(cache=True, nogil=True)
def follow(fusion: Fusion, beam: Beam, node: int, factor: float) -> None:
    """The state of a new node, from its parent's."""
    parent, token = beam.parent_N[node], beam.token_N[node]
    beam.log_weight_N[node] = beam.log_weight_N[parent] + math.log(factor)
    ends_word = token == fusion.space and is_within_word(fusion, beam, parent)
    beam.words_N[node] = beam.words_N[parent] + ends_word
    beam.context_N[node] = beam.context_N[parent]
    beam.spelling_N[node] = ROOT
    if fusion.kind == TOKENS:
        _, beam.context_N[node] = advance(fusion.table, beam.context_N[parent], lm_token(fusion, token))
    elif fusion.kind == WORDS and ends_word:
        _, beam.context_N[node] = _end_word(fusion, beam.context_N[parent], beam.spelling_N[parent])
    elif fusion.kind == WORDS and token != fusion.space:
        beam.spelling_N[node] = longer(fusion.spelling, beam.spelling_N[parent], token)


@njit(cache=True, nogil=True)
def _power(weight: float, log_prob: float) -> float:
    return math.exp(weight * log_prob) if weight > 0 else 1.0  # 0 times -inf is no number


@njit(cache=True, nogil=True)
def fill_row(fusion: Fusion, beam: Beam, slot: int) -> None:
    """Compute a slot's row (kind GIVEN: its log probabilities lie there already, in the recogniser's columns)."""
    node, row_V = beam.node_S[slot], beam.rows_SV[slot]
    if fusion.kind == BONUS:
        row_V[:] = 1.0
    elif fusion.kind == WORDS:
        _fill_word_row(fusion, beam.context_N[node], beam.spelling_N[node], is_within_word(fusion, beam, node), row_V)
    else:
        if fusion.kind == TOKENS:
            log_probs_V = np.empty(len(row_V))
            next_log_probs(fusion.table, beam.context_N[node], log_probs_V)
            for token in range(len(row_V)):
                row_V[token] = log_probs_V[lm_token(fusion, token)]
        for token in range(len(row_V)):
            row_V[token] = _power(fusion.lm_weight, row_V[token])
    if is_within_word(fusion, beam, node):
        words = beam.words_N[node]
        bonus = math.exp(fusion.word_bonus) * ((words + 1) / max(words, 1)) ** fusion.log_word_bonus
        row_V[fusion.space] *= bonus
        row_V[fusion.blank] *= bonus
    beam.has_row_S[slot] = True


@njit(cache=True, nogil=True)
def _end_word(fusion: Fusion, context: int, spelling: int) -> tuple[float, int]:
    """``log p`` of the word that ends here, and the context after it."""
    word = NO_WORD if spelling == LOST else fusion.spelling.word_P[spelling]
    if word < 0:
        word = fusion.unknown_word
    if word < 0:
        return fusion.unknown_log_prob, EMPTY
    return advance(fusion.table, context, word)


@njit(cache=True, nogil=True)
def _fill_word_row(fusion: Fusion, context: int, spelling: int, within_word: bool, row_V: NDArray[np.float64]) -> None:
    trie = fusion.spelling
    row_V[:] = 0.0 if trie.is_closed else 1.0
    if trie.is_closed and spelling != LOST:
        for edge in range(trie.edge_start_P1[spelling], trie.edge_start_P1[spelling + 1]):
            row_V[trie.token_E[edge]] = 1.0
    at_end = 1.0
    if within_word:
        log_prob, context = _end_word(fusion, context, spelling)
        if trie.is_closed and (spelling == LOST or trie.word_P[spelling] == NO_WORD):
            at_end = 0.0
        else:
            at_end = _power(fusion.lm_weight, log_prob)
    row_V[fusion.space] = at_end
    log_prob, _ = advance(fusion.table, context, 0)
    row_V[fusion.blank] = at_end * _power(fusion.lm_weight, log_prob)
