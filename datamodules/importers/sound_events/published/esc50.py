"""ESC-50, and ESC-10 in it, as the authors publish it (github.com/karolpiczak/ESC-50; Piczak 2015).

    meta/esc50.csv    filename,fold,target,category,esc10,src_file,take
                      1-100032-A.wav,1,0,dog,True,100032,A
    audio/1-100032-A.wav

A clip has one tag, its category, and the fold that every published figure is over; the clips of one Freesound
recording (``src_file``) stay together. ESC-10 are the rows whose ``esc10`` is True.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from datamodules.importers.entry import ManifestError, audio_path
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.rows import csv_rows, label_of, named_rows

COLUMNS = ("filename", "fold", "category", "esc10", "src_file")
LIST = Path("meta") / "esc50.csv"


def read_esc50(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """All 2,000 clips of ``meta/esc50.csv``, or of the folder that has it. Raises ``ManifestError``."""
    for entry, _ in _clips(path, audio_root=audio_root):
        yield entry


def read_esc10(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """The 400 clips of ``read_esc50`` that are ESC-10, the others counted. Raises ``ManifestError``."""
    others = []
    for entry, is_esc10 in _clips(path, audio_root=audio_root):
        if is_esc10:
            yield entry
        else:
            others.append(entry.clip_id)
    warn_of_left_out(path, others, what="clips of ESC-50 that are not ESC-10's")


def _clips(path: Path, *, audio_root: Path | None) -> Iterator[tuple[ClipEntry, bool]]:
    path = path / LIST if path.is_dir() else path
    root = audio_root or path.absolute().parent.parent / "audio"
    for place, row in named_rows(csv_rows(path), columns=COLUMNS):
        if not re.fullmatch(r"[0-9]+", row["fold"]):
            raise ManifestError(f"{place}: fold {row['fold']!r}, allowed: a whole number")
        if row["esc10"].lower() not in ("true", "false"):
            raise ManifestError(f"{place}: esc10 {row['esc10']!r}, allowed: True or False")
        audio = audio_path(row["filename"], root=root, place=place)
        entry = ClipEntry(
            clip_id=audio.stem,
            audio=audio,
            place=place,
            tags=frozenset({label_of(row["category"], key="category", place=place)}),
            fold=row["fold"],
            recording=row["src_file"] or None,
        )
        yield entry, row["esc10"].lower() == "true"
