"""Is a text one of some others, or a part, or nearly? So that a language model is not trained on what a test asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

NEAR = 0.2  # of the longer text's characters, what may be changed
SLACK = 1e-6  # less than two shares of characters differ by; with 1e-9 rapidfuzz loses texts that have NEAR exactly
PART_WORDS = 3  # fewer words stand in any two texts ("I do", "what is")


def nearest(text: str, others: Collection[str]) -> str | None:
    """The most similar of the others, where at most ``NEAR`` of the characters differ; None where none is so near.

    >>> nearest("hold the lime", ["hold the line", "hello"]), nearest("bye", ["hello"])
    ('hold the line', None)
    >>> nearest("a to fish", ["to to fish"])  # a fifth exactly
    'to to fish'
    """
    found = process.extractOne(text, others, scorer=Levenshtein.normalized_similarity, score_cutoff=1 - NEAR - SLACK)
    return None if found is None else str(found[0])


class HeldOutTexts:
    """Texts that nothing may be trained on: neither whole, nor in parts of ``PART_WORDS`` words or more, nor nearly."""

    def __init__(self, texts: Collection[str]) -> None:
        self._whole = sorted(set(texts))
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for text in self._whole:
            self._by_length[len(text.split())].append(text)
        self._parts: dict[int, tuple[str, ...]] = {}

    def why_not(self, text: str) -> str | None:
        """Why a text is no text to train on, None where it is one.

        >>> held_out = HeldOutTexts(["hold the line please", "bye"])
        >>> [held_out.why_not(text) for text in ("hold the lines", "and so hold the line please", "please")]
        ['a part of a held-out text', 'around a held-out text', None]
        """
        if (whole := nearest(text, self._whole)) is not None:
            return "a held-out text" if whole == text else "nearly a held-out text"
        words = text.split()
        if len(words) >= PART_WORDS and nearest(text, self._parts_of(len(words))) is not None:
            return "a part of a held-out text"
        shorter = (length for length in self._by_length if PART_WORDS <= length < len(words))
        if any(nearest(part, self._by_length[length]) for length in shorter for part in _windows(words, length)):
            return "around a held-out text"
        return None

    def _parts_of(self, num_words: int) -> tuple[str, ...]:
        """Every so many words in a row of a longer held-out text."""
        if num_words not in self._parts:
            longer = (text.split() for text in self._whole)
            parts = (part for words in longer if len(words) > num_words for part in _windows(words, num_words))
            self._parts[num_words] = tuple(dict.fromkeys(parts))
        return self._parts[num_words]


def _windows(words: Sequence[str], num_words: int) -> Iterator[str]:
    for start in range(len(words) - num_words + 1):
        yield " ".join(words[start : start + num_words])
