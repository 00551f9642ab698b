"""Tokens -> text, as errors are counted against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from datamodules.annotations import BLANK


def spell(tokens: Iterable[int], symbols: Sequence[str]) -> str:
    """The text of tokens; spaces at the ends are not kept, and several in a row are one.

    Characters are joined by nothing, words by spaces: a word vocabulary has ``<unk>``, a character's symbols are all of
    length 1.

    >>> spell([2, 1, 1, 3, 1], ("<blank>", " ", "a", "b")), spell([2, 1], ("<blank>", "<unk>", "a"))
    ('a b', 'a <unk>')
    """
    words = any(len(symbol) > 1 for token, symbol in enumerate(symbols) if token != BLANK)
    return " ".join((" " if words else "").join(symbols[token] for token in tokens).split())
