"""Lhotse's cuts, or supervisions beside their recordings, whose supervisions are events.

    {"id": "yard-1", "start": 0, "duration": 10, "channel": 0, "type": "MonoCut", "recording": {…}, "custom": {…},
     "supervisions": [{"id": "yard-1-0", "start": 0.5, "duration": 0.7, "custom": {"label": "dog"}, …}]}

An event's class is its ``custom.label``, else its ``text``. A cut is a clip, and so is a recording beside supervisions.
``custom`` of a cut may say ``tags`` (a list), ``label_kind``, ``fold`` and ``split``, as our own corpora do. Where no
clip of a file has a supervision, those without tags are unlabelled; else they have no event. An event that reaches over
its cut ends with it, as Lhotse cuts. A clip over all channels of its file is their mean; supervisions of one channel
each make a clip of every channel that has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lhotse import CutSet, MonoCut, MultiCut, SupervisionSegment, SupervisionSet
from lhotse.audio import Recording

from datamodules.annotations import Event
from datamodules.clips.label_kinds import LabelKind
from datamodules.importers.entry import ManifestError, audio_path, channel_number, utterance_id
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.lhotse_manifest import load_lhotse, recordings_beside, source_of
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.rows import label_of

Channels = tuple[int, ...]


@dataclass(frozen=True)
class _Stretch:
    """A clip as Lhotse has it: some or all channels of a recording from one time to another."""

    clip_id: str
    place: str
    recording: Recording
    channels: Channels
    start_seconds: float
    duration_seconds: float
    supervisions: Sequence[tuple[str, SupervisionSegment]]  # each with its place
    custom: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of its recording, in time."""
        return self.start_seconds == 0 and abs(self.duration_seconds - self.recording.duration) < 1e-3


