"""Texts from elsewhere as training texts of a language model: normalised as transcripts are, and never a held-out one.

A file has a sentence or more a line, or is one of Debian's ``fortunes-*`` packages, whose texts of several lines are
parted by lines of a single ``%``. A sentence ends at ``.``, ``!``, ``?`` or ``…``. What can't be read as letters
(digits, signs, brackets) is left out, and so is every sentence that is a held-out text, or nearly: of the characters of
the longer one at most ``NEAR`` must be changed. All that is left out is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from datamodules.texts.text_rules import UnspeakableTextError, normalise

NEAR = 0.2
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_FORTUNES = re.compile(r"^%\s*$", re.MULTILINE)


class OutsideTexts(NamedTuple):
    """``texts`` are normalised sentences, each once; the counts are of sentences that were left out, by why."""

    texts: tuple[str, ...]
    left_out: Counter[str]


def outside_texts(content: str, *, language: str, held_out: Collection[str]) -> OutsideTexts:
    """The sentences of a file's content, in one language. ``held_out`` are normalised texts of validation and test.

    >>> found = outside_texts("Press 1. Hello, you! Bye bye.", language="en", held_out=["bye bye"])
    >>> found.texts, sorted(found.left_out)
    (('hello you',), ['a held-out text', 'digits'])
    """
    left_out: Counter[str] = Counter()
    held, texts = sorted(held_out), dict[str, None]()
    for sentence in _sentences(content):
        try:
            text = normalise(sentence, language=language)
        except UnspeakableTextError as error:
            left_out[error.reason] += 1
            continue
        if not text:
            left_out["no letters"] += 1
        elif text in texts:
            left_out["repeated"] += 1
        elif (near := _nearest(text, held)) is not None:
            left_out["a held-out text" if near == text else "nearly a held-out text"] += 1
        else:
            texts[text] = None
    return OutsideTexts(tuple(texts), left_out)


def _sentences(content: str) -> list[str]:
    parts = _FORTUNES.split(content) if _FORTUNES.search(content) else content.split("\n")
    return [sentence for part in parts for sentence in _SENTENCE_END.split(" ".join(part.split())) if sentence.strip()]


def _nearest(text: str, held_out: list[str]) -> str | None:
    """The held-out text that a text is, or nearly is."""
    found = process.extractOne(
        text, held_out, scorer=Levenshtein.normalized_similarity, score_cutoff=1 - NEAR, processor=None
    )
    return None if found is None else str(found[0])
