"""The audio file of a Label Studio task: exports name it as the server saw it, and it is found here by that name.

/data/upload/2/0f5a7c1e-yard.wav           uploaded; the eight letters before the name are Label Studio's
/data/local-files/?d=garden/yard.wav       of a local folder: the path from its document root
s3://bucket/garden/yard.wav, https://…     of a store
garden/yard.wav                            as the tasks were imported
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from datamodules.importers.entry import ManifestError, audio_path
from datamodules.importers.sound_events.audio_files import AudioFiles, clip_name, is_audio
from datamodules.importers.sound_events.json_values import as_object

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")


class TaskAudio:
    """The audio below a folder by what tasks call it."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def of(self, task: Mapping[str, object], *, place: str) -> tuple[str, Path]:
        """(clip id, file) of a task. Raises ``ManifestError`` where it names no file that is there."""
        written = _written(task, place)
        relative = _path_of(written)
        found = audio_path(relative, root=self._root, place=place)
        if not found.is_file():
            found = self._by_its_name(PurePosixPath(relative).name, written=written, place=place)
        inside = found.relative_to(self._root) if found.is_relative_to(self._root) else found
        return clip_name(inside.as_posix()), found

    def _by_its_name(self, name: str, *, written: str, place: str) -> Path:
        uploaded = _UPLOADED.fullmatch(name)
        names = [name, *([uploaded[1]] if uploaded else [])]
        files = next((files for name in names if (files := self._named.get(name))), [])
        if len(files) > 1:
            raise ManifestError(
                f"{place}: audio {written!r} is {files[0]} or {files[1]}, allowed: a name that one file has below "
                f"{self._root}; give --audio-root"
            )
        if not files:
            raise ManifestError(
                f"{place}: audio {written!r}, no file {' or '.join(names)} below {self._root}, allowed: --audio-root, "
                "the folder that has the audio"
            )
        return files[0]

    @cached_property
    def _named(self) -> Mapping[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for file in AudioFiles(self._root).everything():
            found[file.name].append(file)
        return found


def _written(task: Mapping[str, object], place: str) -> str:
    """The value of a task's data that names audio: the only one with an audio suffix, else that of ``audio``."""
    data = as_object(task.get("data"), key="data", place=place)
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    named = [value for value in texts.values() if is_audio(Path(_path_of(value)))]
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
