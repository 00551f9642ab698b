"""The audio that is meant by files and folders on a command line, and where each one's output goes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.importers.sound_events.audio_files import is_audio
from experiments.errors import UserError


@dataclass(frozen=True)
class FoundAudio:
    """A file below ``root``, which is the folder that was named, or the file's own."""

    path: Path
    root: Path

    @property
    def relative(self) -> Path:
        """The path below the root."""
        return Path(os.path.relpath(self.path, self.root))


@dataclass
class Found:
    """All audio, each file once, and what of the folders is none."""

    audio: list[FoundAudio] = field(default_factory=list)
    no_audio: list[Path] = field(default_factory=list)


def find_audio(arguments: Sequence[str]) -> Found:
    """Files as named, folders searched through; hidden files and folders are passed over.

    Raises ``UserError`` for what is not there and where there is no audio at all.
    """
    found, seen = Found(), set[Path]()
    for argument in arguments:
        path = Path(argument)
        if not path.exists():
            raise UserError(f"{argument}: no such file or folder")
        root = path if path.is_dir() else path.parent
        for file in _files(path) if path.is_dir() else [path]:
            if not is_audio(file) and path.is_dir():
                found.no_audio.append(file)
            elif file.resolve() not in seen:
                seen.add(file.resolve())
                found.audio.append(FoundAudio(file, root))
    if not found.audio:
        raise UserError(f"{', '.join(arguments)}: no audio file in it ({len(found.no_audio)} other files)")
    return found


def output_stems(audio: Sequence[FoundAudio], output: Path | None) -> list[Path]:
    """Of each file its output's path without a suffix: beside it, or at the same place below ``output``.

    Where several files would have one (``yard.wav``, ``yard.flac``), their whole names are taken: ``yard.wav.tsv``.
    Raises ``UserError`` where files of several folders would still have one.
    """
    places = [one.path if output is None else output / one.relative for one in audio]
    stems = [place.with_suffix("") if is_audio(place) else place for place in places]  # 2024.05 is a whole name
    shared = Counter(stems)
    stems = [place if shared[stem] > 1 else stem for place, stem in zip(places, stems, strict=True)]
    if twice := [stem for stem, number in Counter(stems).items() if number > 1]:
        raise UserError(f"-o {output}: {twice[0]} would be of several files; give each folder an output of its own")
    return stems


def _files(folder: Path) -> Iterator[Path]:
    for name, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        yield from (Path(name, file) for file in sorted(files) if not file.startswith("."))
