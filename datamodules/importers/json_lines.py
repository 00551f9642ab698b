"""Manifests with one JSON object a line: ours, and NVIDIA NeMo's.

    {"audio": "clips/1.flac", "text": "Dobrý den.", "language": "cs", "speaker": "anna", "start": 0, "duration": 2.5}
    {"audio_filepath": "clips/1.flac", "text": "dobrý den", "duration": 2.5, "offset": 0, "lang": "cs"}

Ours has the keys of the tables (``datamodules.importers.table``). NeMo's ``offset`` is our start, its ``duration`` the
utterance's length from there; ``lang`` or ``language``, ``speaker``, ``channel`` and ``id`` are read where they stand.
Other keys are not read: of our own lines that is said, and an ``end`` without a duration is refused. Relative audio
files are relative to the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from datamodules.importers.entry import (
    FIELDS,
    SOURCES,
    ManifestEntry,
    ManifestError,
    entry_from_fields,
    lines_of,
    missing_key,
    refuse_end,
    say_not_read,
)

_NEMO_KEYS = {"audio_filepath": "audio", "offset": "start", "lang": "language"}


def read_jsonl(path: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of our own JSON lines. Raises ``ManifestError``."""
    yield from _entries(path, audio_key="audio", renamed={}, audio_root=audio_root)


def read_nemo(path: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of a NeMo manifest. Raises ``ManifestError``."""
    yield from _entries(path, audio_key="audio_filepath", renamed=_NEMO_KEYS, audio_root=audio_root)


def json_object(line: str, *, place: str) -> dict[str, object]:
    """The object that a line holds. Raises ``ManifestError`` for anything else, and for a key that stands twice."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise ManifestError(f"{place}: key {key!r} stands {keys.count(key)} times, allowed: once")
        return dict(pairs)

    try:
        value = json.loads(line, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{place}: {error.msg} at column {error.colno}; allowed: one JSON object a line") from None
    except RecursionError:
        raise ManifestError(f"{place}: nested too deeply; allowed: one JSON object a line") from None
    if not isinstance(value, dict):
        raise ManifestError(f"{place}: {line.strip()[:40]!r}, allowed: one JSON object a line")
    return value


def _entries(
    path: Path, *, audio_key: str, renamed: Mapping[str, str], audio_root: Path | None
) -> Iterator[ManifestEntry]:
    not_read: dict[str, None] = {}
    for place, line in lines_of(path):
        written = json_object(line, place=place)
        if not renamed:
            refuse_end(written, what="key", place=place)
            not_read |= dict.fromkeys(key for key in written if key not in FIELDS)
        for key in (audio_key, "text"):
            if key not in written:
                raise ManifestError(f"{place}: {missing_key('key', key, written)}")
        audio = written[audio_key]
        if not isinstance(audio, str):
            raise ManifestError(f"{place}: {audio_key} {audio!r}, allowed: the name of an audio file in quotes")
        fields = {renamed.get(key, key): value for key, value in written.items() if not (renamed and key in SOURCES)}
        for key in ("language", "speaker", "id", *SOURCES):
            if not isinstance(fields.get(key), str | int | None) or isinstance(fields.get(key), bool):
                raise ManifestError(f"{place}: {key} {fields[key]!r}, allowed: a name in quotes")
        yield entry_from_fields(fields, written_audio=audio, root=audio_root or path.absolute().parent, place=place)
    say_not_read(path, list(not_read), what="keys")
