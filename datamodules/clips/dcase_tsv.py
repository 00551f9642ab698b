"""The tab-separated lists of DCASE: timed events and tags by clip. Standard library only.

Strong lists have the columns ``filename onset offset event_label`` (older lists: ``file``, ``event_onset``,
``event_offset``), weak ones ``filename event_labels`` with labels joined by commas. Both may lack the heading, have
CRLF line ends, a byte-order mark and rows in any order; a headed file has its columns in any order, and others, which
are ignored. A clip without an event is a row with its filename and empty fields, or with its filename alone: a text
that ends in an audio extension, or, in a list with a heading or a full row, one without blank, comma, semicolon or
brackets. (A line of another format has no tab either: taken for an event-free clip, it would score as silence.) What
cannot be scored is refused with file and line. Lists of other formats: ``datamodules.clips.event_lists``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from datamodules.annotations import Event
from datamodules.clips.tag_lists import join_tags, split_tags
from datamodules.texts.utf8_text import NotUtf8Error, read_utf8

EVENT_COLUMNS = ("filename", "onset", "offset", "event_label")
TAG_COLUMNS = ("filename", "event_labels")
SYNONYMS = {"file": "filename", "event_onset": "onset", "event_offset": "offset"}
_AUDIO_SUFFIX = re.compile(r"\.(wav|flac|ogg|opus|mp3|m4a|aac)$", re.IGNORECASE)
_FIELDS_AFTER_SUFFIX = re.compile(r"\.(wav|flac|ogg|opus|mp3|m4a|aac)[\"']?\s*[,;|\s]", re.IGNORECASE)
_EMPTY_MEANS_NONE = "; a file without an event has empty fields, or its filename alone"

Lines = Iterable[tuple[int, list[str]]]  # the rows of a list: line number, fields


class AnnotationFileError(ValueError):
    """A list of events or tags that cannot be read; the text names file, line, value and what is allowed."""


class Row(NamedTuple):
    """A row of a list; ``fields`` are the columns after the filename, none or empty ones for an event-free clip."""

    place: str  # "file.tsv, line 3"
    clip_id: str
    filename: str  # as written
    fields: dict[str, str]


def clip_id(filename: str) -> str:
    """What lists are matched by: the filename without folder and audio extension.

    One system writes ``audio/validation/Y1_30.000_40.000.wav`` and another ``Y1_30.000_40.000``: the same clip. Two
    different filenames of one list that give the same id are refused when the list is read.

    >>> clip_id("audio/eval/Y1_30.000_40.000.wav"), clip_id("Y1_30.000_40.000")
    ('Y1_30.000_40.000', 'Y1_30.000_40.000')
    """
    return _AUDIO_SUFFIX.sub("", re.split(r"[/\\]", filename.strip())[-1])


def read_events(path: Path | str) -> dict[str, tuple[Event, ...]]:
    """Events by clip id, sorted by onset; event-free clips are keys with an empty tuple.

    Raises ``AnnotationFileError`` for a wrong number of columns, times that are no finite numbers or lie before 0, an
    offset before its onset, a missing label, and filenames that collide; ``OSError`` if the file can't be opened.
    """
    return events_of(Path(path), tab_separated(read_text(Path(path))))


def events_of(path: Path, lines: Lines, *, separator: str = "tabs") -> dict[str, tuple[Event, ...]]:
    """``read_events`` of lines that were split at ``separator``; ``path`` is for error messages."""
    events: dict[str, list[Event]] = {}
    for row in rows_of(path, lines, EVENT_COLUMNS, separator=separator):
        of_clip = events.setdefault(row.clip_id, [])
        if any(row.fields.values()):
            of_clip.append(_event(row))
    return {clip: tuple(sorted(of_clip)) for clip, of_clip in events.items()}


def read_tags(path: Path | str) -> dict[str, frozenset[str]]:
    """Tags by clip id; a clip that stands on several rows has the tags of all. Errors as ``read_events``."""
    tags: dict[str, frozenset[str]] = {}
    for row in rows_of(Path(path), tab_separated(read_text(Path(path))), TAG_COLUMNS):
        tags[row.clip_id] = tags.get(row.clip_id, frozenset()) | set(split_tags(row.fields.get("event_labels", "")))
    return tags


def write_events(path: Path | str, events: Mapping[str, Sequence[Event]]) -> None:
    """Write a headed strong list, sorted by clip and onset, times exact to the last bit.

    Raises ``ValueError`` for what ``read_events`` would refuse or read otherwise.
    """
    lines = []
    for filename in sorted(events):
        of_clip = sorted(events[filename])
        for event in of_clip:
            _check_times(f"event of {filename!r}", *event[:2])
            times = (repr(float(event.onset_seconds)), repr(float(event.offset_seconds)))
            lines.append((filename, *times, _writable(event.label)))
        if not of_clip:
            lines.append((filename, "", "", ""))
    _write(Path(path), EVENT_COLUMNS, list(events), lines)


def write_tags(path: Path | str, tags: Mapping[str, Set[str]]) -> None:
    """Write a headed weak list, sorted by clip, labels sorted (``tag_lists.py`` says how a comma stands in one)."""
    lines = [(filename, join_tags(sorted(_writable(label) for label in tags[filename]))) for filename in sorted(tags)]
    _write(Path(path), TAG_COLUMNS, list(tags), lines)


def read_text(path: Path) -> str:
    """A list's text, without its byte-order mark. Raises ``AnnotationFileError`` for what is not UTF-8."""
    try:
        return read_utf8(path)
    except NotUtf8Error as error:
        raise AnnotationFileError(str(error)) from error


