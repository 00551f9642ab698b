"""A folder of folders, each named after the class of the sounds in it: ``sounds/dog/1.wav``. One tag a clip.

Every file is a weak clip of its folder's class; ``--labels strong`` of the import makes the whole file the event.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from datamodules.importers.entry import ManifestError
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.audio_files import AudioFiles, clip_name, is_audio
from datamodules.importers.sound_events.clip_entry import ClipEntry


def read_class_folders(path: Path, *, audio_root: Path | None) -> Iterator[ClipEntry]:
    """Clips of a folder of class folders; what is no audio is said. Raises ``ManifestError``."""
    if audio_root is not None:
        raise ManifestError(f"{path}: --audio-root {audio_root}, allowed: none, class folders hold the audio")
    if not path.is_dir():
        raise ManifestError(f"{path}: no folder, allowed: a folder that holds a folder of recordings for each class")
    loose = [file.name for file in sorted(path.iterdir()) if file.is_file() and is_audio(file)]
    if loose:
        raise ManifestError(f"{path / loose[0]}: a recording beside the class folders, allowed: in one of them")
    others = [file for file in sorted(path.glob("*/**/*")) if file.is_file() and not is_audio(file)]
    warn_of_left_out(path, (os.path.relpath(file, path) for file in others), what="files that are no audio")
    for audio in AudioFiles(path).everything():
        written = os.path.relpath(audio, path.absolute())
        yield ClipEntry(
            clip_id=clip_name(written),
            audio=audio,
            place=str(path / written),
            tags=frozenset({Path(written).parts[0]}),
        )
