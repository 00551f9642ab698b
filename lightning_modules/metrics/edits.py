"""How far one text is from another: substitutions, deletions, insertions, and the alignment behind them.

The least number of edits (Levenshtein 1966) by rapidfuzz, the engine of jiwer, over the same units that jiwer's
``wer`` and ``cer`` count, so that counts equal jiwer's one by one. Texts are compared as they stand: case, punctuation
and Unicode form are the caller's. Among alignments with equally many edits rapidfuzz's is taken, as jiwer does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

_BLANKS = re.compile(r"\s\s+")


def words(text: str) -> list[str]:
    """A text's words as jiwer's ``wer`` splits it: at spaces, and at any run of two or more blanks.

    A lone tab or no-break space therefore stays inside a word.

    >>> words("  ein  Ton "), words("")
    (['ein', 'Ton'], [])
    """
    return [word for word in _BLANKS.sub(" ", text).strip().split(" ") if word]


def characters(text: str) -> str:
    """A text's characters as jiwer's ``cer`` counts them: spaces between words do count, outer blanks do not."""
    return text.strip()


@dataclass(frozen=True)
class TextEdits:
    """What turns a reference into a hypothesis, in words or in characters; of one utterance or of many together.

    >>> TextEdits(hits=2, deletions=1) + TextEdits(hits=1, insertions=1)
    TextEdits(hits=3, substitutions=0, deletions=1, insertions=1)
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def errors(self) -> int:
        """Number of edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def length(self) -> int:
        """Number of words (characters) of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def rate(self) -> float:
        """``error_rate`` of these edits."""
        return error_rate(self.errors, self.length)

    def __add__(self, other: TextEdits) -> TextEdits:
        return TextEdits(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


class UtteranceEdits(NamedTuple):
    """The edits of one utterance (or of many together) in both units."""

    words: TextEdits
    characters: TextEdits


def error_rate(errors: int, length: int) -> float:
    """``errors / length``; of empty references 0 without an error and infinity with one.

    (jiwer returns the bare number of insertions where all references are empty.)

    >>> error_rate(3, 2), error_rate(0, 0), error_rate(1, 0)
    (1.5, 0.0, inf)
    """
    return errors / length if length else (inf if errors else 0.0)


def count_edits(reference: Sequence[str], hypothesis: Sequence[str]) -> TextEdits:
    """Edits between two lists of words (or strings of characters).

    >>> count_edits("the cat sat".split(), "a cat sat down".split())
    TextEdits(hits=2, substitutions=1, deletions=0, insertions=1)
    """
    counts = {"equal": 0, "replace": 0, "delete": 0, "insert": 0}
    for step, start, end, hypothesis_start, hypothesis_end in _opcodes(reference, hypothesis):
        counts[step] += max(end - start, hypothesis_end - hypothesis_start)
    return TextEdits(counts["equal"], counts["replace"], counts["delete"], counts["insert"])


def utterance_edits(reference: str, hypothesis: str) -> UtteranceEdits:
    """Edits of one utterance in words and in characters."""
    return UtteranceEdits(
        count_edits(words(reference), words(hypothesis)),
        count_edits(characters(reference), characters(hypothesis)),
    )


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """Pairs (of the reference, of the hypothesis); None against an insertion or a deletion.

    >>> align("the cat sat".split(), "a cat sat down".split())
    [('the', 'a'), ('cat', 'cat'), ('sat', 'sat'), (None, 'down')]
    """
    pairs: list[tuple[str | None, str | None]] = []
    for step, start, end, hypothesis_start, hypothesis_end in _opcodes(reference, hypothesis):
        if step == "delete":
            pairs += [(piece, None) for piece in reference[start:end]]
        elif step == "insert":
            pairs += [(None, piece) for piece in hypothesis[hypothesis_start:hypothesis_end]]
        else:
            pairs += zip(reference[start:end], hypothesis[hypothesis_start:hypothesis_end], strict=True)
    return pairs


def _opcodes(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """rapidfuzz's runs of equal steps over numbers in place of pieces (as jiwer: words must not meet by their hash)."""
    numbers: dict[str, int] = {}
    pair = [[numbers.setdefault(piece, len(numbers)) for piece in pieces] for pieces in (reference, hypothesis)]
    return [
        (code.tag, code.src_start, code.src_end, code.dest_start, code.dest_end) for code in Levenshtein.opcodes(*pair)
    ]
