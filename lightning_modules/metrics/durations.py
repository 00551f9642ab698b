"""Event-based scores of short and of long events, to see what weak labels cost where.

An event is short below ``short_below_seconds``. The reference event's length decides for recall, the estimated event's
for precision, so a short event that is found by an estimate just over the limit counts as found among the short ones
and as right among the long estimates. The matching is that of the whole list (sed_eval's), hence the counts of both
groups add up to sed_eval's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from datamodules.annotations import Event
from lightning_modules.metrics.event_matching import match_events
from lightning_modules.metrics.event_scores import select_scored


@dataclass(frozen=True)
class DurationCounts:
    """Counts of one class (or of all) in one group of durations."""

    num_reference: int = 0
    num_found: int = 0  # reference events of the group that are matched
    num_estimated: int = 0
    num_right: int = 0  # estimated events of the group that are matched

    def __add__(self, other: DurationCounts) -> DurationCounts:
        return DurationCounts(
            self.num_reference + other.num_reference,
            self.num_found + other.num_found,
            self.num_estimated + other.num_estimated,
            self.num_right + other.num_right,
        )

    @property
    def recall(self) -> float:
        """Share of reference events found; NaN without any."""
        return self.num_found / self.num_reference if self.num_reference else math.nan

    @property
    def precision(self) -> float:
        """Share of estimated events that are right; 0 without any (sed_eval's ``zero_score``)."""
        return self.num_right / self.num_estimated if self.num_estimated else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean; NaN without reference events."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class DurationScores:
    """Macro rates over the classes that have reference events in the group, micro rates from the summed counts."""

    by_class: dict[str, DurationCounts]

    @property
    def micro(self) -> DurationCounts:
        """All classes' counts together."""
        return sum(self.by_class.values(), DurationCounts())

    def macro(self, rate: Callable[[DurationCounts], float]) -> float:
        """Mean of a rate, such as ``lambda counts: counts.f1``, over classes with reference events in the group."""
        values = [rate(counts) for counts in self.by_class.values() if counts.num_reference]
        return sum(values) / len(values) if values else math.nan


def score_by_duration(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    *,
    classes: Sequence[str] | None = None,
    short_below_seconds: float = 1.0,
    collar_seconds: float = 0.2,
    offset_fraction: float = 0.2,
) -> dict[str, DurationScores]:
    """``{"short": …, "long": …}`` over the files that ``reference`` lists.

    >>> reference = {"a": [Event(0.0, 0.9, "dog"), Event(2.0, 8.0, "dog")]}
    >>> scores = score_by_duration(reference, {"a": [Event(0.0, 1.05, "dog"), Event(5.0, 5.2, "dog")]})
    >>> scores["short"].micro, scores["short"].micro.recall, scores["long"].micro.precision
    (DurationCounts(num_reference=1, num_found=1, num_estimated=1, num_right=0), 1.0, 1.0)
    """
    lists = select_scored(reference, estimated, classes=classes)
    groups = {name: dict.fromkeys(lists.classes, DurationCounts()) for name in ("short", "long")}

    def add(event: Event, counts: DurationCounts) -> None:
        group = groups["short" if event.duration_seconds < short_below_seconds else "long"]
        group[event.label] += counts

    for clip, true in lists.reference.items():
        found = lists.estimated[clip]
        matching = match_events(true, found, collar_seconds=collar_seconds, offset_fraction=offset_fraction)
        matched_true, matched_found = {i for i, _ in matching}, {j for _, j in matching}
        for i, event in enumerate(true):
            add(event, DurationCounts(num_reference=1, num_found=int(i in matched_true)))
        for j, event in enumerate(found):
            add(event, DurationCounts(num_estimated=1, num_right=int(j in matched_found)))
    return {name: DurationScores(by_class) for name, by_class in groups.items()}
