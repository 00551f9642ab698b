"""sclite's alternatives in a reference, ``{ a / b c / @ }``: any of them is right, ``@`` is no word.

The reading with the fewest word errors is scored (then the fewest character errors, then the first written), found by
trying them all. Fiscus, sclite(1), "trn input format".
"""

from __future__ import annotations

import re
from itertools import product

from lightning_modules.metrics.edits import utterance_edits

_BRACES = re.compile(r"(?:^|\s)[{}](?:\s|$)|\{[^{}]*/[^{}]*\}")  # {noise} is a word like others
MAX_READINGS = 4096  # of one utterance: twelve choices of two


def readings(text: str) -> list[str]:
    """All texts that a reference allows, itself if it has none.

    Raises ``ValueError`` for braces that are not closed, nested, not between blanks, or allow over ``MAX_READINGS``.

    >>> readings("I { am / 'm } { @ / so } sorry")
    ['I am sorry', 'I am so sorry', "I 'm sorry", "I 'm so sorry"]
    """
    if not _BRACES.search(text):
        return [text]
    parts: list[list[str]] = []
    options: list[list[str]] | None = None
    for word in text.split():
        if word == "{" and options is None:
            options = [[]]
        elif word == "}" and options is not None and all(options) and len(options) > 1:
            parts.append([" ".join(word for word in option if word != "@") for option in options])
            options = None
        elif "{" in word or "}" in word:
            options = [[]]
            break
        elif options is None:
            parts.append([word])
        elif word == "/":
            options.append([])
        else:
            options[-1].append(word)
    if options is not None:
        raise ValueError("braces, allowed: alternatives { a / b } with blanks between, each closed, none in another")
    count = 1
    for part in parts:
        count *= len(part)
    if count > MAX_READINGS:
        raise ValueError(f"alternatives allow {count} readings, allowed: {MAX_READINGS}")
    return [" ".join(piece for piece in reading if piece) for reading in product(*parts)]


def best_reading(texts: list[str], hypothesis: str) -> str:
    """The reading that the hypothesis comes closest to."""

    def errors(text: str) -> tuple[int, int]:
        words, characters = utterance_edits(text, hypothesis)
        return words.errors, characters.errors

    return texts[0] if len(texts) == 1 else min(texts, key=errors)
