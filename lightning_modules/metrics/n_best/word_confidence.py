"""How sure each word of a text is: the posterior mass of the N best that have the word at its place.

Each text of the list is aligned with the chosen one by least edits, and gives its mass to the words that it has there
too (Weintraub 1997; Wessel et al. 2001 sum over lattices in place of lists). A word that the whole list shares has
confidence 1: what is in no text of the list can't be doubted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.edits import align


def words_at_place(text: str, others: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each of N other texts has each of W words at its place, (N, W).

    >>> words_at_place("a b c", ["a b c", "a c", "b c"]).astype(int).tolist()
    [[1, 1, 1], [1, 0, 1], [0, 1, 1]]
    """
    words = text.split()
    has_word_NW = np.zeros((len(others), len(words)), np.bool_)
    for row, other in enumerate(others):
        pairs = [pair for pair in align(words, other.split()) if pair[0] is not None]
        has_word_NW[row] = [own == there for own, there in pairs]
    return has_word_NW


def word_confidences(has_word_NW: NDArray[np.bool_], posterior_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each word's mass, in 0-1."""
    return np.asarray(np.minimum(posterior_N @ has_word_NW, 1.0))
