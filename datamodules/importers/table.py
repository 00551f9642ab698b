"""Manifests as tables: TSV and CSV with a heading.

    audio            text                 language  speaker  start  duration  channel  id
    clips/0001.flac  Dobrý den, pane.     cs        anna
    call.wav         Na shledanou.        cs        jan      12.5   1.75      1        bye

``audio`` and ``text`` must be there; ``channel`` counts from 0, and is the first where none stands; ``session`` and
``group`` say what else an utterance was recorded from. Columns stand in any order; other columns are not read, which is
said, and an ``end`` without a duration is refused: each utterance would reach to the end of its file. Relative audio
files are relative to the manifest. TSV knows no quotes (a quotation mark is text); CSV has them as RFC 4180 does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from datamodules.importers.entry import (
    FIELDS,
    ManifestEntry,
    ManifestError,
    entry_from_fields,
    lines_of,
    missing_key,
    read_text,
    refuse_end,
    say_not_read,
)

REQUIRED = ("audio", "text")


def read_tsv(path: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of a tab-separated manifest. Raises ``ManifestError``."""
    rows = [(place, line.split("\t")) for place, line in lines_of(path)]
    yield from _entries(path, rows, audio_root=audio_root, separator="tabs")


def read_csv(path: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of a comma-separated manifest. Raises ``ManifestError``."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    rows: list[tuple[str, list[str]]] = []
    first_line = 1
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append((f"{path}, line {first_line}", row))
            first_line = reader.line_num + 1  # a quoted field may span lines: a row is where it begins
    except csv.Error as error:
        raise ManifestError(f'{path}, line {first_line}: {error}; allowed: CSV with fields quoted by "') from error
    yield from _entries(path, rows, audio_root=audio_root, separator="commas")


def _entries(
    path: Path, rows: Sequence[tuple[str, list[str]]], *, audio_root: Path | None, separator: str
) -> Iterator[ManifestEntry]:
    if not rows:
        raise ManifestError(f"{path}: is empty, allowed: a heading with the columns {', '.join(FIELDS)}")
    place, heading = rows[0]
    columns = [name.strip() for name in heading]
    for name in REQUIRED:
        if name not in columns:
            allowed = f"{', '.join(FIELDS)}, separated by {separator}"
            raise ManifestError(f"{place}: {missing_key('column', name, columns)}; allowed: {allowed}")
    for name in FIELDS:
        if columns.count(name) > 1:
            raise ManifestError(f"{place}: column {name!r} stands {columns.count(name)} times, allowed: once")
    refuse_end(columns, what="column", place=place)
    say_not_read(path, [name for name in columns if name not in FIELDS], what="columns")
    for place, values in rows[1:]:
        if len(values) != len(columns):
            raise ManifestError(
                f"{place}: {len(values)} columns, allowed: {len(columns)} separated by {separator}, as in the heading"
            )
        fields = {name: value.strip() for name, value in zip(columns, values, strict=True) if name in FIELDS}
        root = audio_root or path.absolute().parent
        yield entry_from_fields(fields, written_audio=fields["audio"], root=root, place=place)
