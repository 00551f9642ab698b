"""Event scores by the length of the event: which events are found whole, which are only heard, which are missed.

A reference event is *found* where an estimate is right at both ends (sed_eval's conditions and matching), *heard* where
an estimate of its class overlaps it at all. As in ``metrics/durations.py``, the reference's length decides for recall
and the estimate's for precision.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from datamodules.annotations import Event
from lightning_modules.metrics.event_matching import match_events

Events = Mapping[str, Sequence[Event]]
EDGES_SECONDS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, math.inf)  # a length on an edge is of the bin above it


@dataclass
class DurationBin:
    """Counts of events from ``low_seconds`` to below ``high_seconds``, all classes together."""

    low_seconds: float
    high_seconds: float
    num_reference: int = 0
    num_found: int = 0
    num_heard: int = 0  # the found ones among them
    num_estimated: int = 0
    num_right: int = 0

    def row(self) -> dict[str, object]:
        """A line of ``by_duration.csv``; rates are empty where nothing is counted."""
        return {
            "from_seconds": f"{self.low_seconds:g}",
            "to_seconds": f"{self.high_seconds:g}",
            "reference_events": self.num_reference,
            "found": self.num_found,
            "heard": self.num_heard,
            "recall": _share(self.num_found, self.num_reference),
            "estimated_events": self.num_estimated,
            "right": self.num_right,
            "precision": _share(self.num_right, self.num_estimated),
        }


def by_duration(reference: Events, estimated: Events) -> list[DurationBin]:
    """Of the clips that ``reference`` lists, a bin for each pair of neighbouring edges.

    >>> bins = by_duration({"a": [Event(0, 0.3, "dog"), Event(1, 6, "dog")]}, {"a": [Event(0, 0.4, "dog")]})
    >>> [(of.low_seconds, of.num_reference, of.num_found, of.num_right) for of in bins if of.num_reference]
    [(0.25, 1, 1, 1), (4.0, 1, 0, 0)]
    """
    bins = [DurationBin(low, high) for low, high in pairwise(EDGES_SECONDS)]

    def of_length(event: Event) -> DurationBin:
        seconds = round(event.duration_seconds, 6)  # 1.2 - 0.2 is a second
        return bins[max(0, bisect_right(EDGES_SECONDS, seconds) - 1)]

    for clip, true in reference.items():
        found = estimated.get(clip, ())
        matching = match_events(true, found)
        matched, right = {i for i, _ in matching}, {j for _, j in matching}
        for i, event in enumerate(true):
            of = of_length(event)
            of.num_reference += 1
            of.num_found += i in matched
            of.num_heard += i in matched or any(_overlap(event, other) for other in found)
        for j, event in enumerate(found):
            of_length(event).num_estimated += 1
            of_length(event).num_right += j in right
    return bins


def _overlap(one: Event, other: Event) -> bool:
    return (
        one.label == other.label
        and one.onset_seconds < other.offset_seconds
        and other.onset_seconds < one.offset_seconds
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else ""
