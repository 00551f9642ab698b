"""Is a text one of some others, or nearly? So that a language model is not trained on what a test asks."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

NEAR = 0.2  # of the longer text's characters, what may be changed


def nearest(text: str, others: Sequence[str]) -> str | None:
    """The most similar of the others, where at most ``NEAR`` of the characters differ; None where none is so near.

    >>> nearest("hold the lime", ["hold the line", "hello"]), nearest("bye", ["hello"])
    ('hold the line', None)
    """
    found = process.extractOne(text, others, scorer=Levenshtein.normalized_similarity, score_cutoff=1 - NEAR)
    return None if found is None else str(found[0])
