"""What a decoder asks of a language model, and the n-gram tables that travel between estimation and decoding.

Token ids are those of the recogniser; id 0 (CTC's blank) is the sentence boundary: it stands before every sentence, is
never written in a history, and as a prediction it ends the sentence. All logarithms are natural.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Unit

BOUNDARY = 0


@runtime_checkable
class LanguageModel(Protocol):
    """Next-token probabilities. Implementations may cache by history; results never depend on the batch."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary: ``symbols[token]`` is a token's text."""

    def next_log_probs(self, histories: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        """``log p(next token | history)`` of N histories since the sentence's start: (N, V); column 0 ends it."""


class Ngram(NamedTuple):
    """One entry of a back-off table, natural logarithms."""

    log_prob: float
    log_backoff: float = 0.0


@dataclass(frozen=True)
class BackoffNgrams:
    """An n-gram model as an ARPA file has it, in token ids.

    ``tables[n - 1]`` maps the n-grams of length n to their entries. Token 0 stands for ``<s>`` at an n-gram's start and
    for ``</s>`` at its end (a sentence boundary is never in between), so ``(0,)`` is ``</s>`` with the back-off weight
    of ``<s>``. ``unit`` says whether the symbols are characters (the space is one), subwords or words.
    """

    symbols: tuple[str, ...]
    unit: Unit
    tables: tuple[Mapping[tuple[int, ...], Ngram], ...]

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return len(self.tables)

    def log_prob(self, token: int, history: tuple[int, ...]) -> float:
        """``log p(token | history)`` by back-off (Katz 1987); ``history`` begins with 0 at a sentence's start.

        The slow, obvious form: what every faster one is tested against.
        """
        context = history[max(0, len(history) - self.order + 1) :]
        entry = self.tables[len(context)].get((*context, token))
        if entry is not None:
            return entry.log_prob
        if not context:
            raise KeyError(f"token {token} has no unigram")
        known = self.tables[len(context) - 1].get(context)
        return (0.0 if known is None else known.log_backoff) + self.log_prob(token, context[1:])
