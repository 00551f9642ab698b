"""Texts of a recogniser that spells by itself, with punctuation and capitals, as they are scored."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from datamodules.texts.text_rules import UnspeakableTextError, normalise


class WrittenWords(NamedTuple):
    """A normalised text, and those of its words that no transcript could have."""

    text: str
    unspeakable: tuple[str, ...]


def written_words(text: str, *, language: str) -> WrittenWords:
    """Normalise word by word, so that nothing is an error here.

    A word that ``normalise`` refuses stays as it is, lower case and without the punctuation at its ends.

    >>> written_words("Press 1, please… - OK?", language="en")
    WrittenWords(text='press 1 please ok', unspeakable=('1',))
    """
    kept, unspeakable = list[str](), list[str]()
    for word in text.split():
        try:
            kept.append(normalise(word, language=language))
        except UnspeakableTextError:
            bare = unicodedata.normalize("NFC", word.lower())
            bare = bare.strip("".join(mark for mark in set(bare) if unicodedata.category(mark)[0] == "P"))
            if bare:
                kept.append(bare)
                unspeakable.append(bare)
    return WrittenWords(" ".join(kept), tuple(unspeakable))
