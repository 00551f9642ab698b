"""An n-gram model as a ``LanguageModel``: any history in, the next token's log probabilities out, compiled.

Equal to ``BackoffNgrams.log_prob`` for every token that has a unigram; a token without one has log probability -inf.
Prefix beam search recognises this class and walks its table inside the compiled search instead of asking by history.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled
from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams
from lightning_modules.decoding.language_models.ngram_table import (
    EMPTY,
    NgramTable,
    advance,
    compile_ngrams,
    next_log_probs,
    to_the_power,
)

NOTHING = -1  # fills the rows of short histories


class NgramLanguageModel:
    """Characters or words, as the n-grams have it.

    >>> from lightning_modules.decoding.language_models.language_model import Ngram
    >>> unigrams = {(0,): Ngram(-1.0, -0.5), (1,): Ngram(-2.0), (2,): Ngram(-3.0)}
    >>> ngrams = BackoffNgrams(("#", "a", "b"), "character", (unigrams, {(0, 1): Ngram(-0.125)}))
    >>> NgramLanguageModel(ngrams).next_log_probs([(), (1,)])
    array([[-1.5  , -0.125, -3.5  ],
           [-1.   , -2.   , -3.   ]], dtype=float32)
    """

    def __init__(self, ngrams: BackoffNgrams) -> None:
        self.ngrams = ngrams
        self.table: NgramTable = compile_ngrams(ngrams)
        self._powers: tuple[float, NgramTable] | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary; ``symbols[0]`` is the sentence boundary."""
        return self.ngrams.symbols

    def powers(self, exponent: float) -> NgramTable:
        """``to_the_power`` of the table; the last one is kept, since a search is called batch by batch."""
        kept = self._powers
        if kept is None or kept[0] != exponent:
            kept = self._powers = (exponent, to_the_power(self.table, exponent))
        return kept[1]

    def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        """``log p(next token | history)`` of N histories since the sentence's start: (N, V); column 0 ends it.

        Raises ``ValueError`` for a history with a token outside the vocabulary.
        """
        reach = self.ngrams.order - 1
        tails_NL = np.full((len(histories), reach), NOTHING, np.int64)
        for row, history in enumerate(histories):
            tail = (BOUNDARY, *history)[-reach:] if len(history) < reach else history[len(history) - reach :]
            tails_NL[row, : len(tail)] = tail
        if tails_NL.size and tails_NL.max() >= len(self.symbols):
            raise ValueError(f"history with token {tails_NL.max()}, allowed: 0 to {len(self.symbols) - 1}")
        log_probs_NV = np.empty((len(histories), len(self.symbols)), np.float32)
        _fill(self.table, tails_NL, log_probs_NV)
        return log_probs_NV


@compiled
def _fill(table: NgramTable, tails_NL: NDArray[np.int64], log_probs_NV: NDArray[np.float32]) -> None:
    row_V = np.empty(log_probs_NV.shape[1], np.float64)
    for row in range(len(tails_NL)):
        context = EMPTY
        for token in tails_NL[row]:
            if token != NOTHING:
                _, context = advance(table, context, token)
        next_log_probs(table, context, row_V)
        log_probs_NV[row] = row_V
