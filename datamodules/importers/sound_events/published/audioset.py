"""AudioSet, and lists in its shape: weak labels of segments, and strong ones (Gemmeke 2017, Hershey 2021).

    # YTID, start_seconds, end_seconds, positive_labels             balanced_train_segments.csv, eval_segments.csv
    -0RWZT-miFs, 420.000, 430.000, "/m/03v3yw,/m/0k4j"              the comment lines above it are ignored
    segment_id   start_time_seconds  end_time_seconds  label        audioset_train_strong.tsv, tabs between
    b0RFKhbpFJA_30000  2.627         7.237             /m/03m9d0z   the id's number is the segment's start in ms

The names of the classes are read beside the list, from ``class_labels_indices.csv`` (index,mid,display_name) or
``mid_to_display_name.tsv`` (mid, name); labels that are no Freebase ids are names themselves. A display name may have
a comma. Audio is the segments as they were cut, found by name (``audioset_files.py``); segments whose audio is gone are
counted and named. Clips are called as DCASE calls them, ``Y-0RWZT-miFs_420.000_430.000``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError, seconds
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.published.audioset_files import Segment, SegmentAudio
from datamodules.importers.sound_events.published.audioset_names import ClassNames
from datamodules.importers.sound_events.rows import csv_rows, named_rows, tsv_rows

_COLUMNS = ("YTID", "start_seconds", "end_seconds", "positive_labels")
_STRONG_COLUMNS = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
_SEGMENT_ID = re.compile(r"(.+)_([0-9]+)")


def read_audioset(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Weak clips of a list of segments whose audio lies below ``audio_root``, else below the list's own folder.

    Raises ``ManifestError``, also where the audio of no segment is there.
    """
    names = ClassNames(path)
    rows = [
        (place, _segment(fields[0], fields[1], fields[2], place=place), names.of(fields[3].split(","), place=place))
        for place, fields in _segment_rows(path)
    ]
    names.warn_of_unknown()
    audio = SegmentAudio(path, audio_root or path.absolute().parent, [segment for _, segment, _ in rows])
    for place, segment, labels in rows:
        if (file := audio.of(segment, place=place)) is not None:
            yield ClipEntry(segment.clip_id, file, place, tags=frozenset(labels), recording=segment.video)
    audio.warn_of_missing()


def read_audioset_strong(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Strong clips of a list of AudioSet's events. Raises ``ManifestError`` as ``read_audioset``."""
    names = ClassNames(path)
    segments: dict[str, Segment] = {}
    rows: dict[str, list[tuple[str, Event]]] = {}
    for place, row in named_rows(tsv_rows(path), columns=_STRONG_COLUMNS):
        if "present" in row:
            raise ManifestError(f"{place}: column 'present', allowed: the list of events; frames are not events")
        segment_id = row["segment_id"]
        segments[segment_id] = segments.get(segment_id) or _strong_segment(segment_id, place=place)
        onset, offset = (seconds(row[key], key=key, place=place) for key in _STRONG_COLUMNS[1:3])
        events = [(place, Event(onset, offset, label)) for label in names.of([row["label"]], place=place)]
        rows.setdefault(segment_id, []).extend(events)
    names.warn_of_unknown()
    audio = SegmentAudio(path, audio_root or path.absolute().parent, list(segments.values()))
    for segment_id, segment in segments.items():
        if (file := audio.of(segment, place=f"{path}, segment {segment_id}")) is not None:
            yield ClipEntry(
                clip_id=segment.clip_id,
                audio=file,
                place=f"{path}, segment {segment_id}",
                events=tuple(event for _, event in rows[segment_id]),
                recording=segment.video,
                places=tuple(place for place, _ in rows[segment_id]),
            )
    audio.warn_of_missing()


def _segment_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows below AudioSet's heading, which is the last of its comments, or below one without the ``#``."""
    for place, fields in csv_rows(path):
        values = [field.strip() for field in fields]
        if values[0].startswith("#") or values == list(_COLUMNS):
            continue
        if len(values) != len(_COLUMNS):
            raise ManifestError(
                f"{place}: {len(values)} columns, allowed: {len(_COLUMNS)} separated by commas ({', '.join(_COLUMNS)}) "
                'with the labels together in double quotes: "/m/09x0r,/m/05zppz"'
            )
        yield place, values


def _segment(video: str, start: str, end: str, *, place: str) -> Segment:
    start_seconds = seconds(start, key="start_seconds", place=place)
    end_seconds = seconds(end, key="end_seconds", place=place)
    if not video or end_seconds <= start_seconds:
        what = f"end_seconds {end!r} is not after start_seconds {start!r}" if video else "YTID ''"
        raise ManifestError(f"{place}: {what}, allowed: a video's id, its segment's start and end in seconds")
    return Segment(video, start_seconds, end_seconds)


def _strong_segment(segment_id: str, *, place: str) -> Segment:
    match = _SEGMENT_ID.fullmatch(segment_id)
    if match is None:
        raise ManifestError(f"{place}: segment_id {segment_id!r}, allowed: YTID_START, the start in milliseconds")
    return Segment(match[1], int(match[2]) / 1000, None)
