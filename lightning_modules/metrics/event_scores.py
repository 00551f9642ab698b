"""What event-based and segment-based scoring share: which events are scored, and the numbers that come out.

The figures are sed_eval's own (Mesaros, Heittola & Virtanen 2016); this file feeds it and reads it. Policy, the same
for both: the files scored are those that the reference lists; classes are the union of the reference and the estimates
on those files unless given; ``empty_system_output_handling="zero_score"``, optimal matching. What follows for a class:

==============  ==============  ==================================================================================
reference has   estimated has   F1 of the class
==============  ==============  ==================================================================================
events          events          as usual
events          none            0, and it counts in the macro mean (sed_eval's default would drop the class)
none            events          NaN: it leaves the macro mean, so false alarms on an absent class cost only micro F1
none            none            NaN (only possible where classes are given)
==============  ==============  ==================================================================================

sed_eval divides errors by the number of reference events plus 2e-16, so a class without a reference event has an error
rate of 0 or about 1e15; both enter its macro error rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from datamodules.annotations import Event


@dataclass(frozen=True)
class Rates:
    """Rates of one class or one mean over classes, 0-1 but for error rates, which false alarms push above 1.

    ``error_rate`` is deletions + insertions (+ substitutions where classes are taken together: micro) per reference
    event. Counts are events, or (class, segment) pairs in segment-based scoring. NaN where undefined.
    """

    f1: float
    precision: float
    recall: float
    error_rate: float
    deletion_rate: float
    insertion_rate: float
    num_reference: int
    num_estimated: int

    def defined(self) -> Rates:
        """With NaN error rates where there is no reference event: sed_eval's 0 would read as a perfect system."""
        if self.num_reference:
            return self
        return replace(self, error_rate=math.nan, deletion_rate=math.nan, insertion_rate=math.nan)


@dataclass(frozen=True)
class EventScores:
    """Micro (counts summed over classes), macro (mean over classes whose figure is no NaN) and by class."""

    macro: Rates
    micro: Rates
    by_class: dict[str, Rates]


@dataclass(frozen=True)
class ScoredLists:
    """The part of a reference and of an estimate that is scored, clip by clip, and what was left aside."""

    reference: dict[str, tuple[Event, ...]]
    estimated: dict[str, tuple[Event, ...]]
    classes: tuple[str, ...]
    num_event_free_files: int
    unknown_files: tuple[str, ...]  # estimates on files that the reference does not list: not scored
    num_other_class_events: int  # events outside the given classes: not scored
    num_overlaps: dict[str, int]  # events that overlap an earlier one of their class, by list

    def warnings(self) -> list[str]:
        """One line for each thing that a reader of the scores should know; empty when all is plain."""
        lines = []
        if self.unknown_files:
            named = ", ".join(self.unknown_files[:5]) + (", …" if len(self.unknown_files) > 5 else "")
            lines.append(f"{len(self.unknown_files)} estimated files are not in the reference and not scored: {named}")
        if self.num_other_class_events:
            lines.append(f"{self.num_other_class_events} events are outside the given classes and not scored")
        for name, count in self.num_overlaps.items():
            if count:
                lines.append(f"{count} {name} events overlap an earlier one of their class; scored as sed_eval does")
        present = {event.label for events in self.reference.values() for event in events}
        absent = [label for label in self.classes if label not in present]
        if absent:
            lines.append(
                f"{len(absent)} classes have no reference event: they leave the macro F1 and their error rates say "
                f"nothing: {', '.join(absent)}"
            )
        return lines


def select_scored(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    *,
    classes: Sequence[str] | None = None,
) -> ScoredLists:
    """Keep the reference's files and the given classes. Lists may be unsorted; a missing estimate is an empty one."""
    found = {e.label for clip in reference for e in (*reference[clip], *estimated.get(clip, ()))}
    kept = tuple(sorted(found) if classes is None else dict.fromkeys(classes))
    among = frozenset(kept)

    def of_classes(events: Iterable[Event]) -> tuple[Event, ...]:
        return tuple(sorted(event for event in events if event.label in among))

    scored_reference = {clip: of_classes(events) for clip, events in reference.items()}
    scored_estimated = {clip: of_classes(estimated.get(clip, ())) for clip in reference}
    given = sum(len(reference[clip]) + len(estimated.get(clip, ())) for clip in reference)
    scored = sum(len(scored_reference[clip]) + len(scored_estimated[clip]) for clip in reference)
    return ScoredLists(
        reference=scored_reference,
        estimated=scored_estimated,
        classes=kept,
        num_event_free_files=sum(not events for events in scored_reference.values()),
        unknown_files=tuple(sorted(clip for clip in estimated if clip not in reference)),
        num_other_class_events=given - scored,
        num_overlaps={
            "reference": count_overlaps(scored_reference),
            "estimated": count_overlaps(scored_estimated),
        },
    )


def count_overlaps(events: Mapping[str, Sequence[Event]]) -> int:
    """Events that start before an earlier event of their class and clip has ended.

    >>> count_overlaps({"a": [Event(0, 2, "dog"), Event(1, 3, "dog"), Event(1, 3, "cat"), Event(3, 4, "dog")]})
    1
    """
    overlaps = 0
    for of_clip in events.values():
        ends: dict[str, float] = {}
        for event in sorted(of_clip):
            overlaps += event.onset_seconds < ends.get(event.label, -math.inf)
            ends[event.label] = max(event.offset_seconds, ends.get(event.label, -math.inf))
    return overlaps


def add_counts(counts: dict[str, float], right: int, num_reference: int, num_estimated: int, **errors: int) -> None:
    """Add one clip's to sed_eval's counters; ``errors`` are those over all classes: Nsubs, or S, D and I.

    Substitutions of whole events (Nsubs) are neither false positives nor false negatives to sed_eval.
    """
    substituted = errors.get("Nsubs", 0)
    added = {
        "Ntp": right,
        "Nref": num_reference,
        "Nsys": num_estimated,
        "Nfp": num_estimated - right - substituted,
        "Nfn": num_reference - right - substituted,
    }
    for name, count in (added | errors).items():
        counts[name] += count


def read_scores(results: Mapping[str, Any], classes: Sequence[str]) -> EventScores:
    """sed_eval's ``results()`` as ours; ``results`` has classes by number."""
    by_class = {label: _rates(results["class_wise"][str(index)]) for index, label in enumerate(classes)}
    num_reference = sum(rates.num_reference for rates in by_class.values())
    num_estimated = sum(rates.num_estimated for rates in by_class.values())
    count = {"count": {"Nref": num_reference, "Nsys": num_estimated}}
    return EventScores(
        macro=_rates({**results["class_wise_average"], **count}),
        micro=_rates({**results["overall"], **count}),
        by_class=by_class,
    )


def _rates(result: Mapping[str, Mapping[str, float]]) -> Rates:
    f_measure, error_rate, count = result["f_measure"], result["error_rate"], result["count"]
    return Rates(
        f1=float(f_measure.get("f_measure", math.nan)),
        precision=float(f_measure.get("precision", math.nan)),
        recall=float(f_measure.get("recall", math.nan)),
        error_rate=float(error_rate.get("error_rate", math.nan)),
        deletion_rate=float(error_rate.get("deletion_rate", math.nan)),
        insertion_rate=float(error_rate.get("insertion_rate", math.nan)),
        num_reference=int(count["Nref"]),
        num_estimated=int(count["Nsys"]),
    )
