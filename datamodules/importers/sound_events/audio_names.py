"""Audio files found by their names under a folder, for layouts that name a file otherwise than by its path."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from datamodules.importers.entry import ManifestError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au"})

AudioByStem = Mapping[str, tuple[Path, ...]]


def audio_files(folder: Path) -> Iterator[Path]:
    """The audio files of a folder and those below it, in the order of their names, hidden ones left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES:
                yield Path(parent, name)


def audio_by_stem(folder: Path) -> AudioByStem:
    """The audio files below a folder by their names without suffix. One walk, however many are asked for."""
    by_stem: dict[str, tuple[Path, ...]] = {}
    for path in audio_files(folder):
        by_stem[path.stem] = (*by_stem.get(path.stem, ()), path)
    return by_stem


def only_one(files: tuple[Path, ...], *, named: str, place: str) -> Path | None:
    """The file that a name means, None where there is none. Raises ``ManifestError`` where there are several."""
    if len(files) > 1:
        raise ManifestError(f"{place}: audio {named!r} is {files[0]} and {files[1]}, allowed: one file of a name")
    return files[0] if files else None
