"""A smaller training split that is always the same: the first minutes of utterances, ordered by a hash of their ids.

Not of the seed: all seeds and all systems of a comparison learn from the same minutes, and ten of them are among
twenty, so that a curve over minutes is no lottery of utterances.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from datamodules.speech.utterance_store import Utterance


def first_minutes(utterances: Iterable[Utterance], minutes: float) -> frozenset[str]:
    """Ids of the utterances that are taken until ``minutes`` are reached (by the last one), or all of fewer minutes.

    >>> spoken = [Utterance(name, "a", "nl", "x", 30.0) for name in "abcd"]
    >>> sorted(first_minutes(spoken, 0.7)), sorted(first_minutes(spoken, 1.5))
    (['a', 'c'], ['a', 'b', 'c'])
    """
    taken: set[str] = set()
    seconds = 0.0
    for utterance in sorted(utterances, key=_place):
        if seconds >= 60 * minutes:
            break
        taken.add(utterance.utterance_id)
        seconds += utterance.duration_seconds
    return frozenset(taken)


def total_minutes(utterances: Iterable[Utterance]) -> float:
    """Their length together."""
    return sum(utterance.duration_seconds for utterance in utterances) / 60


def _place(utterance: Utterance) -> tuple[bytes, str]:
    return hashlib.blake2b(utterance.utterance_id.encode(), digest_size=8).digest(), utterance.utterance_id
