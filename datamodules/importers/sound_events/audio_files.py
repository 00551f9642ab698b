"""Where the recordings are that a list of labels names: as written, or by their name alone below a folder."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from functools import cached_property
from pathlib import Path

from datamodules.importers.entry import ManifestError, audio_path, default_id

# What the audio reader reads, then what it refuses with the command that converts: found, so that it can say so.
AUDIO_SUFFIXES = frozenset(
    (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".w64", ".caf", ".m4a", ".aac", ".wma", ".webm")
)


def is_audio(path: Path) -> bool:
    """Whether a name is that of audio, seen or hidden by a leading dot."""
    return path.suffix.lower() in AUDIO_SUFFIXES


def one_form(name: str) -> str:
    """A name as it is compared: a Mac writes ``é`` as two characters."""
    return unicodedata.normalize("NFC", name)


def clip_name(written: str) -> str:
    """The id of a whole recording: its name as written, of which only an audio extension is taken off.

    >>> clip_name("site 1/2024.05.01.WAV"), clip_name("2024.05.01")
    ('site_1-2024.05.01', '2024.05.01')
    """
    return default_id(written if is_audio(Path(written)) else f"{written}.wav", 0.0, has_start=False)


class AudioFiles:
    """The audio below ``root``. No file is opened; one that is nowhere keeps the path that its list writes.

    A name without a folder is looked for in ``root`` and then anywhere below it, one without an audio extension with
    any: DCASE's lists, label tracks and selection tables name recordings in this way.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def named(self, written: str, *, place: str) -> Path:
        """The file of a name. Raises ``ManifestError`` for no name, a command, and several files of that name."""
        path = audio_path(written, root=self._root, place=place)
        if path.is_file():
            return path
        candidates = [] if is_audio(path) else _with_suffixes(path)
        if not candidates and Path(written).name == written:
            candidates = (self._by_name if is_audio(path) else self._by_stem).get(one_form(written), [])
        if len(candidates) > 1:
            first, second = (os.path.relpath(found, self._root) for found in candidates[:2])
            raise ManifestError(
                f"{place}: audio {written!r} is {first} or {second} of {self._root}, allowed: a name that one file "
                "has; give its folder and extension, or --audio-root"
            )
        return candidates[0] if candidates else path

    def is_there(self, written: str) -> bool:
        """Whether a name, as it stands or with an audio extension, is a file."""
        path = self._root / written
        return path.is_file() or bool(_with_suffixes(path))

    def everything(self) -> list[Path]:
        """All audio below the root, hidden files and folders left out, in an order that hangs on names alone."""
        return [path for paths in self._by_name.values() for path in paths]

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and is_audio(Path(name)):
                    found[one_form(name)].append(Path(folder, name))
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for path in self.everything():
            found[one_form(path.stem)].append(path)
        return found


def _with_suffixes(path: Path) -> list[Path]:
    """Audio beside a path that has its name and an extension more."""
    if not path.name:  # a root
        return []
    names = [path.name + written for suffix in sorted(AUDIO_SUFFIXES) for written in (suffix, suffix.upper())]
    found = {os.path.realpath(path.with_name(name)): path.with_name(name) for name in names}
    return [audio for audio in found.values() if audio.is_file()]