def read_lhotse_events(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Clips of a file of cuts or supervisions. Raises ``ManifestError``."""
    manifest = load_lhotse(path, audio_root=audio_root)
    if isinstance(manifest, SupervisionSet):
        stretches = list(_of_supervisions(path, manifest))
    elif isinstance(manifest, CutSet):
        stretches = [_of_cut(cut, place=f"{path}, line {number}") for number, cut in enumerate(manifest, start=1)]
    else:
        raise ManifestError(f"{path}: holds {type(manifest).__name__}, allowed: a file of supervisions or of cuts")
    has_events = any(stretch.supervisions for stretch in stretches)
    for stretch in stretches:
        yield _clip(stretch, has_events=has_events, root=audio_root or path.absolute().parent)
    warn_of_left_out(path, _outside(stretches), what="supervisions that lie outside their clip")


def _outside(stretches: Sequence[_Stretch]) -> Iterator[str]:
    for stretch in stretches:
        for place, segment in stretch.supervisions:
            if _event(stretch, segment, place=place).duration_seconds <= 0:
                yield str(segment.id)


def _of_cut(cut: object, *, place: str) -> _Stretch:
    if not isinstance(cut, MonoCut | MultiCut) or cut.recording is None:
        raise ManifestError(
            f"{place}: {type(cut).__name__} {getattr(cut, 'id', '')!r}, allowed: single cuts of recordings"
        )
    channels = _channels(cut.channel, place=place)
    for segment in cut.supervisions:
        if not set(_channels(segment.channel, place=place)) & set(channels):
            raise ManifestError(
                f"{place}: supervision {segment.id!r} of channel {segment.channel!r} in a cut of channel "
                f"{cut.channel!r}, allowed: one that the cut has"
            )
    supervisions = [(f"{place}, supervision {segment.id}", segment) for segment in cut.supervisions]
    return _Stretch(
        str(cut.id),
        place,
        cut.recording,
        channels,
        float(cut.start),
        float(cut.duration),
        supervisions,
        cut.custom or {},
    )


def _of_supervisions(path: Path, manifest: SupervisionSet) -> Iterator[_Stretch]:
    """A clip of each recording, or of each of its channels where supervisions are of one."""
    recordings = recordings_beside(path)
    found: dict[str, dict[Channels, list[tuple[str, SupervisionSegment]]]] = {name: {} for name in recordings}
    for number, segment in enumerate(manifest, start=1):
        place = f"{path}, line {number}"
        if segment.recording_id not in recordings:
            raise ManifestError(f"{place}: recording {segment.recording_id!r} is not in the recordings beside it")
        channels = _channels(segment.channel, place=place)
        found[segment.recording_id].setdefault(channels, []).append((place, segment))
    silent: list[str] = []
    for name, recording in recordings.items():
        whole = tuple(sorted(number for source in recording.sources for number in source.channels))
        labelled = {number for channels in found[name] or [whole] for number in channels}
        silent += [f"{name}-ch{number}" for number in whole if number not in labelled]
        for channels, supervisions in (found[name] or {whole: []}).items():
            clip_id = name if channels == whole else f"{name}-ch{'-'.join(map(str, channels))}"
            place = supervisions[0][0] if supervisions else f"{path}, recording {name}"
            yield _Stretch(clip_id, place, recording, channels, 0.0, float(recording.duration), supervisions)
    warn_of_left_out(path, silent, what="channels without a supervision, of recordings that have some on another")


def _clip(stretch: _Stretch, *, has_events: bool, root: Path) -> ClipEntry:
    if stretch.recording.transforms:
        raise ManifestError(
            f"{stretch.place}: recording {stretch.recording.id!r} has transforms, allowed: recordings as they are"
        )
    source = source_of(stretch.recording, stretch.channels[0], place=stretch.place)
    if len(stretch.channels) > 1 and sorted(source.channels) != list(stretch.channels):
        raise ManifestError(
            f"{stretch.place}: channels {list(stretch.channels)} of {source.channels} of a file, allowed: one, or all"
        )
    tags = _tags(stretch)
    kind = _label_kind(stretch, tags, has_events=has_events)
    events = [(place, _event(stretch, segment, place=place)) for place, segment in stretch.supervisions]
    inside = [(place, event) for place, event in events if event.duration_seconds > 0]
    return ClipEntry(
        clip_id=utterance_id(stretch.clip_id, place=stretch.place),
        audio=audio_path(str(source.source), root=root, place=stretch.place),
        place=stretch.place,
        events=tuple(event for _, event in inside) if kind == "strong" else None,
        tags=None if kind == "unlabelled" else tags,
        start_seconds=stretch.start_seconds,
        duration_seconds=None if stretch.is_whole else stretch.duration_seconds,
        channel=source.channels.index(stretch.channels[0]) if len(stretch.channels) == 1 else None,
        split=_name(stretch, "split"),
        fold=_name(stretch, "fold"),
        recording=str(stretch.recording.id),
        places=tuple(place for place, _ in inside) if kind == "strong" else (),
    )


def _label_kind(stretch: _Stretch, tags: frozenset[str] | None, *, has_events: bool) -> LabelKind:
    """What a clip is labelled with: as it says, else by what it and its file have."""
    written = stretch.custom.get("label_kind")
    if written in ("strong", "weak", "unlabelled"):
        return written
    if written is not None:
        raise ManifestError(f"{stretch.place}: label_kind {written!r}, allowed: strong, weak, unlabelled")
    if has_events:
        return "weak" if tags and not stretch.supervisions else "strong"
    return "unlabelled" if tags is None else "weak"


def _event(stretch: _Stretch, segment: SupervisionSegment, *, place: str) -> Event:
    """A supervision as an event, cut with its clip: of no length or less where it lies outside."""
    written = segment.text if "label" not in (segment.custom or {}) else segment.custom["label"]
    end = min(round(segment.start + segment.duration, 6), stretch.duration_seconds)
    key = "custom.label or text"
    return Event(max(0.0, float(segment.start)), float(end), label_of(written, key=key, place=place))


def _tags(stretch: _Stretch) -> frozenset[str] | None:
    written = stretch.custom.get("tags")
    if written is None:
        return None
    if not isinstance(written, list | tuple):
        raise ManifestError(f"{stretch.place}: custom.tags {written!r}, allowed: a list of classes")
    return frozenset(label_of(label, key="custom.tags", place=stretch.place) for label in written)


def _name(stretch: _Stretch, key: str) -> str | None:
    written = stretch.custom.get(key)
    return None if written is None or written == "" else str(written)


def _channels(written: object, *, place: str) -> Channels:
    numbers = written if isinstance(written, list | tuple) else [written]
    return tuple(sorted({channel_number(number, place=place) for number in numbers}))
