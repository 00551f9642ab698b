"""How far the ends of estimated events lie from those of the events that they stand for.

The collar of a score cuts these errors off, so events are paired without one: each reference event with an estimate of
its class that overlaps it, one to one, the pair of largest overlap over union first. Below 0 is too early.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from datamodules.annotations import Event

Events = Mapping[str, Sequence[Event]]
BIN_SECONDS = 0.1
OUTERMOST_SECONDS = 1.5  # errors beyond are in two open bins


@dataclass(frozen=True)
class BoundaryErrors:
    """Estimate minus reference of P pairs, in seconds, and how many events have no partner."""

    onsets_P: tuple[float, ...]
    offsets_P: tuple[float, ...]
    num_missed: int
    num_false: int

    def rows(self) -> list[dict[str, object]]:
        """Lines of ``boundary_errors.csv``: a histogram of both ends; an error on an edge is of the bin above it."""
        edges = [-math.inf, *_edges(), math.inf]
        onsets, offsets = (Counter(_bin(error) for error in errors) for errors in (self.onsets_P, self.offsets_P))
        return [
            {"from_seconds": f"{low:g}", "to_seconds": f"{high:g}", "onsets": onsets[at], "offsets": offsets[at]}
            for at, (low, high) in enumerate(pairwise(edges))
        ]


def boundary_errors(reference: Events, estimated: Events) -> BoundaryErrors:
    """Of the clips that ``reference`` lists.

    >>> boundary_errors({"a": [Event(1, 3, "dog")]}, {"a": [Event(1.5, 2.5, "dog"), Event(0, 3, "cat")]})
    BoundaryErrors(onsets_P=(0.5,), offsets_P=(-0.5,), num_missed=0, num_false=1)
    """
    onsets, offsets, num_missed, num_false = [], [], 0, 0
    for clip, true in reference.items():
        found = estimated.get(clip, ())
        pairs = pair_by_overlap(true, found)
        onsets += [found[j].onset_seconds - true[i].onset_seconds for i, j in pairs]
        offsets += [found[j].offset_seconds - true[i].offset_seconds for i, j in pairs]
        num_missed += len(true) - len(pairs)
        num_false += len(found) - len(pairs)
    return BoundaryErrors(tuple(onsets), tuple(offsets), num_missed, num_false)


def pair_by_overlap(reference: Sequence[Event], estimated: Sequence[Event]) -> list[tuple[int, int]]:
    """One clip's pairs (index in reference, index in estimated), largest overlap over union first, ties by index.

    >>> pair_by_overlap([Event(0, 4, "dog"), Event(5, 6, "dog")], [Event(3, 6, "dog")])
    [(1, 0)]
    """
    overlaps = [
        (-_overlap_over_union(true, found), i, j)
        for i, true in enumerate(reference)
        for j, found in enumerate(estimated)
        if true.label == found.label
        and true.onset_seconds < found.offset_seconds
        and found.onset_seconds < true.offset_seconds
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(overlaps):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return sorted(pairs.items())


def _overlap_over_union(one: Event, other: Event) -> float:
    both = min(one.offset_seconds, other.offset_seconds) - max(one.onset_seconds, other.onset_seconds)
    return both / (one.duration_seconds + other.duration_seconds - both)


def _edges() -> list[float]:
    count = round(OUTERMOST_SECONDS / BIN_SECONDS)
    return [number * BIN_SECONDS for number in range(-count, count + 1)]


def _bin(error_seconds: float) -> int:
    """0 and the last are the open bins."""
    count = round(OUTERMOST_SECONDS / BIN_SECONDS)
    return min(max(math.floor(round(error_seconds / BIN_SECONDS, 6)) + count + 1, 0), 2 * count + 1)
