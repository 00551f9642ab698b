"""Words as a trie of a recogniser's tokens: which word a prefix spells, and whether any word begins so.

Legend: P places in the trie (place 0 the empty spelling), E edges between them, sorted by token at each place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled

ROOT = 0
LOST = -1  # no word begins like this
NO_WORD, UNKNOWN_WORD = -1, -2  # a place where no word ends, or one that the language model does not know


class Spelling(NamedTuple):
    """The trie. ``word_P`` is the language model's id of the word that ends at a place.

    ``is_closed``: prefixes must spell words of the trie, and nothing else.
    """

    edge_start_P1: NDArray[np.int64]
    token_E: NDArray[np.int32]
    place_E: NDArray[np.int64]
    word_P: NDArray[np.int64]
    is_closed: bool


def compile_spelling(words: Iterable[tuple[Sequence[int], int]], *, is_closed: bool) -> Spelling:
    """The trie of words, given as tokens and the language model's id each.

    >>> trie = compile_spelling([((1, 2), 7), ((1,), 8)], is_closed=False)
    >>> place = longer(trie, longer(trie, ROOT, 1), 2)
    >>> int(trie.word_P[place]), longer(trie, place, 2) == LOST
    (7, True)
    """
    children: list[dict[int, int]] = [{}]
    ends = [NO_WORD]
    for tokens, word in words:
        place = ROOT
        for token in tokens:
            if token not in children[place]:
                children[place][token] = len(children)
                children.append({})
                ends.append(NO_WORD)
            place = children[place][token]
        ends[place] = word
    edges = [edge for at_place in children for edge in sorted(at_place.items())]
    return Spelling(
        edge_start_P1=np.cumsum([0, *(len(at_place) for at_place in children)]).astype(np.int64),
        token_E=np.array([token for token, _ in edges], np.int32),
        place_E=np.array([place for _, place in edges], np.int64),
        word_P=np.array(ends, np.int64),
        is_closed=is_closed,
    )


@compiled
def longer(spelling: Spelling, place: int, token: int) -> int:
    """The place after one more token, or LOST."""
    if place == LOST:
        return LOST
    low, high = spelling.edge_start_P1[place], spelling.edge_start_P1[place + 1]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if spelling.token_E[middle] < token:
            low = middle + 1
        else:
            high = middle
    return int(spelling.place_E[low]) if low < end and spelling.token_E[low] == token else LOST
