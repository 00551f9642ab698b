"""Is a text one of some others, or a part, or nearly? So that a language model is not trained on what a test asks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

NEAR = 0.2  # of the longer text's characters, what may be changed
SLACK = 1e-6  # less than two shares of characters differ by; with 1e-9 rapidfuzz loses texts that have NEAR exactly
PART_WORDS = 3  # fewer words stand in any two texts ("I do", "what is")
PART_CHARACTERS = 8  # the same of scripts that put no spaces between words: of Thai, Lao, Burmese, Khmer, kana, Han
_UNSPACED = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# A space between two such characters says nothing: punctuation was there, or a line's end.
_SPACES_BETWEEN = re.compile(rf"(?<=[{_UNSPACED}])\s+(?=[{_UNSPACED}])")
_UNIT = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


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
    """Texts that nothing may be trained on: neither whole, nor in parts of ``PART_WORDS`` words or more, nor nearly.

    Where a script has no spaces between words its characters are counted, ``PART_CHARACTERS``.
    """

    def __init__(self, texts: Collection[str]) -> None:
        self._whole = [_Text(text) for text in sorted(set(map(_plain, texts)))]
        self._texts = [whole.text for whole in self._whole]
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for whole in self._whole:
            if len(whole.units) >= whole.least:
                self._by_length[len(whole.units)].append(whole.text)
        self._parts: dict[int, tuple[str, ...]] = {}

    def why_not(self, text: str) -> str | None:
        """Why a text is no text to train on, None where it is one.

        >>> held_out = HeldOutTexts(["hold the line please", "bye"])
        >>> [held_out.why_not(text) for text in ("hold the lines", "and so hold the line please", "please")]
        ['a part of a held-out text', 'around a held-out text', None]
        >>> HeldOutTexts(["请稍等正在为您转接电话"]).why_not("正在为您 转接电话")
        'a part of a held-out text'
        """
        asked = _Text(_plain(text))
        if (whole := nearest(asked.text, self._texts)) is not None:
            return "a held-out text" if whole == asked.text else "nearly a held-out text"
        length = len(asked.units)
        if length >= asked.least and nearest(asked.text, self._parts_of(length)) is not None:
            return "a part of a held-out text"
        shorter = (fewer for fewer in self._by_length if fewer < length)
        if any(nearest(part, self._by_length[fewer]) for fewer in shorter for part in asked.windows(fewer)):
            return "around a held-out text"
        return None

    def _parts_of(self, num_units: int) -> tuple[str, ...]:
        """Every so many units in a row of a longer held-out text."""
        if num_units not in self._parts:
            parts = (part for of in self._whole if len(of.units) > num_units for part in of.windows(num_units))
            self._parts[num_units] = tuple(dict.fromkeys(parts))
        return self._parts[num_units]


class _Text:
    """A text in its units: words, and characters of scripts without spaces; ``least`` of them are a part."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.units = [match.span() for match in _UNIT.finditer(text)]
        self.least = PART_CHARACTERS if re.search(f"[{_UNSPACED}]", text) else PART_WORDS

    def windows(self, num_units: int) -> Iterator[str]:
        """Every so many units in a row."""
        for first in range(len(self.units) - num_units + 1):
            yield self.text[self.units[first][0] : self.units[first + num_units - 1][1]]


def _plain(text: str) -> str:
    return _SPACES_BETWEEN.sub("", text)
