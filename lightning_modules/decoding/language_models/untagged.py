"""A language model over characters for a recogniser that writes the language first: its tags are nothing to the model.

A tag costs nothing (log probability 0) and is no part of a history, so that a hypothesis has the probability of its
characters. Over all symbols the answers sum to more than one: a tag is a choice that only the recogniser makes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.ngram_table import NgramTable
from lightning_modules.decoding.texts import is_tag


def without_tags(symbols: Sequence[str]) -> tuple[str, ...]:
    """The symbols that are no tag, in their order.

    >>> without_tags(("<blank>", " ", "a", "<cs>", "<nl>"))
    ('<blank>', ' ', 'a')
    """
    return tuple(symbol for symbol in symbols if not is_tag(symbol))


class Untagged:
    """``language_model`` with the recogniser's ``symbols``, of which it lacks the tags and nothing else.

    Raises ``ValueError`` where it lacks, or has, anything else.
    """

    def __init__(self, language_model: LanguageModel, symbols: Sequence[str]) -> None:
        if tuple(language_model.symbols) != without_tags(symbols):
            raise ValueError(
                f"a language model of {len(language_model.symbols)} symbols, allowed: the {len(without_tags(symbols))} "
                "of the recogniser that are no tag of a language"
            )
        self._language_model = language_model
        self._symbols = tuple(symbols)
        self._characters_C = np.array([token for token, symbol in enumerate(symbols) if not is_tag(symbol)], np.int64)
        self._lm_tokens = {token: lm_token for lm_token, token in enumerate(self._characters_C.tolist())}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The recogniser's vocabulary."""
        return self._symbols

    def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        """``log p(next token | the history's characters)`` of N histories: (N, V), 0 for tags; column 0 ends it."""
        asked = [
            tuple(self._lm_tokens[token] for token in history if not is_tag(self._symbols[token]))
            for history in histories
        ]
        log_probs_NV = np.zeros((len(histories), len(self._symbols)), np.float32)
        log_probs_NV[:, self._characters_C] = self._language_model.next_log_probs(asked)
        return log_probs_NV


class UntaggedNgrams(NgramLanguageModel):
    """``Untagged`` of an n-gram model, with a table that the compiled search walks instead of asking by history."""

    def __init__(self, language_model: NgramLanguageModel, symbols: Sequence[str]) -> None:
        super().__init__(language_model.ngrams)
        self._by_history = Untagged(language_model, symbols)
        self.table = _with_tags(self.table, symbols)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The recogniser's vocabulary."""
        return self._by_history.symbols

    def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        """See ``Untagged``."""
        return self._by_history.next_log_probs(histories)


def untagged(language_model: LanguageModel, symbols: Sequence[str]) -> Untagged | UntaggedNgrams:
    """The faster of the two that the model can be."""
    if isinstance(language_model, NgramLanguageModel):
        return UntaggedNgrams(language_model, symbols)
    return Untagged(language_model, symbols)


def _with_tags(table: NgramTable, symbols: Sequence[str]) -> NgramTable:
    """The table of a model without tags among ``symbols``: in each context every tag leads back to it."""
    is_tag_V = np.array([is_tag(symbol) for symbol in symbols])
    characters_C, tags_G = np.flatnonzero(~is_tag_V), np.flatnonzero(is_tag_V)
    lengths_N = np.diff(table.row_start_N1)
    contexts_N = np.arange(len(lengths_N))
    to_itself_E = np.repeat(contexts_N, len(tags_G))
    context_E = np.concatenate((np.repeat(contexts_N, lengths_N), to_itself_E))
    token_E = np.concatenate((characters_C[table.token_E], np.tile(tags_G, len(lengths_N))))
    order_E = np.lexsort((token_E, context_E))
    return table._replace(
        row_start_N1=np.concatenate(([0], np.cumsum(lengths_N + len(tags_G)))),
        token_E=token_E[order_E].astype(np.int32),
        log_prob_E=np.concatenate((table.log_prob_E, np.zeros(len(to_itself_E))))[order_E],
        next_context_E=np.concatenate((table.next_context_E, to_itself_E))[order_E],
    )
