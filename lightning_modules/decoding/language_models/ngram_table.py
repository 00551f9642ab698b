"""A back-off n-gram model as flat arrays, so that compiled decoders can walk it.

The table is a trie of contexts. A context is an n-gram with a back-off weight or one that a longer n-gram begins with;
its number is the model's whole memory of a history (the longest suffix of the history that is a context), so a decoder
carries one integer a prefix. A context's row holds its explicit continuations, sorted by token; context 0 is the empty
one and its row holds every token, which ends each search (Katz 1987, as ``BackoffNgrams.log_prob`` has it).
Legend: N contexts, E entries, V symbols. All logarithms are natural.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled
from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams

EMPTY = 0  # the context that knows nothing


class NgramTable(NamedTuple):
    """The arrays of one model. Row ``n`` is ``[row_start_N1[n], row_start_N1[n + 1])`` of the E arrays.

    ``next_context_E`` is where an entry's token leads from its context; ``shorter_N`` is the context to back off to,
    at the price ``log_backoff_N``. ``start`` is the context of a sentence's beginning.
    """

    row_start_N1: NDArray[np.int64]
    token_E: NDArray[np.int32]
    log_prob_E: NDArray[np.float64]
    next_context_E: NDArray[np.int64]
    shorter_N: NDArray[np.int64]
    log_backoff_N: NDArray[np.float64]
    start: int


def compile_ngrams(ngrams: BackoffNgrams) -> NgramTable:
    """Arrays of an n-gram model. A token without a unigram has probability 0. Raises ``ValueError`` for alien tokens.

    >>> from lightning_modules.decoding.language_models.language_model import Ngram
    >>> unigrams = {(0,): Ngram(-1.0, -0.5), (1,): Ngram(-2.0, -0.25), (2,): Ngram(-3.0)}
    >>> table = compile_ngrams(BackoffNgrams(("#", "a", "b"), "character", (unigrams, {(0, 1): Ngram(-0.125)})))
    >>> advance(table, table.start, 1)  # p(a | #) is listed, and leads to the context of a
    (-0.125, 2)
    >>> advance(table, 2, 2)  # p(b | a) is not: back-off of a, then p(b)
    (-3.25, 0)
    """
    contexts = _contexts(ngrams)
    entries = sorted(_entries(ngrams, contexts))
    width = len(ngrams.symbols)
    for _, token, _, _ in entries:
        if not 0 <= token < width:
            raise ValueError(f"n-gram with token {token}, allowed: 0 to {width - 1}")
    lengths_N = np.bincount([context for context, _, _, _ in entries], minlength=len(contexts))
    return NgramTable(
        row_start_N1=np.concatenate(([0], np.cumsum(lengths_N))).astype(np.int64),
        token_E=np.array([token for _, token, _, _ in entries], np.int32),
        log_prob_E=np.array([log_prob for _, _, log_prob, _ in entries], np.float64),
        next_context_E=np.array([target for _, _, _, target in entries], np.int64),
        shorter_N=np.array([_longest(context[1:], contexts) for context in contexts], np.int64),
        log_backoff_N=np.array([_log_backoff(ngrams, context) for context in contexts], np.float64),
        start=contexts.get((BOUNDARY,), EMPTY),
    )


Contexts = dict[tuple[int, ...], int]


def _contexts(ngrams: BackoffNgrams) -> Contexts:
    """Every context and its number, shorter ones first. Each begins with a context, so a walk never loses one."""
    found: set[tuple[int, ...]] = {()}
    for length, table in enumerate(ngrams.tables, start=1):
        for ngram, entry in table.items():
            stem = ngram if length < ngrams.order and entry.log_backoff != 0 else ngram[:-1]
            while stem not in found:
                found.add(stem)
                stem = stem[:-1]
    return {context: number for number, context in enumerate(sorted(found, key=lambda c: (len(c), c)))}


def _entries(ngrams: BackoffNgrams, contexts: Contexts) -> list[tuple[int, int, float, int]]:
    """(context, token, log probability, next context) of every entry, of contexts without one, and of all unigrams."""
    rows = [
        (contexts[ngram[:-1]], ngram[-1], entry.log_prob, _longest(ngram[-ngrams.order + 1 :], contexts))
        if ngrams.order > 1
        else (EMPTY, ngram[0], entry.log_prob, EMPTY)
        for table in ngrams.tables
        for ngram, entry in table.items()
    ]
    for context, number in contexts.items():
        if context and context not in ngrams.tables[len(context) - 1]:
            rows.append((contexts[context[:-1]], context[-1], _log_prob(ngrams, context), number))
    listed = {token for context, token, _, _ in rows if context == EMPTY}
    rows += [(EMPTY, token, -math.inf, EMPTY) for token in range(len(ngrams.symbols)) if token not in listed]
    return rows


def _longest(history: tuple[int, ...], contexts: Contexts) -> int:
    """The longest suffix that is a context."""
    while history not in contexts:
        history = history[1:]
    return contexts[history]


def _log_backoff(ngrams: BackoffNgrams, context: tuple[int, ...]) -> float:
    entry = ngrams.tables[len(context) - 1].get(context) if context else None
    return 0.0 if entry is None else entry.log_backoff


def _log_prob(ngrams: BackoffNgrams, ngram: tuple[int, ...]) -> float:
    try:
        return ngrams.log_prob(ngram[-1], ngram[:-1])
    except KeyError:
        return -math.inf


@compiled
def advance(table: NgramTable, context: int, token: int) -> tuple[float, int]:
    """``log p(token | context)``, and the context after it."""
    log_backoff = 0.0
    while context != EMPTY:
        low, high = table.row_start_N1[context], table.row_start_N1[context + 1]
        while low < high:
            middle = (low + high) >> 1
            if table.token_E[middle] < token:
                low = middle + 1
            else:
                high = middle
        if low < table.row_start_N1[context + 1] and table.token_E[low] == token:
            return log_backoff + table.log_prob_E[low], table.next_context_E[low]
        log_backoff += table.log_backoff_N[context]
        context = table.shorter_N[context]
    return log_backoff + table.log_prob_E[token], table.next_context_E[token]


@compiled
def next_log_probs(table: NgramTable, context: int, log_probs_V: NDArray[np.float64]) -> None:
    """Fill ``log p(. | context)`` of all tokens: the context's own row first, then what shorter ones add."""
    log_probs_V[:] = np.nan
    log_backoff = 0.0
    while True:
        for entry in range(table.row_start_N1[context], table.row_start_N1[context + 1]):
            if np.isnan(log_probs_V[table.token_E[entry]]):
                log_probs_V[table.token_E[entry]] = log_backoff + table.log_prob_E[entry]
        if context == EMPTY:
            break
        log_backoff += table.log_backoff_N[context]
        context = table.shorter_N[context]


def to_the_power(table: NgramTable, exponent: float) -> NgramTable:
    """The table with ``p^exponent`` in place of every log probability and log back-off weight; for ``next_powers``."""
    if exponent == 0:  # 0 times -inf is no number
        return table._replace(
            log_prob_E=np.ones_like(table.log_prob_E), log_backoff_N=np.ones_like(table.log_backoff_N)
        )
    return table._replace(
        log_prob_E=np.exp(exponent * table.log_prob_E), log_backoff_N=np.exp(exponent * table.log_backoff_N)
    )


@compiled
def next_powers(table: NgramTable, context: int, powers_V: NDArray[np.float64]) -> None:
    """``next_log_probs`` of a table of powers: products for sums."""
    powers_V[:] = -1.0
    backoff = 1.0
    while True:
        for entry in range(table.row_start_N1[context], table.row_start_N1[context + 1]):
            if powers_V[table.token_E[entry]] < 0:
                powers_V[table.token_E[entry]] = backoff * table.log_prob_E[entry]
        if context == EMPTY:
            break
        backoff *= table.log_backoff_N[context]
        context = table.shorter_N[context]
