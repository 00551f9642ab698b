"""Rows of timed events, whatever list they stand in, as clips: one a recording, its events as written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import EVENT_COLUMNS, AnnotationFileError, Lines, Row, rows_of
from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.audio_files import AudioFiles, clip_name
from datamodules.importers.sound_events.clip_entry import ClipEntry


@contextmanager
def manifest_errors() -> Iterator[None]:
    """What a list of events is refused for, as the refusal of a manifest."""
    try:
        yield
    except AnnotationFileError as error:
        raise ManifestError(str(error)) from error


def strong_clips(path: Path, lines: Lines, *, audio: AudioFiles, separator: str = "tabs") -> Iterator[ClipEntry]:
    """Clips of DCASE rows (``filename onset offset event_label``), in the order in which they are first named.

    Times are numbers, and may be wrong: reversed, beyond the file. Raises ``ManifestError``.
    """
    with manifest_errors():
        rows = list(rows_of(path, lines, EVENT_COLUMNS, separator=separator, unique=False))
    by_file: dict[str, list[Row]] = {}
    for row in rows:
        by_file.setdefault(row.filename, []).append(row)
    for filename, of_file in by_file.items():
        with_events = [row for row in of_file if any(row.fields.values())]
        yield ClipEntry(
            clip_id=clip_name(filename),
            audio=audio.named(filename, place=of_file[0].place),
            place=of_file[0].place,
            events=tuple(map(_event, with_events)),
            places=tuple(row.place for row in with_events),
        )


def event_time(written: str, *, key: str, place: str) -> float:
    """A time in seconds, which may lie anywhere. Raises ``ManifestError`` for what is no finite number."""
    try:
        seconds = float(written)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ManifestError(
            f"{place}: {key} {written!r}, allowed: a time in seconds; a file without an event has empty fields, or "
            "its filename alone"
        )
    return seconds


def event_label(written: str, *, key: str, place: str) -> str:
    """The name of a class. Raises ``ManifestError`` for an empty one and for what no list of ours can hold."""
    label = written.strip()
    if not label:
        raise ManifestError(f"{place}: {key} '', allowed: the name of a class")
    if unwritable := [sign for sign in "\t\r\n" if sign in label]:
        raise ManifestError(f"{place}: {key} {label!r}, allowed: a name without {unwritable[0]!r}")
    return label


def _event(row: Row) -> Event:
    onset, offset = (event_time(row.fields[key], key=key, place=row.place) for key in ("onset", "offset"))
    return Event(onset, offset, event_label(row.fields["event_label"], key="event_label", place=row.place))
