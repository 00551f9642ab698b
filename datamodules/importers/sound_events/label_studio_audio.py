"""The audio file of a Label Studio task: exports name it as the server saw it, and it is found here by that name.

/data/upload/2/0f5a7c1e-yard.wav           uploaded; the eight letters before the name are Label Studio's
/data/local-files/?d=garden/yard.wav       of a local folder: the path from its document root
s3://bucket/garden/yard.wav, https://…     of a store
garden/yard.wav                            as the tasks were imported
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from datamodules.importers.entry import ManifestError, audio_path, default_id
from datamodules.importers.sound_events.audio_names import AUDIO_SUFFIXES, audio_files, only_one
from datamodules.importers.sound_events.json_values import as_object

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")


class TaskAudio:
    """The audio below a folder, walked once and when first asked for a name that is no path."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_name: dict[str, tuple[Path, ...]] | None = None

    def of(self, task: Mapping[str, object], *, place: str) -> tuple[str, Path]:
        """(clip id, file) of a task. Raises ``ManifestError`` where it names no file that is there."""
        written = _written(task, place)
        relative = _path_of(written)
        direct = audio_path(relative, root=self._root, place=place)
        names = [PurePosixPath(relative).name]
        if match := _UPLOADED.fullmatch(names[0]):
            names.append(match[1])
        found = direct if direct.is_file() else None
        for name in names:
            found = found or only_one(self._named(name), named=written, place=place)
        if found is None:
            raise ManifestError(
                f"{place}: audio {written!r}, no file {' or '.join(names)} below {self._root}, allowed: --audio-root, "
                "the folder that has the audio"
            )
        inside = found.relative_to(self._root) if found.is_relative_to(self._root) else found
        return default_id(inside.as_posix(), 0.0, False), found

    def _named(self, name: str) -> tuple[Path, ...]:
        if self._by_name is None:
            self._by_name = {}
            for file in audio_files(self._root):
                self._by_name[file.name] = (*self._by_name.get(file.name, ()), file)
        return self._by_name.get(name, ())


def _written(task: Mapping[str, object], place: str) -> str:
    """The value of a task's data that names audio: the only one with an audio suffix, else that of ``audio``."""
    data = as_object(task.get("data"), key="data", place=place)
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    named = [value for value in texts.values() if PurePosixPath(_path_of(value)).suffix.lower() in AUDIO_SUFFIXES]
    if len(named) != 1 and "audio" in texts:
        named = [texts["audio"]]
    if len(named) != 1:
        raise ManifestError(
            f"{place}: data has {len(named)} names of audio files under {', '.join(texts) or 'no key'}, allowed: one, "
            "or the key audio"
        )
    return named[0]


def _path_of(written: str) -> str:
    """The path that a value names, percent-signs decoded.

    >>> _path_of("/data/local-files/?d=garden/my%20yard.wav"), _path_of("s3://bucket/garden/yard.wav")
    ('garden/my yard.wav', 'garden/yard.wav')
    """
    try:
        parts = urlsplit(written)
    except ValueError:
        return written
    if parts.path.rstrip("/").endswith("/data/local-files") and (local := parse_qs(parts.query).get("d")):
        return local[0].lstrip("/")
    if parts.scheme or written.startswith("/data/upload/"):
        return unquote(parts.path).lstrip("/")
    return written
