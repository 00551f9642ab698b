"""How much of event F1 is lost by wrong tags, and how much by wrong times: one of the two is replaced by the truth.

==============  =============  ====================================================================================
tags            times          events that are scored
==============  =============  ====================================================================================
own             own            the system's
true            own            the system's with the true tags; None where tags don't choose classes
own             true           of each class that is tagged and there the reference's events; of one that is tagged
                               and not there the system's own, false as they are
own             whole clip     one event from end to end for each tag
true            whole clip     the same for the true tags: the floor of a known clip
==============  =============  ====================================================================================

A clip's own tags are the classes of which the system has an event there. What the second gains on the first is lost by
tags, what the third gains by times. The two need not add up to the rest: an event of a wrong class has no right times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from operator import attrgetter

from datamodules.annotations import ClipReferences, Event
from lightning_modules.metrics.durations import score_by_duration

Events = Mapping[str, Sequence[Event]]
Tags = Mapping[str, Set[str]]


@dataclass(frozen=True)
class Variant:
    """Event-based F1 with tags and times of one origin each."""

    tags: str
    times: str
    f1_macro: float
    f1_micro: float

    def row(self) -> dict[str, object]:
        """A line of ``tags_and_times.csv``; empty where nothing is there to be found."""
        return {
            "tags": self.tags,
            "times": self.times,
            "event_f1_macro": _cell(self.f1_macro),
            "event_f1_micro": _cell(self.f1_micro),
        }


def tags_and_times(references: ClipReferences, events: Events, *, with_true_tags: Events | None) -> list[Variant]:
    """The variants above, of clips with strong labels; ``with_true_tags`` are the system's events by the true tags."""
    assert references.events is not None
    reference = references.events
    tagged = {clip: {e.label for e in events.get(clip, ())} for clip in reference}
    true_tags = {clip: {e.label for e in of_clip} for clip, of_clip in reference.items()}
    variants: list[tuple[str, str, Events]] = [("own", "own", events)]
    if with_true_tags is not None:
        variants.append(("true", "own", with_true_tags))
    variants += [
        ("own", "true", {clip: _true_times(reference[clip], events.get(clip, ()), tagged[clip]) for clip in reference}),
        ("own", "whole clip", _whole(tagged, references.duration_seconds)),
        ("true", "whole clip", _whole(true_tags, references.duration_seconds)),
    ]
    return [
        _score(tag_origin, time_origin, of, reference, references.classes) for tag_origin, time_origin, of in variants
    ]


def _true_times(true: Sequence[Event], own: Sequence[Event], tagged: Set[str]) -> list[Event]:
    there = {event.label for event in true}
    right = [event for event in true if event.label in tagged]
    return [*right, *(event for event in own if event.label not in there)]


def _whole(tags: Tags, duration_seconds: Mapping[str, float]) -> dict[str, list[Event]]:
    return {clip: [Event(0.0, duration_seconds[clip], label) for label in sorted(of)] for clip, of in tags.items()}


def _score(tags: str, times: str, events: Events, reference: Events, classes: Sequence[str]) -> Variant:
    scores = score_by_duration(reference, events, classes=classes, short_below_seconds=0.0)["long"]  # all of them
    return Variant(tags, times, scores.macro(attrgetter("f1")), scores.micro.f1)


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
