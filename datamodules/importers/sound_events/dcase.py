"""The lists of DCASE and DESED, tab-separated or CSV, by their columns.

    filename onset offset event_label     strong; a file without an event has empty fields, or its filename alone
    filename event_labels                 weak, labels joined by commas (``tag_lists.py`` if one has a comma)
    filename duration                     the files of strong lists: one that they do not name has no event
    filename                              unlabelled clips

Columns stand in any order and others are ignored. Without a heading, four columns are strong and two weak. A file is
looked for beside its list or below ``--audio-root`` (``audio_files.py``), of DESED's ``metadata`` in its ``audio``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from datamodules.clips.dcase_tsv import TAG_COLUMNS, Row, read_text, rows_of, tab_separated
from datamodules.clips.event_lists import comma_separated, has_csv_heading, unquoted
from datamodules.clips.tag_lists import split_tags
from datamodules.importers.entry import ManifestError, seconds
from datamodules.importers.sound_events.audio_files import AudioFiles, clip_name
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.event_rows import event_label, manifest_errors, strong_clips

ListKind = Literal["strong", "weak", "durations", "unlabelled"]
_NUMBER = re.compile(r"\s*\d+(\.\d*)?\s*")
_ALLOWED = (
    "allowed: a heading with filename onset offset event_label (strong), filename event_labels (weak), filename "
    "duration (the files of strong lists) or filename (unlabelled)"
)


def read_dcase(path: Path, *, audio_root: Path | None) -> Iterator[ClipEntry]:
    """Clips of one list. Raises ``ManifestError``."""
    audio = AudioFiles(_audio_folder(path.absolute(), audio_root))
    with manifest_errors():
        text = read_text(path)
        commas = has_csv_heading(text)
        lines = [
            (number, [unquoted(field) for field in fields])
            for number, fields in (comma_separated(path, text) if commas else tab_separated(text))
        ]
    if not lines:
        return
    separator = "commas" if commas else "tabs"
    kind = _kind(lines[0][1], place=f"{path}, line {lines[0][0]}")
    if kind == "strong":
        yield from strong_clips(path, lines, audio=audio, separator=separator)
        return
    columns = {"weak": TAG_COLUMNS, "durations": ("filename", "duration"), "unlabelled": ("filename",)}[kind]
    with manifest_errors():
        rows = list(rows_of(path, lines, columns, separator=separator, unique=False))
    for row in rows:
        yield _clip(row, kind, audio=audio)


def _audio_folder(path: Path, audio_root: Path | None) -> Path:
    """Where a list's audio is: in DESED's folders that of ``metadata/A/B.tsv`` is in ``audio/A/B``, else ``audio/A`` …

    So are lists of synthetic soundscapes that have the same names in training and validation told apart.
    """
    metadata = next((folder for folder in path.parents if folder.name == "metadata"), None)
    root = audio_root or (path.parent if metadata is None else metadata.parent / "audio")
    if metadata is None or not root.is_dir():
        return audio_root or path.parent
    own = root / path.with_suffix("").relative_to(metadata)
    return next(folder for folder in (own, *own.parents) if folder.is_dir())


def _kind(first: list[str], *, place: str) -> ListKind:
    """What a list holds, by its heading or the shape of its first row."""
    names = {field.strip().lower() for field in first}
    if names & {"filename", "file"}:
        if names & {"onset", "event_onset", "offset", "event_offset", "event_label"}:
            return "strong"
        if "event_labels" in names:
            return "weak"
        return _without_labels(names - {""}, place=place)
    if len(first) == 4:
        return "strong"
    if len(first) == 2 and not _NUMBER.fullmatch(first[1]):
        return "weak"
    raise ManifestError(f"{place}: {len(first)} columns and no heading; {_ALLOWED}")


def _without_labels(names: set[str], *, place: str) -> ListKind:
    """Labels under a heading that is not known must become neither unlabelled clips nor clips without an event."""
    if len(names - {"duration"}) > 1:
        raise ManifestError(f"{place}: heading {' '.join(sorted(names))!r}; {_ALLOWED}")
    return "durations" if "duration" in names else "unlabelled"


def _clip(row: Row, kind: ListKind, *, audio: AudioFiles) -> ClipEntry:
    """A clip of a list that has no times."""
    tags = None
    if kind == "weak":
        labels = split_tags(row.fields.get("event_labels", ""))
        tags = frozenset(event_label(label, key="event_labels", place=row.place) for label in labels)
    if written := row.fields.get("duration"):
        seconds(written, key="duration", place=row.place, above_zero=True)  # the audio's own length counts
    return ClipEntry(
        clip_id=clip_name(row.filename),
        audio=audio.named(row.filename, place=row.place),
        place=row.place,
        tags=tags,
        is_listed_only=kind == "durations",
    )
