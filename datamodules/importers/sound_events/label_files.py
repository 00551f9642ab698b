"""One file of labels beside each recording, or tables of several: Audacity's label tracks, Raven's selection tables,
BirdNET's result CSV. A path is one such file, or a folder of them.

Which recording a label file is of stands in it (Raven's ``Begin File``, BirdNET's ``File``), else in its own name:
``garden.txt`` is of ``garden.wav``, ``garden.flac`` … beside it. A file without a label says that its recording has no
event. Recordings of a folder that no label file names are left out and said: nobody may have listened to them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from datamodules.clips.dcase_tsv import Lines, read_text, tab_separated
from datamodules.clips.event_lists import audacity_rows, birdnet_rows, comma_separated, raven_rows
from datamodules.importers.entry import ManifestError
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.audio_files import AudioFiles
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.event_rows import manifest_errors, strong_clips

BIRDNET_WINDOW_SECONDS = 3.0  # the last window of a recording is padded, and its end written all the same


def read_audacity(path: Path, *, audio_root: Path | None) -> Iterator[ClipEntry]:
    """Clips of label tracks (``onset offset label``, tabs). Raises ``ManifestError``."""
    return _clips(path, "*.txt", lambda file: audacity_rows(file, tab_separated(read_text(file))), audio_root)


def read_raven(path: Path, *, audio_root: Path | None) -> Iterator[ClipEntry]:
    """Clips of selection tables; a selection of several views is one event. Raises ``ManifestError``."""
    return _clips(path, "*.txt", lambda file: raven_rows(file, tab_separated(read_text(file))), audio_root)


def read_birdnet(path: Path, *, audio_root: Path | None) -> Iterator[ClipEntry]:
    """Clips of BirdNET's detections, labelled with common names, of any confidence. Raises ``ManifestError``."""
    entries = _clips(path, "*.csv", lambda file: birdnet_rows(file, comma_separated(file, read_text(file))), audio_root)
    return (replace(entry, slack_seconds=BIRDNET_WINDOW_SECONDS) for entry in entries)


def _clips(path: Path, pattern: str, rows: Callable[[Path], Lines], audio_root: Path | None) -> Iterator[ClipEntry]:
    if path.is_file():
        yield from _of_file(path, rows, AudioFiles(audio_root or path.absolute().parent))
        return
    files = [file for file in sorted(path.rglob(pattern)) if not file.name.startswith(".")]
    if not files:
        raise ManifestError(f"{path}: no {pattern} in it, allowed: a label file, or a folder of label files")
    audio, named = AudioFiles(audio_root or path), set()
    for file in files:
        for entry in _of_file(file, rows, audio, folder=path):
            named.add(entry.audio)
            yield entry
    without = [os.path.relpath(found, path) for found in audio.everything() if found not in named]
    warn_of_left_out(path, without, what="recordings without a label file")


def _of_file(
    file: Path, rows: Callable[[Path], Lines], audio: AudioFiles, *, folder: Path | None = None
) -> Iterator[ClipEntry]:
    """Clips of one file, whose recordings lie beside it, where ``folder`` is that which is read."""
    with manifest_errors():
        lines = list(rows(file))
    if folder is not None and file.parent != folder:
        below = os.path.relpath(file.parent, folder)
        lines = [(number, [_below(below, fields[0], audio), *fields[1:]]) for number, fields in lines]
    yield from strong_clips(file, lines, audio=audio)


def _below(folder: str, written: str, audio: AudioFiles) -> str:
    beside = os.path.join(folder, written)
    return beside if audio.is_there(beside) else written
