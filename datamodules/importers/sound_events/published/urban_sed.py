"""URBAN-SED's simplified annotations, and any folder in its shape (Salamon et al. 2017; urbansed.weebly.com).

    annotations/train/soundscape_train_bimodal0.txt    onset offset label, separated by tabs, without a heading
    audio/train/soundscape_train_bimodal0.wav          a list an audio file; an empty list is a file without an event

The folders ``train``, ``validate`` and ``test`` are the splits. The full annotations beside them, with the background,
are JAMS (``jams.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError, lines_of, seconds
from datamodules.importers.sound_events.audio_files import AudioFiles
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.rows import label_of

SPLITS = {"train": "train", "validate": "validation", "test": "test"}  # their folders, our names


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """The annotations of one audio file, and where that is: its folder's file of the same name."""

    path: Path
    audio: Path
    split: str | None


def read_urban_sed(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Strong clips of the data set's folder, of one split's annotations or of one list. Raises ``ManifestError``."""
    for file in annotation_files(path, suffix=".txt", audio_root=audio_root):
        rows = [(place, _event(line, place=place)) for place, line in lines_of(file.path)]
        yield ClipEntry(
            clip_id=file.path.stem,
            audio=file.audio,
            place=str(file.path),
            events=tuple(event for _, event in rows),
            split=file.split,
            places=tuple(place for place, _ in rows),
        )


def annotation_files(path: Path, *, suffix: str, audio_root: Path | None) -> Iterator[AnnotationFile]:
    """The annotation files of the data set's folder, of a folder of them or the one that ``path`` is, by name.

    Their audio lies in ``audio/SPLIT`` beside ``annotations/SPLIT``, else in their own folder; in ``audio_root``, or
    its folder of the split, where that is given. Raises ``ManifestError`` where there is no such file.
    """
    inside = path / "annotations" if (path / "annotations").is_dir() else path
    folders = [inside / name for name in SPLITS if (inside / name).is_dir()] or [inside]
    found = False
    for folder in folders if path.is_dir() else [path.parent]:
        files = sorted(folder.glob(f"*{suffix}")) if path.is_dir() else [path]
        visible = [file for file in files if not file.name.startswith(".")]  # macOS leaves ._NAME beside NAME
        audio = AudioFiles(_audio_folder(folder.absolute(), audio_root))
        for file in visible:
            found = True
            split = SPLITS.get(folder.absolute().name)
            yield AnnotationFile(file, audio.named(file.stem, place=str(file)), split)
    if not found:
        raise ManifestError(
            f"{path}: no {suffix} file, allowed: a folder with annotations/{{{','.join(SPLITS)}}}/*{suffix}, a folder "
            f"of {suffix} files, or one"
        )


def _audio_folder(folder: Path, audio_root: Path | None) -> Path:
    if audio_root is not None:
        return audio_root / folder.name if (audio_root / folder.name).is_dir() else audio_root
    beside = folder.parent.parent / "audio" / folder.name
    return beside if folder.parent.name == "annotations" and beside.is_dir() else folder


def _event(line: str, *, place: str) -> Event:
    fields = line.split("\t")
    if len(fields) != 3:
        raise ManifestError(f"{place}: {len(fields)} columns, allowed: 3 separated by tabs (onset offset label)")
    onset, offset, label = fields
    return Event(
        seconds(onset.strip(), key="onset", place=place),
        seconds(offset.strip(), key="offset", place=place),
        label_of(label, key="label", place=place),
    )
