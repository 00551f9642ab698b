"""From stored predictions and the text that was said to the time of each of its characters; and the floor that guesses.

An aligner is told the text, as an analyst of speech tells it: what is measured is where it puts it, not what it hears.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.asr.tuning import Weights, Within
from lightning_modules.decoding.texts import is_tag


class TokenTime(NamedTuple):
    """When a character is said, in seconds, and the moment at which the system is surest of it."""

    start_seconds: float
    end_seconds: float
    peak_seconds: float


class Aligned(NamedTuple):
    """Times of each character of each text, spaces too, by utterance; and why the others have none."""

    times: Mapping[str, Sequence[TokenTime]]
    left_out: Mapping[str, str]


class Aligner(ABC):
    """Base. A subclass's constructor arguments are the table's ``scoring.aligner`` keys."""

    SYSTEMS: ClassVar[tuple[type[Recogniser], ...]]
    WITHIN: ClassVar[Mapping[str, Within]] = {}

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """Candidates of what is fitted on validation, as ``Decoder.weight_grid``."""
        return {}

    @abstractmethod
    def prepare(self, *, folders: Mapping[str, Path], references: Mapping[str, UtteranceReferences]) -> None:
        """Read what was stored of each split of ``references``. Raises ``ValueError`` where it is not theirs."""

    @abstractmethod
    def align(self, split: str, weights: Weights) -> Aligned:
        """The times of a split's own texts."""


class EvenAligner(Aligner):
    """The floor, which hears nothing: every letter takes equally long, spaces no time, from lead to tail.

    ``lead_seconds`` and ``tail_seconds`` of silence at the ends are candidates, fitted on validation.
    """

    SYSTEMS = (Recogniser,)
    WITHIN: ClassVar[Mapping[str, Within]] = {"lead_seconds": Within(low=0.0), "tail_seconds": Within(low=0.0)}

    def __init__(self, *, lead_seconds: Sequence[float] = (0.0,), tail_seconds: Sequence[float] = (0.0,)) -> None:
        self._grid = {"lead_seconds": tuple(lead_seconds), "tail_seconds": tuple(tail_seconds)}
        self._references: Mapping[str, UtteranceReferences] = {}

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Aligner.weight_grid``."""
        return self._grid

    def prepare(self, *, folders: Mapping[str, Path], references: Mapping[str, UtteranceReferences]) -> None:
        """See ``Aligner.prepare``; nothing was stored."""
        self._references = references

    def align(self, split: str, weights: Weights) -> Aligned:
        """See ``Aligner.align``."""
        references = self._references[split]
        lead, tail = weights["lead_seconds"], weights["tail_seconds"]
        return Aligned(
            {
                utterance: _even(text, lead, max(references.duration_seconds[utterance] - tail, lead))
                for utterance, text in references.texts.items()
            },
            {},
        )


def _even(text: str, start: float, end: float) -> list[TokenTime]:
    letter = (end - start) / max(sum(not sign.isspace() for sign in text), 1)
    times = []
    for sign in text:
        length = 0.0 if sign.isspace() else letter
        times.append(TokenTime(start, start + length, start + length / 2))
        start += length
    return times


def spelling(texts: Mapping[str, str], symbols: Sequence[str]) -> tuple[dict[str, list[int]], dict[str, str]]:
    """The tokens of each text, a character each, and why others have none: a letter that the network cannot write.

    Raises ``ValueError`` for symbols that are no characters, and for tags of languages, of which no text has one.
    """
    longer = [symbol for symbol in symbols[1:] if len(symbol) > 1]
    if longer or any(map(is_tag, symbols[1:])):
        raise ValueError(f"symbols {longer[:3]}, allowed: single characters (data.unit character, no language_tags)")
    ids = {symbol: token for token, symbol in enumerate(symbols)}
    tokens, left_out = {}, {}
    for utterance, text in texts.items():
        if unknown := sorted({sign for sign in text if sign not in ids}):
            left_out[utterance] = f"no symbol {' '.join(unknown)}"
        else:
            tokens[utterance] = [ids[sign] for sign in text]
    return tokens, left_out
