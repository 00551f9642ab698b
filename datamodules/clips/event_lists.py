"""Event lists in the formats of other tools, read as ``dcase_tsv.py`` reads DCASE's. Standard library only.

========  =====================================================================================================
format    a row is
========  =====================================================================================================
dcase     ``filename onset offset event_label``, separated by tabs; fields may stand in double quotes
csv       the same, separated by commas (RFC 4180); taken without being asked for where the heading shows it
audacity  ``onset offset label`` of a label track: one file's events, which the list's own name says
raven     a selection table; the file is in ``Begin File`` or ``Begin Path``, else in the list's own name
========  =====================================================================================================

Everything else is refused with file, line and, where it is known, the way to convert it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import EVENT_COLUMNS, AnnotationFileError, Lines, events_of, read_text, tab_separated

Format = Literal["dcase", "csv", "audacity", "raven"]
FORMATS: tuple[Format, ...] = ("dcase", "csv", "audacity", "raven")

RAVEN_FILES = ("Begin File", "Begin Path")
RAVEN_LABELS = ("Annotation", "Label", "Common Name", "Species")
BIRDNET_COLUMNS = "Start (s),End (s),Scientific name,Common name,Confidence,File"
RAVEN_TIMES = ("Begin Time (s)", "End Time (s)")
_BIRDNET_REQUIRED = ("Start (s)", "End (s)", "Common name")
_OWN_SUFFIX = re.compile(
    r"(\.Table\.\d+)?(\.BirdNET)?(\.results|\.selections?(\.table)?)?\.(txt|tsv|csv)$", re.IGNORECASE
)

Events = dict[str, tuple[Event, ...]]


def read_event_list(path: Path | str, *, form: Format | None = None) -> tuple[Events, Format]:
    """Events by clip id as ``read_events`` gives them, and the format that they were read in.

    Without ``form`` it is ``csv`` where the first line is DCASE's heading with commas, else ``dcase``. Raises
    ``AnnotationFileError`` for what isn't of the format, ``OSError`` if the file can't be opened.
    """
    path = Path(path)
    text = read_text(path)
    if form is None:
        _refuse_other_formats(path, tab_separated(text))
        form = "csv" if has_csv_heading(text) else "dcase"
    if form == "csv":
        return events_of(path, comma_separated(path, text), separator="commas"), form
    lines = tab_separated(text)
    if form == "audacity":
        return events_of(path, audacity_rows(path, lines)), form
    if form == "raven":
        return events_of(path, raven_rows(path, lines)), form
    return events_of(path, [(number, [unquoted(field) for field in fields]) for number, fields in lines]), form


def _refuse_other_formats(path: Path, lines: Lines) -> None:
    """Refuse a list whose first line shows another tool's format, with the way to read it."""
    place, fields = next(((f"{path}, line {number}", fields) for number, fields in lines), ("", [""]))
    first = fields[0].strip()
    if set(RAVEN_TIMES) <= {field.strip() for field in fields}:
        raise AnnotationFileError(f"{place}: a Raven selection table; give --format raven")
    if first.lower().startswith("start (s),end (s)"):
        raise AnnotationFileError(
            f"{place}: BirdNET's CSV; let BirdNET write a Raven table (--rtype table) and give --format raven, or "
            f"rename its columns ({BIRDNET_COLUMNS}): "
            f"sed -i '1s/.*/onset,offset,scientific,event_label,confidence,filename/' {path.name}"
        )
    if first.startswith(("{", "[")):
        raise AnnotationFileError(f"{place}: JSON, allowed: rows of {' '.join(EVENT_COLUMNS)} separated by tabs")
    if len(fields) == 3 and all(re.fullmatch(r"\d+([.,]\d+)?", field.strip()) for field in fields[:2]):
        raise AnnotationFileError(
            f"{place}: 3 columns that begin with two times, an Audacity label track; give --format audacity"
        )


def has_csv_heading(text: str) -> bool:
    """Whether the first line is DCASE's heading with commas."""
    heading = text.lstrip().split("\n", 1)[0].lower().replace('"', "")
    names = [name.strip() for name in heading.split(",")]
    known = names[0] in ("filename", "file") or set(EVENT_COLUMNS) <= set(names)
    return known and len(names) > 1 and "\t" not in heading


