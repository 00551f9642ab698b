"""Utterances of one speaker and language, one after the other, as one: what is said stands elsewhere than alone.

A recogniser may have learnt where in an utterance words stand, and writes them there on other speech. Joined, each
utterance stands once at each of the places, so that what is to be written are the same words as many times: error rates
there and of the utterances alone are comparable as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.speech.utterance_store import Utterance, UtteranceStore


def joined_numbers(utterances: Sequence[Utterance], *, count: int) -> list[tuple[int, ...]]:
    """The numbers of ``count`` utterances each that are joined: those of a speaker and language in a ring.

    A speaker with fewer than ``count`` utterances in a language has none.

    >>> of = [("a1", "x", "en", "ann", 1.0), ("b1", "x", "en", "bob", 1.0), ("a2", "x", "en", "ann", 1.0)]
    >>> joined_numbers([Utterance(*one) for one in [*of, ("a3", "x", "en", "ann", 1.0)]], count=2)
    [(0, 2), (2, 3), (3, 0)]
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for number, utterance in enumerate(utterances):
        groups.setdefault((utterance.speaker, utterance.language), []).append(number)
    return [
        tuple(group[(first + place) % len(group)] for place in range(count))
        for group in groups.values()
        if len(group) >= count
        for first in range(len(group))
    ]


class JoinedUtterances(UtteranceStore):
    """The joined utterances of a store, in which ``count`` follow each other without a pause between.

    ``left_out`` are the ids that no joined utterance has. Raises ``ValueError`` for a count below 2 and where nobody
    has so many utterances.
    """

    def __init__(self, store: UtteranceStore, *, count: int) -> None:
        if count < 2:
            raise ValueError(f"test_joined must be 2 or more utterances, or null for none, got {count}")
        self.path, self.sample_rate_hz = store.path, store.sample_rate_hz
        self.waveforms, self._numbers = store.waveforms, joined_numbers(store.utterances, count=count)
        if not self._numbers:
            raise ValueError(f"test_joined {count}: {self.path}: nobody says so many utterances in one language")
        self.utterances = tuple(_joined([store.utterances[number] for number in parts]) for parts in self._numbers)
        there = {number for parts in self._numbers for number in parts}
        self.left_out = [one.utterance_id for number, one in enumerate(store.utterances) if number not in there]

    @property
    def num_samples(self) -> NDArray[np.int64]:
        """Samples of each joined utterance by the manifest, (N,)."""
        alone_N = self.waveforms.num_samples
        return np.array([alone_N[list(parts)].sum() for parts in self._numbers], dtype=np.int64)

    def waveform(self, index: int) -> NDArray[np.float32]:
        """Mono samples of one joined utterance in [-1, 1], (S,)."""
        return np.concatenate([self.waveforms[number] for number in self._numbers[index]])

    def sources(self) -> dict[str, dict[str, str]]:
        """None: each is of several recordings."""
        return {}


def _joined(parts: Sequence[Utterance]) -> Utterance:
    return Utterance(
        utterance_id="+".join(part.utterance_id for part in parts),
        text=" ".join(part.text for part in parts),
        language=parts[0].language,
        speaker=parts[0].speaker,
        duration_seconds=sum(part.duration_seconds for part in parts),
    )
