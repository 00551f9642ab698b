"""Errors at the words of a list, and at all others: what biasing towards the list gains, and what it costs.

As Le et al. 2021 count (B-WER and U-WER): a substitution and a deletion belong to the reference's word, an insertion to
the inserted one. Each rate is over the reference words of its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from lightning_modules.metrics.edits import align, error_rate, words


class ListedErrors(NamedTuple):
    """Errors and reference words, of the list and others."""

    listed_errors: int
    listed_words: int
    other_errors: int
    other_words: int

    @property
    def listed_rate(self) -> float:
        """B-WER."""
        return error_rate(self.listed_errors, self.listed_words)

    @property
    def other_rate(self) -> float:
        """U-WER."""
        return error_rate(self.other_errors, self.other_words)


def listed_errors(pairs: Iterable[tuple[str, str]], listed: Set[str]) -> ListedErrors:
    """Count over pairs of reference and hypothesis.

    >>> errors = listed_errors([("call ann now", "call an now ann")], {"ann"})
    >>> errors.listed_rate, errors.other_rate
    (2.0, 0.0)
    """
    counts = {True: [0, 0], False: [0, 0]}  # errors, reference words
    for reference, hypothesis in pairs:
        for said, heard in align(words(reference), words(hypothesis)):
            kind = (heard if said is None else said) in listed
            counts[kind][0] += said != heard
            counts[kind][1] += said is not None
    return ListedErrors(*counts[True], *counts[False])
