"""Texts <-> tokens: characters (the union over all languages of a corpus), subwords or words.

Token 0 is no text: CTC's blank, a language model's sentence boundary, an attention model's start and end. All models of
one corpus and unit therefore share their token ids. The symbols come from the *training* texts alone: a character that
only the test split has cannot be written by any system, and counts as an error.

A recogniser of several languages may write the language before the text (Watanabe, Hori & Hershey 2017): one symbol a
language, ``<nl>``, behind all others, so that characters have the ids that they have without. No text holds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from datamodules.annotations import BLANK, Unit
from datamodules.texts.subwords import MARK, SubwordSplitter, learnt_subwords, split_into

BLANK_SYMBOL = "<blank>"
UNKNOWN_SYMBOL = "<unk>"


def language_tag(language: str) -> str:
    """The symbol of a language; ``lightning_modules/decoding/texts.py`` tells it from others by its form.

    >>> language_tag("nl")
    '<nl>'
    """
    return f"<{language}>"


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary and its unit. ``symbols[0]`` is the blank; token 1 is ``<unk>`` of words, the mark of subwords.

    ``languages`` are those that have a tag among the symbols; none where texts are written without.

    >>> tokenizer = character_tokenizer(["ab a", "ça"])
    >>> tokenizer.symbols
    ('<blank>', ' ', 'a', 'b', 'ç')
    >>> tokenizer.encode("ba a"), tokenizer.decode((3, 2))
    ((3, 2, 1, 2), 'ba')
    >>> tagged = character_tokenizer(["ab a", "ça"], languages={"en", "fr"})
    >>> tagged.symbols[5:], tagged.encode_in("ba a", "fr"), tagged.decode((6, 3, 2))
    (('<en>', '<fr>'), (6, 3, 2, 1, 2), 'ba')
    """

    symbols: tuple[str, ...]
    unit: Unit = "character"
    languages: tuple[str, ...] = ()
    _ids: dict[str, int] = field(init=False, repr=False, compare=False, hash=False)
    _subwords: SubwordSplitter = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        if not self.symbols or self.symbols[BLANK] != BLANK_SYMBOL or len(set(self.symbols)) < len(self.symbols):
            raise ValueError(f"symbols must be unique and begin with {BLANK_SYMBOL!r}, got {self.symbols[:3]}…")
        object.__setattr__(self, "_ids", {symbol: token for token, symbol in enumerate(self.symbols)})
        object.__setattr__(self, "_subwords", SubwordSplitter(self.symbols))

    def pieces(self, text: str) -> Sequence[str]:
        """The text's characters, subwords or words."""
        return split_into(self.unit, text, self._subwords)

    def unknown(self, text: str) -> set[str]:
        """The pieces of a text that are no symbol: characters, or words."""
        return set(self.pieces(text)) - self._ids.keys()

    def encode(self, text: str) -> tuple[int, ...]:
        """Tokens of a text; what is no symbol is left out (a character) or becomes ``<unk>`` (a word)."""
        if self.unit != "word":
            return tuple(self._ids[piece] for piece in self.pieces(text) if piece in self._ids)
        unknown = self._ids[UNKNOWN_SYMBOL]
        return tuple(self._ids.get(piece, unknown) for piece in text.split())

    def encode_in(self, text: str, language: str) -> tuple[int, ...]:
        """What a recogniser writes: the language's tag where there are tags, then ``encode``.

        Raises ``ValueError`` for a language without one.
        """
        if not self.languages:
            return self.encode(text)
        if language not in self.languages:
            raise ValueError(f"language {language!r} has no tag, allowed: {', '.join(self.languages)}")
        return (self._ids[language_tag(language)], *self.encode(text))

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, without tags."""
        tags = {self._ids[language_tag(language)] for language in self.languages}
        pieces = (self.symbols[token] for token in tokens if token not in tags)
        if self.unit == "subword":
            return "".join(pieces).replace(MARK, " ").removeprefix(" ")
        return ("" if self.unit == "character" else " ").join(pieces)


def character_tokenizer(texts: Iterable[str], *, languages: Collection[str] = ()) -> Tokenizer:
    """Every character of the texts, sorted by code point, then a tag for each of ``languages``."""
    tagged = tuple(sorted(languages))
    return Tokenizer(
        (BLANK_SYMBOL, *sorted(set().union(*map(set, texts))), *map(language_tag, tagged)), "character", tagged
    )


def subword_tokenizer(texts: Iterable[str], *, size: int, languages: Collection[str] = ()) -> Tokenizer:
    """``size`` symbols, the blank among them, then a tag for each of ``languages``.

    Raises ``ValueError`` for a size that the texts do not allow.

    >>> tokenizer = subword_tokenizer(["see the sea", "the bee"], size=13)
    >>> tokenizer.pieces("the sees"), tokenizer.decode(tokenizer.encode("the sees"))
    (['▁the', '▁s', 'ee', 's'], 'the sees')
    """
    tagged = tuple(sorted(languages))
    try:
        pieces = learnt_subwords(texts, size=size - 1)
    except ValueError as error:
        raise ValueError(f"vocabulary_size {size}, the blank and pieces: {error}") from None
    return Tokenizer((BLANK_SYMBOL, *pieces, *map(language_tag, tagged)), "subword", tagged)


def word_tokenizer(texts: Iterable[str], *, min_count: int = 1, languages: Collection[str] = ()) -> Tokenizer:
    """The words that occur ``min_count`` times or more, the most frequent first (adaptive softmax needs that order).

    Behind them a tag for each of ``languages``.
    """
    counts = Counter(word for text in texts for word in text.split())
    words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
    tagged = tuple(sorted(languages))
    return Tokenizer((BLANK_SYMBOL, UNKNOWN_SYMBOL, *words, *map(language_tag, tagged)), "word", tagged)
