"""The lines of a Lhotse manifest as slim rows: 100,000 clips are there in seconds and take a few hundred bytes each.

Lhotse's own objects take ten times as long and many times the memory, most of it for what a corpus in our layout never
has. Fields have Lhotse's names; times are seconds, those of a segment from its cut's start.
"""

from __future__ import annotations

import gc
import gzip
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.audio.audio_reader import Channel


class Segment(NamedTuple):
    """A supervision: what is said of a part of a cut."""

    start: float
    duration: float
    text: str | None = None
    language: str | None = None
    speaker: str | None = None
    custom: Mapping[str, Any] | None = None


class Cut(NamedTuple):
    """A stretch of an audio file and what is said of it.

    ``channel`` is one of the file's or several, whose mean is meant; ``num_samples`` and ``rate_hz`` are the whole
    file's by its manifest (to a sample, where that has them resampled).
    """

    id: str
    start: float
    duration: float
    channel: Channel
    path: str
    rate_hz: int
    num_samples: int
    supervisions: tuple[Segment, ...] = ()
    custom: Mapping[str, Any] | None = None

    def drop_supervisions(self) -> Cut:
        """The same clip without what is said of its parts."""
        return self._replace(supervisions=())


def read_manifest(path: Path, *, folder: Path) -> list[Cut]:
    """The cuts of a ``.jsonl.gz`` in their order; paths that are relative are of ``folder``.

    Raises ``ValueError`` naming file and line for a line that is no cut of one audio file.
    """
    with gzip.open(path, "rb") as file, _no_collection():
        return list(_cuts(file, path, f"{folder}{os.sep}"))


def _cuts(lines: Iterator[bytes], path: Path, prefix: str) -> Iterator[Cut]:
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            yield _cut(json.loads(line), prefix)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{path}, line {number}: {why}; allowed: a cut of one audio file, as Lhotse writes it"
            ) from error


def _cut(said: Mapping[str, Any], prefix: str) -> Cut:
    recording = said["recording"]
    source = recording["sources"][0]
    if source["type"] != "file":
        raise ValueError(f"audio of type {source['type']!r}")
    channel, rate_hz = said["channel"], int(recording["sampling_rate"])
    file_rate_hz = _file_rate_hz(recording.get("transforms") or (), rate_hz)
    audio: str = source["source"]
    return Cut(
        id=str(said["id"]),
        start=float(said["start"]),
        duration=float(said["duration"]),
        channel=channel if isinstance(channel, int) else tuple(channel),
        path=audio if audio.startswith(os.sep) else prefix + audio,
        rate_hz=file_rate_hz,
        num_samples=round(int(recording["num_samples"]) * file_rate_hz / rate_hz),
        supervisions=tuple(map(_segment, said.get("supervisions") or ())),
        custom=_slim(said.get("custom")),
    )


def _file_rate_hz(transforms: Sequence[Mapping[str, Any]], rate_hz: int) -> int:
    """The sample rate of a recording's file, which Lhotse would resample to ``rate_hz``; nothing else may be done."""
    for transform in reversed(transforms):
        if transform["name"] != "Resample":
            raise ValueError(f"audio with the transform {transform['name']!r}")
        rate_hz = int(transform["kwargs"]["source_sampling_rate"])
    return rate_hz


def _segment(said: Mapping[str, Any]) -> Segment:
    return Segment(
        start=float(said["start"]),
        duration=float(said["duration"]),
        text=said.get("text"),
        language=_shared(said.get("language")),
        speaker=_shared(said.get("speaker")),
        custom=_slim(said.get("custom")),
    )


def _slim(custom: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The same with one object a word, where JSON makes one an occurrence: labels and names come again and again."""
    if custom is None:
        return None
    return {sys.intern(name): _shared(value) for name, value in custom.items()}


def _shared(value: Any) -> Any:
    if isinstance(value, str):
        return sys.intern(value)
    return tuple(map(_shared, value)) if isinstance(value, list) else value


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for circles, of which JSON has none: it costs as much as the reading."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
