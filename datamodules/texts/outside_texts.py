"""Texts from elsewhere, made into normalised sentences as transcripts are.

A file has a sentence or more a line, or is one of Debian's ``fortunes-*`` packages, whose texts of several lines are
parted by lines of a single ``%``. A sentence ends at ``.``, ``!``, ``?`` or ``…`` before a space, and at the full stops
of other scripts (``。``, ``।``, ``؟``, ``።`` …). What can't be read as letters
(digits, signs, brackets) is left out, and so are repeats; all that is left out is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from datamodules.texts.text_rules import UnspeakableTextError, normalise
from datamodules.texts.utf8_text import read_utf8

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。．！？।॥؟۔።။])[」』”’]*\s*")
_FORTUNES = re.compile(r"^%\s*$", re.MULTILINE)


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
    for sentence in _sentences(content):
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


def _sentences(content: str) -> list[str]:
    parts = _FORTUNES.split(content) if _FORTUNES.search(content) else content.split("\n")
    return [sentence for part in parts for sentence in _SENTENCE_END.split(" ".join(part.split())) if sentence.strip()]
