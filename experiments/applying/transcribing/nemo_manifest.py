"""NeMo's JSON lines: ``audio_filepath`` in (``offset``, ``duration``, ``channel`` where they stand), ``pred_text`` out.

All other keys stay as they are, a ``text`` too, so that ``earmark score text`` and NeMo's own tools read the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datamodules.importers.entry import ManifestError, channel_number, lines_of
from datamodules.importers.json_lines import json_object
from experiments.errors import UserError


@dataclass(frozen=True)
class Line:
    """One stretch of audio; ``record`` is the line as it was, ``place`` where it stands.

    ``channel`` is counted from 0; None is the mean of all.
    """

    place: str
    record: dict[str, object]
    audio: Path
    offset: float
    duration: float | None
    channel: int | None = None

    @property
    def whole(self) -> bool:
        """Whether the line means the whole file."""
        return not self.offset and self.duration is None

    def answered(self, text: str) -> str:
        """The line with ``pred_text``."""
        return json.dumps({**self.record, "pred_text": text}, ensure_ascii=False) + "\n"


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a manifest; relative files are relative to it. Raises ``UserError`` naming line and key."""
    try:
        for place, line in lines_of(path):
            record = _record(line, place=place)
            audio = record.get("audio_filepath")
            if not isinstance(audio, str) or not audio:
                raise ManifestError(f"{place}: audio_filepath {audio!r}, allowed: the name of an audio file in quotes")
            offset, duration = _seconds(record, "offset", place), _seconds(record, "duration", place)
            written = record.get("channel")
            channel = None if written is None or written == "" else channel_number(written, place=place)
            yield Line(place, record, path.absolute().parent / audio, offset or 0.0, duration, channel)
    except ManifestError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None


def _record(line: str, *, place: str) -> dict[str, object]:
    try:
        return json_object(line, place=place)
    except ManifestError as error:  # a table, which align and import read
        raise ManifestError(f"{error}, as NeMo's lines are; no other manifest is transcribed") from None


def _seconds(record: dict[str, object], key: str, place: str) -> float | None:
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ManifestError(f"{place}: {key} {value!r}, allowed: a number of seconds from 0")
    return float(value)
