"""What can be wrong with the events and tags of single clips, a function each.

Errors are what no training and no score can use: events without a time in their clip, tags that contradict the events.
Warnings are for a person to judge: they are learnt and counted as they stand. Labels across clips are looked at in
``class_checks.py``, audio in ``audio_checks.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from datamodules.annotations import Event
from datamodules.checks.audio_checks import lacks_channel, reaches_past, unnamed_channels
from datamodules.checks.checked_clips import CheckedClip
from datamodules.checks.findings import NUM_EXAMPLES, Finding, Severity, finding, readable, said

_SAME_SECONDS = 1e-6  # times of lists are decimals, their sums are not


class PlacedEvent(NamedTuple):
    """An event of a clip and where it was read; ``other`` is one of the clip that it is compared with."""

    clip: CheckedClip
    event: Event
    place: str
    other: Event | None = None


def placed_events(clip: CheckedClip) -> Iterator[PlacedEvent]:
    """The events of a clip, each with its own line where the layout has one."""
    entry = clip.entry
    places = entry.places or [entry.place] * len(entry.events or ())
    for event, place in zip(entry.events or (), places, strict=True):
        yield PlacedEvent(clip, event, place)


def outside_events(clips: Sequence[CheckedClip]) -> Finding | None:
    """Events that begin before their clip or after its end, or end later than rounding explains."""

    def is_outside(one: PlacedEvent) -> bool:
        length, slack = one.clip.duration_seconds, one.clip.entry.slack_seconds
        late = one.event.onset_seconds >= length or one.event.offset_seconds > length + slack
        return one.event.onset_seconds < 0 or late

    measured = [one for one in readable(clips) if not (lacks_channel(one) or reaches_past(one))]
    return _finding(
        "outside_events", "error", "event lies outside its clip", _where(measured, is_outside),
        lambda one: f"{_times(one.event)} in {one.clip.duration_seconds:g} s",
    )  # fmt: skip


def reversed_events(clips: Sequence[CheckedClip]) -> Finding | None:
    """Events that end before they begin."""
    found = _where(clips, lambda one: one.event.duration_seconds < 0)
    return _finding("reversed_events", "error", "event ends before it begins", found, lambda one: _times(one.event))


def zero_length_events(clips: Sequence[CheckedClip]) -> Finding | None:
    """Events that end where they begin: a point is no stretch of sound, and no overlap with it can be counted."""
    found = _where(clips, lambda one: one.event.duration_seconds == 0)
    return _finding("zero_length_events", "error", "event has no length", found, lambda one: _times(one.event))


def short_events(clips: Sequence[CheckedClip], *, frame_seconds: float) -> Finding | None:
    """Events shorter than a frame of the curves: they are learnt as a whole frame."""
    found = _where(clips, lambda one: 0 < one.event.duration_seconds < frame_seconds - _SAME_SECONDS)
    return _finding(
        "short_events", "warning", f"event is shorter than a frame of {frame_seconds:g} s", found,
        lambda one: _times(one.event),
    )  # fmt: skip


def duplicate_events(clips: Sequence[CheckedClip]) -> Finding | None:
    """Events of the same class and times in one clip: each is counted when scored."""
    found = []
    for clip in clips:
        seen: dict[Event, str] = {}
        for one in placed_events(clip):
            if seen.setdefault(one.event, one.place) is not one.place:
                found.append(one)
    return _finding(
        "duplicate_events", "warning", "the same event stands twice in its clip", found, lambda one: _times(one.event)
    )


def overlapping_events(clips: Sequence[CheckedClip]) -> Finding | None:
    """Events of one class that overlap in their clip: curves and frames show them as one."""
    found = [one for clip in clips for one in _overlapping(clip)]
    return _finding(
        "overlapping_events", "warning", "event overlaps another of its class in the clip", found,
        lambda one: f"{_times(one.event)}" + ("" if one.other is None else f" and {_seconds(one.other)}"),
    )  # fmt: skip


def _overlapping(clip: CheckedClip) -> Iterator[PlacedEvent]:
    """Each event that begins before one of its class has ended, with that one; events that are the same left out."""
    longest: dict[str, Event] = {}
    for one in sorted(placed_events(clip), key=lambda one: one.event):
        event, before = one.event, longest.get(one.event.label)
        if event.duration_seconds <= 0:
            continue
        if before is not None and before != event and event.onset_seconds < before.offset_seconds - _SAME_SECONDS:
            yield one._replace(other=before)
        if before is None or event.offset_seconds > before.offset_seconds:
            longest[event.label] = event


def contradicting_tags(clips: Sequence[CheckedClip]) -> Finding | None:
    """Tags that are not those of the events, where a clip has both."""

    def detail(one: CheckedClip) -> str:
        assert one.entry.tags is not None
        heard = {event.label for event in one.entry.events or ()}
        untimed, untagged = sorted(one.entry.tags - heard), sorted(heard - one.entry.tags)
        parts = [f"tagged without an event: {', '.join(untimed)}"] if untimed else []
        return "; ".join([*parts, *([f"events without a tag: {', '.join(untagged)}"] if untagged else [])])

    both = [one for one in clips if one.entry.events is not None and one.entry.tags is not None]
    wrong = [one for one in both if frozenset(event.label for event in one.entry.events or ()) != one.entry.tags]
    return finding("contradicting_tags", "error", "tags are not those of the clip's events", wrong, detail)


def several_channels(clips: Sequence[CheckedClip]) -> Finding | None:
    """Files of more than one channel where the labels name none: their mean is taken."""
    return unnamed_channels(clips, names_channel=lambda one: one.entry.channel is not None, used="their mean is used")


def counted_labels(clips: Sequence[CheckedClip]) -> dict[str, int]:
    """Clips by kind of label, and those of them without any: ``{"strong": 9, "strong without an event": 1}``."""
    counts: Counter[str] = Counter()
    for one in clips:
        kind = one.entry.label_kind
        counts[kind] += 1
        if kind == "strong" and not one.entry.events:
            counts["strong without an event"] += 1
        if kind == "weak" and not one.entry.tags:
            counts["weak without a tag"] += 1
    return dict(counts)


def _where(clips: Sequence[CheckedClip], wrong: Callable[[PlacedEvent], bool]) -> list[PlacedEvent]:
    return [one for clip in clips for one in placed_events(clip) if wrong(one)]


def _finding(
    check: str, severity: Severity, what: str, found: Sequence[PlacedEvent], detail: Callable[[PlacedEvent], str]
) -> Finding | None:
    """The finding on events, or None."""
    lines = (said(one.place, one.clip.name, detail(one)) for one in found[:NUM_EXAMPLES])
    return Finding(check, severity, len(found), what, tuple(lines)) if found else None


def _times(event: Event) -> str:
    """``dog 1.5-2 s``."""
    return f"{event.label} {_seconds(event)}"


def _seconds(event: Event) -> str:
    return f"{event.onset_seconds:g}-{event.offset_seconds:g} s"