def comma_separated(path: Path, text: str) -> Lines:
    """The rows of a CSV text, blank lines left out. Raises ``AnnotationFileError`` for quotes that do not end."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    rows = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append((reader.line_num, fields))
    except csv.Error as error:
        raise AnnotationFileError(
            f"{path}, line {reader.line_num}: {error}, allowed: CSV with double quotes"
        ) from error
    return rows


def unquoted(field: str) -> str:
    """A field without the double quotes that spreadsheets and pandas write around it."""
    field = field.strip()
    return field[1:-1].replace('""', '"') if len(field) > 1 and field[0] == field[-1] == '"' else field


def audacity_rows(path: Path, lines: Lines) -> Lines:
    """DCASE rows of a label track; lines that begin with a backslash give the frequencies of the label above."""
    own = _OWN_SUFFIX.sub("", path.name)
    rows = []
    for number, fields in lines:
        if fields[0].startswith("\\"):
            continue
        if len(fields) != 3:
            raise AnnotationFileError(
                f"{path}, line {number}: {len(fields)} columns, allowed: an Audacity label's 3 separated by tabs "
                "(onset offset label)"
            )
        rows.append((number, [own, *fields]))
    return rows or [(1, [own, "", "", ""])]


def birdnet_rows(path: Path, lines: Lines) -> Lines:
    """DCASE rows of BirdNET's result CSV, labelled with common names; without a column File it is one file's."""
    numbered = list(lines)
    own = _OWN_SUFFIX.sub("", path.name)
    heading = [field.strip() for field in numbered[0][1]] if numbered else []
    place = f"{path}, line {numbered[0][0] if numbered else 1}"
    if not set(_BIRDNET_REQUIRED) <= set(heading):
        raise AnnotationFileError(f"{place}: heading {','.join(heading)!r}, allowed: BirdNET's, {BIRDNET_COLUMNS}")
    rows = []
    for number, fields in numbered[1:]:
        if len(fields) != len(heading):
            raise AnnotationFileError(
                f"{path}, line {number}: {len(fields)} columns, allowed: the heading's {len(heading)}"
            )
        row = dict(zip(heading, (field.strip() for field in fields), strict=True))
        rows.append((number, [row.get("File") or own, *(row[name] for name in _BIRDNET_REQUIRED)]))
    return rows or [(1, [own, "", "", ""])]


def raven_rows(path: Path, lines: Lines) -> Lines:
    """DCASE rows of a selection table. Raven writes a selection once for each view: it is one event.

    ``Begin Time (s)`` counts from the start of all files that were opened together, ``File Offset (s)`` from the start
    of the selection's own: where the table names files, it decides.
    """
    numbered = list(lines)
    own = _OWN_SUFFIX.sub("", path.name)
    heading = [field.strip() for field in numbered[0][1]] if numbered else []
    label = _first_of(RAVEN_LABELS, heading)
    if not set(RAVEN_TIMES) <= set(heading) or label is None:
        raise AnnotationFileError(
            f"{path}, line {numbered[0][0] if numbered else 1}: heading {' | '.join(heading)!r}, allowed: a Raven "
            f"selection table's, with {', '.join(RAVEN_TIMES)} and one of {', '.join(RAVEN_LABELS)}"
        )
    rows: dict[tuple[str, ...], tuple[int, list[str]]] = {}
    for number, fields in numbered[1:]:
        place = f"{path}, line {number}"
        if len(fields) != len(heading):
            raise AnnotationFileError(f"{place}: {len(fields)} columns, allowed: the heading's {len(heading)}")
        row = dict(zip(heading, (field.strip() for field in fields), strict=True))
        file = next((row[name] for name in RAVEN_FILES if row.get(name)), "")
        onset, offset = _raven_times(place, row, in_file=bool(file))
        key = (row.get("Selection", "") or str(number), file, onset, offset, row[label])
        rows.setdefault(key, (number, [file or own, onset, offset, row[label]]))
    files = {key[1] for key in rows}
    if len(files) > 1 and "File Offset (s)" not in heading:
        raise AnnotationFileError(
            f"{path}, line {numbered[0][0]}: {len(files)} files and no column File Offset (s), without which Begin "
            "Time (s) counts from the first file's start; add the column in Raven (View > Configure Measurements)"
        )
    return list(rows.values()) or [(1, [own, "", "", ""])]


def _raven_times(place: str, row: dict[str, str], *, in_file: bool) -> tuple[str, str]:
    begin, end = (row[name] for name in RAVEN_TIMES)
    if not (in_file and row.get("File Offset (s)")):
        return begin, end
    try:
        within = float(row["File Offset (s)"])
        return repr(within), repr(within + (float(end) - float(begin)))
    except ValueError:
        raise AnnotationFileError(
            f"{place}: times {begin!r}, {end!r}, {row['File Offset (s)']!r}, allowed: times in seconds"
        ) from None


def _first_of(names: Sequence[str], heading: Sequence[str]) -> str | None:
    return next((name for name in names if name in heading), None)
