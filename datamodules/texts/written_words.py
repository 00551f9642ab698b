"""Texts of a recogniser that spells by itself, with punctuation and capitals, as they are scored."""

from __future__ import annotations

from typing import NamedTuple

from datamodules.texts.text_rules import UnspeakableTextError, normalise


class WrittenWords(NamedTuple):
    """A normalised text, and those of its words that no training transcript could have."""

    text: str
    unspeakable: tuple[str, ...]


def written_words(text: str, *, language: str) -> WrittenWords:
    """Normalise as the texts of a held-out split that is kept as written (``normalise(as_written=True)``).

    What writes letter for letter what was said has no error then, digits and signs among it; an empty text stays empty.

    >>> written_words("Press 1, please… - OK?", language="en")
    WrittenWords(text='press 1 please ok', unspeakable=('1',))
    """
    try:
        normalised = normalise(text, language=language, as_written=True)
    except UnspeakableTextError:
        return WrittenWords("", ())
    return WrittenWords(normalised, tuple(word for word in normalised.split() if not _speakable(word, language)))


def _speakable(word: str, language: str) -> bool:
    try:
        normalise(word, language=language)
    except UnspeakableTextError:
        return False
    return True
