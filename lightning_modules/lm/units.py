"""Characters, subwords or words: which of them a vocabulary holds, and how texts become its tokens.

``datamodules/texts/tokenizer.py`` makes the vocabularies; this is what scoring needs of it, on a vocabulary that is
there.
"""

from __future__ import annotations

from collections.abc import Sequence

from datamodules.annotations import Unit
from datamodules.texts.subwords import MARK, SubwordSplitter, split_into

UNKNOWN, UNKNOWN_SYMBOL = 1, "<unk>"  # where a vocabulary of words keeps what it does not have


def unit_of(symbols: Sequence[str]) -> Unit:
    """A vocabulary with ``<unk>`` as token 1 is one of words, with the mark of a word's begin one of subwords.

    >>> unit_of(("<blank>", "<unk>", "yes")), unit_of(("<blank>", " ", "a"))
    ('word', 'character')
    """
    match list(symbols[UNKNOWN : UNKNOWN + 1]):
        case [symbol] if symbol == UNKNOWN_SYMBOL:
            return "word"
        case [symbol] if symbol == MARK:
            return "subword"
        case _:
            return "character"


class Pieces:
    """Splits texts into the pieces of a vocabulary, like ``Tokenizer``, and says which it does not have.

    >>> pieces = Pieces(("<blank>", "<unk>", "yes", "no"), unit="word")
    >>> pieces.encode("no maybe yes"), pieces.unknown("no maybe yes")
    ((3, 1, 2), ['maybe'])
    """

    def __init__(self, symbols: Sequence[str], *, unit: Unit) -> None:
        self.unit: Unit = unit
        self._ids = {symbol: token for token, symbol in enumerate(symbols)}
        self._subwords = SubwordSplitter(symbols)

    def split(self, text: str) -> Sequence[str]:
        """Characters, subwords or words."""
        return split_into(self.unit, text, self._subwords)

    def encode(self, text: str) -> tuple[int, ...]:
        """Tokens; an unknown character is left out, an unknown word is ``<unk>``."""
        if self.unit != "word":
            return tuple(self._ids[piece] for piece in self.split(text) if piece in self._ids)
        return tuple(self._ids.get(piece, UNKNOWN) for piece in text.split())

    def unknown(self, text: str) -> list[str]:
        """The pieces that the vocabulary does not have, as often as they occur."""
        return [piece for piece in self.split(text) if piece not in self._ids]
