"""From aligned tokens to words: the frames of each, and how sure the recogniser was.

Characters make words between spaces, subwords from one mark to the next, and where tokens are words each is one; tags
of languages are no part of any. Joined by spaces the words are what ``decoding/texts.py`` spells of the same tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lightning_modules.decoding.ctc.forced_alignment import AlignedToken, Alignment
from lightning_modules.decoding.texts import MARK, are_words, has_subwords, is_tag


class AlignedWord(NamedTuple):
    """A word from the first frame of its first token to the last of its last, both counted in.

    ``confidence``, in 0-1, is the geometric mean over its tokens of each one's posterior at its spike,
    ``exp(mean log y_spike)``. It is not calibrated: 0.9 does not mean that nine in ten such words are right.
    """

    text: str
    first_frame: int
    last_frame: int
    confidence: float
    tokens: tuple[AlignedToken, ...]


def aligned_words(alignment: Alignment, symbols: Sequence[str]) -> tuple[AlignedWord, ...]:
    """The words of an alignment in order.

    >>> token = lambda token, frame: AlignedToken(token, frame, frame + 1, frame, math.log(0.5), -1.0)
    >>> alignment = Alignment((token(2, 0), token(3, 2), token(1, 4), token(3, 7)), -9.0)
    >>> [word[:4] for word in aligned_words(alignment, ("<blank>", " ", "a", "b"))]
    [('ab', 0, 3, 0.5), ('b', 7, 8, 0.5)]
    """
    return tuple(_word(tokens, symbols) for tokens in _of_words(alignment.tokens, symbols))


def _of_words(tokens: Sequence[AlignedToken], symbols: Sequence[str]) -> Iterator[list[AlignedToken]]:
    """The tokens of each word, marks and all; none for the spaces between."""
    single, marked = are_words(symbols), has_subwords(symbols)
    word: list[AlignedToken] = []
    for token in tokens:
        symbol = symbols[token.token]
        if is_tag(symbol):
            continue
        begins = single or (marked and symbol.startswith(MARK))
        if (begins or symbol.isspace()) and _spelt(word, symbols):
            yield word
        if begins or symbol.isspace():
            word = []
        if not symbol.isspace():
            word.append(token)
    if _spelt(word, symbols):
        yield word


def _spelt(word: Sequence[AlignedToken], symbols: Sequence[str]) -> str:
    return "".join(symbols[token.token] for token in word).replace(MARK, "")


def _word(tokens: Sequence[AlignedToken], symbols: Sequence[str]) -> AlignedWord:
    # A mark alone may spike long before the word: its frames are those of what is spelt.
    spoken = [token for token in tokens if symbols[token.token] != MARK] or tokens
    confidence = math.exp(sum(token.spike_log_prob for token in spoken) / len(spoken))
    return AlignedWord(_spelt(tokens, symbols), spoken[0].first_frame, spoken[-1].last_frame, confidence, tuple(spoken))
