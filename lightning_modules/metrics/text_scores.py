"""Everything that is counted of one system's texts on one split: the edits by utterance, and what is made of them.

Shared by the scoring of runs and by ``earmark score text``, so that any system's output is measured alike. Needs no
torch. ``bootstrap.py`` says what the intervals are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.bootstrap import Bootstrap, Comparison, Interval
from lightning_modules.metrics.edits import TextEdits, UtteranceEdits, utterance_edits

MAX_NAMED = 5  # ids that an error names


@dataclass(frozen=True)
class TextScores:
    """Edits by utterance id, in the order of the references."""

    utterances: dict[str, UtteranceEdits]

    @property
    def total(self) -> UtteranceEdits:
        """Edits of all utterances together: their ``rate`` is WER and CER."""
        return sum_edits(self.utterances)

    def by_group(self, groups: Mapping[str, str]) -> dict[str, TextScores]:
        """The utterances of each language, speaker, …; ``groups`` maps ids to names, which come sorted."""
        grouped: dict[str, dict[str, UtteranceEdits]] = {}
        for utterance, edits in self.utterances.items():
            grouped.setdefault(groups[utterance], {})[utterance] = edits
        return {name: TextScores(grouped[name]) for name in sorted(grouped)}

    def errors_and_lengths(self, *, unit: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N,) errors and (N,) reference lengths in words (``unit`` 0) or characters (1)."""
        edits = [utterance[unit] for utterance in self.utterances.values()]
        return np.array([e.errors for e in edits], float), np.array([e.length for e in edits], float)

    def confidence(
        self, bootstrap: Bootstrap, *, blocks: Mapping[str, str] | None = None
    ) -> tuple[Interval, Interval] | None:
        """95 % intervals of WER and CER, or None with fewer than two utterances (blocks) to draw from."""
        names = None if blocks is None else [blocks[utterance] for utterance in self.utterances]
        if len(set(self.utterances if names is None else names)) < 2:
            return None
        word, character = (bootstrap.interval(*self.errors_and_lengths(unit=unit), blocks=names) for unit in (0, 1))
        return word, character

    def compare(
        self, other: TextScores, bootstrap: Bootstrap, *, blocks: Mapping[str, str] | None = None
    ) -> tuple[Comparison, Comparison] | None:
        """``other`` against this system in WER and CER on the same draws, or None as ``confidence``."""
        if self.utterances.keys() != other.utterances.keys():
            raise ValueError("two systems can only be compared on the same utterances")
        names = None if blocks is None else [blocks[utterance] for utterance in self.utterances]
        if len(set(self.utterances if names is None else names)) < 2:
            return None
        ordered = TextScores({utterance: other.utterances[utterance] for utterance in self.utterances})
        pairs = []
        for unit in (0, 1):
            errors_N, lengths_N = self.errors_and_lengths(unit=unit)
            others_N, _ = ordered.errors_and_lengths(unit=unit)
            pairs.append(bootstrap.compare(errors_N, others_N, lengths_N, blocks=names))
        return pairs[0], pairs[1]


def score_texts(references: Mapping[str, str], hypotheses: Mapping[str, str]) -> TextScores:
    """Compare texts by id, as they stand. Raises ``ValueError`` naming ids that only one side has."""
    require_same_ids(references, hypotheses)
    return TextScores(
        {utterance: utterance_edits(text, hypotheses[utterance]) for utterance, text in references.items()}
    )


def sum_edits(utterances: Mapping[str, UtteranceEdits]) -> UtteranceEdits:
    """Edits of several utterances together."""
    zero = UtteranceEdits(TextEdits(), TextEdits())
    return reduce(
        lambda a, b: UtteranceEdits(a.words + b.words, a.characters + b.characters), utterances.values(), zero
    )


def require_same_ids(references: Mapping[str, str], hypotheses: Mapping[str, str]) -> None:
    """Raise ``ValueError`` with the first few ids that are missing or unknown, and how many there are.

    >>> require_same_ids({"a": "", "b": ""}, {"a": "", "c": ""})
    Traceback (most recent call last):
    ValueError: 1 reference utterance has no hypothesis: b; 1 hypothesis is of no reference utterance: c
    """
    missing = [utterance for utterance in references if utterance not in hypotheses]
    unknown = [utterance for utterance in hypotheses if utterance not in references]
    complaints = []
    if missing:
        verb = "utterance has" if len(missing) == 1 else "utterances have"
        complaints.append(f"{len(missing)} reference {verb} no hypothesis: {named(missing)}")
    if unknown:
        verb = "hypothesis is" if len(unknown) == 1 else "hypotheses are"
        complaints.append(f"{len(unknown)} {verb} of no reference utterance: {named(unknown)}")
    if complaints:
        raise ValueError("; ".join(complaints))


def named(ids: list[str]) -> str:
    """The first few ids."""
    return ", ".join(ids[:MAX_NAMED]) + (", …" if len(ids) > MAX_NAMED else "")
