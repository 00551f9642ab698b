"""Tokens -> text, as errors are counted against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from datamodules.annotations import BLANK

MARK = "▁"  # what begins the words of subwords, as ``datamodules/texts/subwords.py`` has them; token 1 of those
_NO_TAGS = ("<blank>", "<unk>")  # what ``datamodules/texts/tokenizer.py`` writes in brackets and is no language


def is_tag(symbol: str) -> bool:
    """Whether a symbol says the language of what follows, ``<nl>``: no text holds it (normalised ones have no ``<``).

    >>> is_tag("<nl>"), is_tag("<unk>"), is_tag("<"), is_tag("nl")
    (True, False, False, False)
    """
    return len(symbol) > 2 and symbol[0] == "<" and symbol[-1] == ">" and symbol not in _NO_TAGS


def tag_tokens(symbols: Sequence[str]) -> tuple[int, ...]:
    """The tokens that say a language.

    >>> tag_tokens(("<blank>", "a", "<cs>", "<nl>"))
    (2, 3)
    """
    return tuple(token for token, symbol in enumerate(symbols) if token != BLANK and is_tag(symbol))


def has_subwords(symbols: Sequence[str]) -> bool:
    """Whether a vocabulary is one of subwords."""
    return tuple(symbols[1:2]) == (MARK,)


def are_words(symbols: Sequence[str]) -> bool:
    """Whether a vocabulary's tokens are words: it has ``<unk>``; a character's symbols but for tags are of length 1.

    >>> are_words(("<blank>", "<unk>", "a")), are_words(("<blank>", " ", "a", "<nl>"))
    (True, False)
    >>> are_words(("<blank>", "▁", "▁a", "b"))
    False
    """
    if has_subwords(symbols):
        return False
    return any(len(symbol) > 1 and not is_tag(symbol) for token, symbol in enumerate(symbols) if token != BLANK)


def spell(tokens: Iterable[int], symbols: Sequence[str]) -> str:
    """The text of tokens without tags; spaces at the ends are not kept, and several in a row are one.

    Characters are joined by nothing, words by spaces. Subwords are joined by nothing too, and their marks are spaces.

    >>> spell([2, 1, 1, 3, 1], ("<blank>", " ", "a", "b")), spell([2, 1], ("<blank>", "<unk>", "a"))
    ('a b', 'a <unk>')
    >>> spell([4, 2, 1, 3], ("<blank>", " ", "a", "b", "<nl>"))
    'a b'
    >>> spell([2, 3, 1, 3], ("<blank>", "▁", "▁a", "b"))
    'ab b'
    """
    if has_subwords(symbols):
        marked = "".join(symbols[token] for token in tokens if not is_tag(symbols[token]))
        return " ".join(marked.replace(MARK, " ").split())
    pieces = (symbols[token] for token in tokens if not is_tag(symbols[token]))
    return " ".join((" " if are_words(symbols) else "").join(pieces).split())
