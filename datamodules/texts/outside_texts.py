"""Texts from elsewhere, made into normalised sentences as transcripts are.

A file has a sentence or more a line, or is of the form of Debian's ``fortunes-*`` packages: texts of several lines,
parted by lines of a single ``%``, that may end in who said them (``-- Author``), which is no sentence. A sentence ends
at ``.``, ``!``, ``?`` or ``…`` before a space, and at the full stops of other scripts (``。``, ``।``, ``؟``, ``።`` …).
What can't be read as letters (digits, signs, brackets) is left out, and so are repeats, and of Italian fortunes what
has an accent typed as an apostrophe (perche', e'): read as they stand they are other words. All of it is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from datamodules.texts.text_rules import APOSTROPHES, RULES, UnspeakableTextError, code_of, normalise
from datamodules.texts.utf8_text import read_utf8

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。．！？।॥؟۔።။])[」』”’]*\s*")
_FORTUNES = re.compile(r"^%\s*$", re.MULTILINE)
_ATTRIBUTION = re.compile(r"(?:\s|\x1b\[[\d;]*m)*-{2,3}(?![->])")  # a terminal's colours may stand before it
_TYPED_ACCENT = re.compile(rf"(\w*[aeiou])[{APOSTROPHES}](?!\w)", re.IGNORECASE)


class OutsideTexts(NamedTuple):
    """``texts`` are normalised sentences, each once; the counts are of sentences that were left out, by why."""

    texts: tuple[str, ...]
    left_out: Counter[str]


def read_outside_texts(path: Path, *, language: str) -> OutsideTexts:
    """The sentences of a UTF-8 file. Raises ``OSError`` if it can't be opened, ``ValueError`` for other encodings."""
    return outside_texts(read_utf8(path), language=language)


def outside_texts(content: str, *, language: str) -> OutsideTexts:
    """The sentences of a file's content, in one language.

    >>> found = outside_texts("Press 1. Hello, you! Hello you.", language="en")
    >>> found.texts, found.left_out["repeated"], found.left_out.total()
    (('hello you',), 1, 2)
    """
    left_out: Counter[str] = Counter()
    texts: dict[str, None] = {}
    is_fortunes = _FORTUNES.search(content) is not None
    parts = _without_attributions(_FORTUNES.split(content), left_out) if is_fortunes else content.split("\n")
    for sentence in _sentences(parts):
        if is_fortunes and _has_typed_accent(sentence, language):
            left_out["accents typed as apostrophes"] += 1
            continue
        try:
            text = normalise(sentence, language=language)
        except UnspeakableTextError as error:
            left_out[error.reason] += 1
            continue
        if not text or text in texts:
            left_out["repeated" if text else "no letters"] += 1
        else:
            texts[text] = None
    return OutsideTexts(tuple(texts), left_out)


def _sentences(parts: Iterable[str]) -> list[str]:
    return [sentence for part in parts for sentence in _SENTENCE_END.split(" ".join(part.split())) if sentence.strip()]


def _without_attributions(parts: Iterable[str], left_out: Counter[str]) -> list[str]:
    """Texts up to the last line that begins with two dashes, where it isn't the first and what follows is indented."""
    kept = []
    for lines in (part.strip("\n").split("\n") for part in parts):
        at = next((place for place in range(len(lines) - 1, 0, -1) if _ATTRIBUTION.match(lines[place])), None)
        if at is None or any(line and not line[0].isspace() for line in lines[at + 1 :]):
            kept.append("\n".join(lines))
        else:
            left_out["an attribution"] += 1
            kept.append("\n".join(lines[:at]))
    return kept


def _has_typed_accent(sentence: str, language: str) -> bool:
    """Whether an Italian word ends in a vowel and an apostrophe that is not its own (un po', di')."""
    if code_of(language) != "it":
        return False
    return any(word.lower() not in RULES["it"].trailing for word in _TYPED_ACCENT.findall(sentence))
