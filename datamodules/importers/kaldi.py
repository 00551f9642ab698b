"""Kaldi data folders: ``wav.scp`` and ``text``, and the other files of this list where they are there.

    wav.scp    RECORDING audio/file.flac          a command (``sox … |``) is refused: it is not run
    segments   UTTERANCE RECORDING start end      seconds; an end of -1 means the recording's end
    text       UTTERANCE transcript               an utterance without words is kept, as empty
    utt2spk    UTTERANCE SPEAKER
    utt2lang   UTTERANCE LANGUAGE
    reco2file_and_channel    RECORDING file A      the side of a call: A or 1 is the first channel, B or 2 the second

A fifth column of ``segments`` is refused: Kaldi's help counts its channels from 1, Kaldi's program from 0
(featbin/extract-segments.cc). ``reco2file_and_channel`` is indexed by recording, or by utterance without segments.
Kaldi resolves relative audio files from where its scripts run; here they are relative to the data folder, or to
``audio_root``. Reader: kaldi-asr.org/doc/data_prep.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datamodules.importers.entry import (
    ManifestEntry,
    ManifestError,
    audio_path,
    language_code,
    lines_of,
    seconds,
    utterance_id,
)
from datamodules.importers.left_out import warn_of_left_out

_ARCHIVE = re.compile(r"\.ark:\d+(\[.*\])?$")


class _Line(NamedTuple):
    place: str
    rest: str


class _Segment(NamedTuple):
    recording: str
    start_seconds: float
    duration_seconds: float | None


_SIDES = {"A": 0, "1": 0, "B": 1, "2": 1}  # Kaldi's utils/validate_data_dir.sh knows A, B and, with a warning, 1


def read_kaldi(folder: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of a data folder, in the order of ``text``. Raises ``ManifestError``."""
    for name in ("wav.scp", "text"):
        if not (folder / name).is_file():
            raise ManifestError(f"{folder}: no file {name!r}, allowed: a Kaldi data folder with wav.scp and text")
    recordings = _table(folder / "wav.scp")
    segments = _segments(folder / "segments") if (folder / "segments").exists() else None
    speakers = _table(folder / "utt2spk") if (folder / "utt2spk").exists() else {}
    languages = _table(folder / "utt2lang") if (folder / "utt2lang").exists() else {}
    sides = folder / "reco2file_and_channel"
    channels = _channels(sides) if sides.exists() else None
    root = audio_root or folder.absolute()
    texts = list(_pairs(folder / "text"))
    known = {utterance for _, utterance, _ in texts}
    spoken = recordings if segments is None else segments
    warn_of_left_out(folder, (name for name in spoken if name not in known), what="utterances without a line in text")
    if segments is not None:
        cut = {segment.recording for segment in segments.values()}
        warn_of_left_out(folder, (name for name in recordings if name not in cut), what="recordings without a segment")
    for place, utterance, text in texts:
        segment = _Segment(utterance, 0.0, None)
        if segments is not None:
            if utterance not in segments:
                raise ManifestError(f"{place}: utterance {utterance!r} has no line in {folder / 'segments'}")
            segment = segments[utterance]
        if segment.recording not in recordings:
            raise ManifestError(f"{place}: recording {segment.recording!r} has no line in {folder / 'wav.scp'}")
        if channels is not None and segment.recording not in channels:
            raise ManifestError(f"{place}: recording {segment.recording!r} has no line in {sides}")
        recording, language = recordings[segment.recording], languages.get(utterance)
        yield ManifestEntry(
            utterance_id=utterance_id(utterance, place=place),
            audio=_audio(recording, root),
            text=text,
            place=place,
            start_seconds=segment.start_seconds,
            duration_seconds=segment.duration_seconds,
            language=None if language is None else language_code(language.rest, key="utt2lang", place=language.place),
            speaker=speakers[utterance].rest or None if utterance in speakers else None,
            channel=0 if channels is None else channels[segment.recording],
            names_channel=channels is not None,
        )


def _audio(line: _Line, root: Path) -> Path:
    if _ARCHIVE.search(line.rest) or line.rest == "-":
        raise ManifestError(
            f"{line.place}: audio {line.rest!r} lies in a Kaldi archive, allowed: the name of an audio file"
        )
    return audio_path(line.rest, root=root, place=line.place)


def _pairs(path: Path) -> Iterator[tuple[str, str, str]]:
    """(place, key, rest) of each line."""
    for place, line in lines_of(path):
        key, *rest = line.split(maxsplit=1)
        yield place, key, rest[0].strip() if rest else ""


def _table(path: Path) -> dict[str, _Line]:
    lines: dict[str, _Line] = {}
    for place, key, rest in _pairs(path):
        if key in lines:
            raise ManifestError(f"{place}: {key!r} stands here and on {lines[key].place}, allowed: once")
        lines[key] = _Line(place, rest)
    return lines


def _segments(path: Path) -> dict[str, _Segment]:
    segments = {}
    for utterance, line in _table(path).items():
        fields = line.rest.split()
        if len(fields) == 4:
            raise ManifestError(
                f"{line.place}: a fifth column {fields[3]!r}, allowed: 4 (utterance, recording, start, end); Kaldi "
                "counts its channel from 1 or from 0, say it in reco2file_and_channel as A or B"
            )
        if len(fields) != 3:
            raise ManifestError(
                f"{line.place}: {len(fields) + 1} columns, allowed: 4 (utterance, recording, start, end)"
            )
        start = seconds(fields[1], key="start", place=line.place)
        if fields[2] in ("-1", "-1.0"):
            segments[utterance] = _Segment(fields[0], start, None)
            continue
        end = seconds(fields[2], key="end", place=line.place)
        if end <= start:
            raise ManifestError(f"{line.place}: end {end:g} is not after start {start:g}, allowed: a later one, or -1")
        segments[utterance] = _Segment(fields[0], start, end - start)
    return segments


def _channels(path: Path) -> dict[str, int]:
    """Channels by recording, counted from 0."""
    channels = {}
    for recording, line in _table(path).items():
        fields = line.rest.split()
        if len(fields) != 2:
            raise ManifestError(f"{line.place}: {len(fields) + 1} columns, allowed: 3 (recording, file, A or B)")
        if fields[1] not in _SIDES:
            raise ManifestError(
                f"{line.place}: channel {fields[1]!r}, allowed: A or 1 (the first channel), B or 2 (the second)"
            )
        channels[recording] = _SIDES[fields[1]]
    return channels
