"""Clips whose audio was opened: where each lies, how long it is, and its labels as they can be learnt and scored."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.annotations import Event
from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.clips.label_kinds import LabelKind
from datamodules.importers.audio_headers import AudioHeaders, DamagedAudioError, Header
from datamodules.importers.sound_events.clip_entry import ClipEntry

Named = dict[str, list[str]]  # reason -> places


@dataclass(frozen=True, slots=True)
class PlacedClip:
    """A stretch of a file with labels that fit it.

    Events are sorted, in whole milliseconds from the clip's start, and end with the clip at the latest; ``tags`` are
    theirs where the clip is strong. ``channel`` None is the mean of all. ``recording`` is what no split may share.
    """

    clip_id: str
    audio: Path
    header: Header
    place: str
    start_seconds: float
    duration_seconds: float
    channel: int | None
    kind: LabelKind
    events: tuple[Event, ...]
    tags: frozenset[str]
    recording: str
    split: str | None = None
    fold: str | None = None


@dataclass
class Noted:
    """What is to be said of an import, by reason, with the places where it stands."""

    damaged_clips: Named = field(default_factory=lambda: defaultdict(list))
    wrong_events: Named = field(default_factory=lambda: defaultdict(list))
    cut_events: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    slivers: list[str] = field(default_factory=list)


class Placing:
    """Places one entry after the other; ``noted`` fills."""

    def __init__(self, *, whole_clip_events: bool = False) -> None:
        self.noted = Noted()
        self._headers = AudioHeaders()
        self._recordings: dict[Path, str] = {}
        self._whole_clip_events = whole_clip_events

    def placed(self, entry: ClipEntry) -> PlacedClip:
        """An entry as a clip. Raises ``DamagedAudioError`` for what its file does not have."""
        header = self._headers.of(entry.audio)
        duration = _duration(entry, header)
        events, kind = self._events(entry, duration), entry.label_kind
        tags = frozenset(entry.tags or ())
        if kind == "weak" and self._whole_clip_events:
            events, kind = tuple(Event(0.0, _whole_milliseconds(duration), tag) for tag in sorted(tags)), "strong"
        return PlacedClip(
            clip_id=entry.clip_id,
            audio=entry.audio.resolve(),
            header=header,
            place=entry.place,
            start_seconds=entry.start_seconds,
            duration_seconds=duration,
            channel=entry.channel,
            kind=kind,
            events=events,
            tags=frozenset(event.label for event in events) if kind == "strong" else tags,
            recording=entry.recording or self._recordings.setdefault(entry.audio, entry.clip_id),
            split=entry.split,
            fold=entry.fold,
        )

    def _events(self, entry: ClipEntry, duration_seconds: float) -> tuple[Event, ...]:
        """The events that can be used, sorted; the others are noted, and so are those that were cut."""
        places = entry.places or (entry.place,) * len(entry.events or ())
        kept: dict[Event, str] = {}
        for event, place in zip(entry.events or (), places, strict=True):
            if fault := _fault(event, duration_seconds, slack_seconds=entry.slack_seconds):
                self.noted.wrong_events[fault].append(place)
                continue
            fitted = _fitted(event, duration_seconds)
            if event.onset_seconds < 0 or event.offset_seconds > duration_seconds:
                self.noted.cut_events.append(place)
            if fitted in kept:
                self.noted.twice.append(f"{place} as at {kept[fitted]}")
            kept.setdefault(fitted, place)
        return tuple(sorted(kept))


def _duration(entry: ClipEntry, header: Header) -> float:
    """The clip's length in its file, cut at the file's end where it is past it by rounding."""
    if entry.channel is not None and entry.channel >= header.num_channels:
        raise DamagedAudioError(f"lacks channel {entry.channel} (counted from 0)")
    if entry.start_seconds >= header.duration_seconds:
        raise DamagedAudioError("starts after the end of its file" if header.num_samples else "no samples")
    to_end = header.duration_seconds - entry.start_seconds
    if entry.duration_seconds is None:
        return to_end
    if entry.duration_seconds > to_end + SLACK_SECONDS:
        raise DamagedAudioError("reaches past the end of its file")
    return min(entry.duration_seconds, to_end)


def _fault(event: Event, duration_seconds: float, *, slack_seconds: float) -> str | None:
    """Why an event cannot be used, in words that can be counted."""
    if event.offset_seconds < event.onset_seconds:
        return "the offset lies before the onset"
    if event.onset_seconds < -SLACK_SECONDS:
        return "begins before the clip"
    if round(event.onset_seconds, 3) >= _whole_milliseconds(duration_seconds):
        return "begins after the clip's end"
    if event.offset_seconds > duration_seconds + slack_seconds:
        return "ends after the clip's end"
    fitted = _fitted(event, duration_seconds)
    return "no length" if fitted.offset_seconds <= fitted.onset_seconds else None


def _fitted(event: Event, duration_seconds: float) -> Event:
    end = _whole_milliseconds(duration_seconds)
    onset, offset = max(0.0, round(event.onset_seconds, 3)), min(end, round(event.offset_seconds, 3))
    return Event(onset, offset, event.label)


def _whole_milliseconds(seconds: float) -> float:
    """The last whole millisecond of a duration; a millionth of one forgives floats."""
    return math.floor(seconds * 1000 + 1e-6) / 1000