def tab_separated(text: str) -> Lines:
    """The rows of a text as ``read_text`` gives it, blank lines left out."""
    lines = enumerate(text.split("\n"), start=1)
    return [(number, line.split("\t")) for number, line in lines if line.strip()]


def rows_of(
    path: Path, lines: Lines, columns: tuple[str, ...], *, separator: str = "tabs", unique: bool = True
) -> Iterator[Row]:
    """The rows of a list with ``columns``, headed or not, each with its place; texts as they stand.

    ``unique`` refuses filenames that give the same clip id. Raises ``AnnotationFileError``.
    """
    numbered = list(lines)
    header = _header(f"{path}, line {numbered[0][0]}", numbered[0][1], columns) if numbered else None
    width = len(header or columns)
    has_full_row = header is not None or any(len(fields) == width for _, fields in numbered)
    written_as: dict[str, str] = {}
    for number, fields in numbered[header is not None :]:
        place = f"{path}, line {number}"
        values = [field.strip() for field in fields]
        filename = values[header.index("filename") if header and len(values) == width else 0]
        if len(fields) != width:
            if any(values[1:]):
                raise AnnotationFileError(
                    f"{place}: {len(fields)} columns, allowed: {width} separated by {separator} "
                    f"({' '.join(header or columns)}) or the filename alone"
                )
            _check_filename_alone(place, filename, has_full_row=has_full_row, separator=separator)
        clip = clip_id(filename)
        if not clip:
            raise AnnotationFileError(f"{place}: filename {filename!r}, allowed: a name that is not empty")
        if unique and written_as.setdefault(clip, filename) != filename:
            raise AnnotationFileError(
                f"{place}: filename {filename!r} and {written_as[clip]!r} are both clip {clip!r}; clips are matched "
                "without folder and extension, which must be unique"
            )
        named = zip(header or columns, values, strict=True) if len(values) == width else ()
        yield Row(place, clip, filename, {name: value for name, value in named if name not in ("", "filename")})


def _check_filename_alone(place: str, text: str, *, has_full_row: bool, separator: str) -> None:
    """Refuse a line that is no filename alone (the rule is the file's docstring), with what it seems to be."""
    if _AUDIO_SUFFIX.search(text) and not _FIELDS_AFTER_SUFFIX.search(text):
        return
    if text.startswith(("{", "[", "]", "}")):
        found = "JSON"
    elif sign := re.search(r"[;,|]", text):
        found = "separated by " + {";": "semicolons", ",": "commas", "|": "bars"}[sign[0]]
    elif "\t" in text:
        found = "separated by tabs"
    elif re.search(r"\s", text):
        found = "separated by blanks"
    elif re.search(r"[\"{}\[\]]", text):
        found = "quotes or brackets"
    elif not has_full_row:
        found = f"one column without an audio extension, in a list without any row that {separator} separate"
    else:
        return
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise AnnotationFileError(
        f"{place}: {shown!r} ({found}), allowed: columns separated by {separator}, or the filename alone"
    )


def _header(place: str, fields: list[str], columns: tuple[str, ...]) -> list[str] | None:
    """The columns that a heading names ("" for those to ignore), or None where the first row is data."""
    names = [SYNONYMS.get(field.strip().lower(), field.strip().lower()) for field in fields]
    if names[0] != "filename" and not set(columns) <= set(names):
        return None
    if not set(columns) <= set(names) or len(set(names)) < len(names):
        raise AnnotationFileError(f"{place}: heading {' '.join(names)!r}, allowed: {' '.join(columns)!r}")
    return [name if name in columns else "" for name in names]


def _event(row: Row) -> Event:
    times = []
    for column in ("onset", "offset"):
        try:
            times.append(float(row.fields[column]))
        except ValueError:
            raise AnnotationFileError(
                f"{row.place}: {column} {row.fields[column]!r}, allowed: a time in seconds{_EMPTY_MEANS_NONE}"
            ) from None
    _check_times(row.place, *times)
    if not row.fields["event_label"]:
        raise AnnotationFileError(f"{row.place}: event_label '', allowed: the name of a class")
    return Event(times[0], times[1], row.fields["event_label"])


def _check_times(place: str, onset_seconds: float, offset_seconds: float) -> None:
    for column, seconds in (("onset", onset_seconds), ("offset", offset_seconds)):
        if not (math.isfinite(seconds) and seconds >= 0):
            hint = _EMPTY_MEANS_NONE if math.isnan(seconds) else ""
            raise AnnotationFileError(
                f"{place}: {column} {seconds}, allowed: a finite time in seconds, 0 or later{hint}"
            )
    if offset_seconds < onset_seconds:
        raise AnnotationFileError(
            f"{place}: offset {offset_seconds} lies before onset {onset_seconds}, allowed: no event of negative length"
        )


def _writable(text: str) -> str:
    if not text or text != text.strip() or re.search(r"[\t\r\n]", text):
        raise ValueError(f"{text!r} can't be written to a TSV: it is empty, or has a tab, line end or outer blanks")
    return text


def _write(path: Path, columns: tuple[str, ...], filenames: list[str], lines: Sequence[tuple[str, ...]]) -> None:
    if len({clip_id(_writable(filename)) for filename in filenames} - {""}) < len(filenames):
        raise ValueError(f"{path}: some clips have the same name without folder and extension")
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join("\t".join(line) + "\n" for line in [columns, *lines]), encoding="utf-8", newline="")
    partial.replace(path)
