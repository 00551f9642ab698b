"""Rows of a list by the names of its columns, whatever their order; other columns are ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from datamodules.clips.dcase_tsv import Lines, read_text, tab_separated
from datamodules.clips.event_lists import comma_separated
from datamodules.importers.entry import ManifestError, missing_key
from datamodules.importers.sound_events.event_rows import event_label, manifest_errors

Rows = Sequence[tuple[str, list[str]]]  # place ("meta/esc50.csv, line 2") and fields


def csv_rows(path: Path) -> Rows:
    """The rows of a CSV, whose fields may stand in double quotes. Raises ``ManifestError``."""
    with manifest_errors():
        return _placed(path, comma_separated(path, read_text(path)))


def tsv_rows(path: Path) -> Rows:
    """The rows of a list separated by tabs, which knows no quotes. Raises ``ManifestError``."""
    with manifest_errors():
        return _placed(path, tab_separated(read_text(path)))


def _placed(path: Path, lines: Lines) -> Rows:
    return [(f"{path}, line {number}", fields) for number, fields in lines]


def named_rows(rows: Rows, *, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """(place, fields by column) of the rows below the heading, outer blanks removed.

    Raises ``ManifestError`` for a heading that lacks one of ``columns`` or has one twice, and for a row of another
    width.
    """
    if not rows:
        return
    place, heading = rows[0]
    names = [name.strip() for name in heading]
    for column in columns:
        if column not in names:
            raise ManifestError(f"{place}: {missing_key('column', column, names)}; allowed: {', '.join(columns)}")
        if names.count(column) > 1:
            raise ManifestError(f"{place}: column {column!r} stands {names.count(column)} times, allowed: once")
    for place, values in rows[1:]:
        if len(values) != len(names):
            raise ManifestError(f"{place}: {len(values)} columns, allowed: the heading's {len(names)}")
        yield place, {name: value.strip() for name, value in zip(names, values, strict=True)}


def label_of(written: object, *, key: str, place: str) -> str:
    """The name of a class, outer blanks removed. Raises ``ManifestError`` for an empty one and for all but text."""
    if not isinstance(written, str):
        raise ManifestError(f"{place}: {key} {written!r}, allowed: the name of a class")
    return event_label(written, key=key, place=place)
