"""A user's isolated sounds: which file is of which class, and which files were recorded together.

    kitchen/tap/monday/1.wav      a folder in a class folder is a family of recordings
    kitchen/tap/monday__1.wav     so is what stands before two underscores
    kitchen/tap/1.wav             any other file is a family of its own
    kitchen.csv                   or a table with the columns file, class[, family], files relative to it

No family is in two splits, and a name is one family in every class that has it. Backgrounds are a class of the bank, or
a folder of their own. No file is opened here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datamodules.clips.dcase_tsv import read_text, tab_separated
from datamodules.clips.event_lists import comma_separated
from datamodules.corpora.sounds.inventory import BACKGROUND
from datamodules.importers.entry import ManifestError, missing_key
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.audio_files import AudioFiles, is_audio
from datamodules.importers.sound_events.event_rows import event_label, manifest_errors

REQUIRED = ("file", "class")
COLUMNS = (*REQUIRED, "family")


class OwnRecording(NamedTuple):
    """A file of a bank; its label is ``BACKGROUND`` where it is to lie under the events."""

    label: str
    family: str
    audio: Path
    place: str


def read_bank(path: Path, *, background: str) -> list[OwnRecording]:
    """The recordings of a folder or a table; ``background`` is a class of theirs, or another folder.

    Raises ``ManifestError``.
    """
    recordings = list(_of_table(path) if path.is_file() else _of_folder(path))
    labels = sorted({one.label for one in recordings})
    if background in labels:
        if BACKGROUND in labels and background != BACKGROUND:
            raise ManifestError(
                f"{path}: a class {BACKGROUND!r} beside --background {background}, allowed: another name"
            )
        return [one._replace(label=BACKGROUND) if one.label == background else one for one in recordings]
    if not Path(background).is_dir():
        raise ManifestError(
            f"--background {background}: no class of {path} and no folder, allowed: one of {', '.join(labels)}, or a "
            "folder of recordings"
        )
    if BACKGROUND in labels:
        raise ManifestError(f"{path}: a class {BACKGROUND!r} beside a folder of backgrounds, allowed: one of the two")
    return [*recordings, *_of_class(Path(background), Path(background), BACKGROUND)]


def _of_folder(path: Path) -> Iterator[OwnRecording]:
    if not path.is_dir():
        raise ManifestError(f"{path}: no such file or folder, allowed: a folder of class folders, or a table")
    loose = [file for file in sorted(path.iterdir()) if is_audio(file) and not file.name.startswith(".")]
    if loose:
        raise ManifestError(f"{loose[0]}: a recording beside the class folders, allowed: in one of them")
    folders = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    if not folders:
        raise ManifestError(f"{path}: no folder in it, allowed: a folder of recordings for each class")
    for folder in folders:
        yield from _of_class(folder, path, event_label(folder.name, key="class", place=str(folder)))


def _of_class(folder: Path, root: Path, label: str) -> Iterator[OwnRecording]:
    """All audio below a folder, of one class."""
    others = [file for file in sorted(folder.rglob("*")) if file.is_file() and not is_audio(file)]
    warn_of_left_out(folder, (os.path.relpath(file, folder) for file in others), what="files that are no audio")
    audio = AudioFiles(folder).everything()
    if not audio:
        raise ManifestError(f"{folder}: no audio in it, allowed: recordings of class {label!r}")
    for file in audio:
        within = Path(os.path.relpath(file, folder.absolute()))
        yield OwnRecording(label, _family(within, label), file, str(root / os.path.relpath(file, root.absolute())))


def _of_table(path: Path) -> Iterator[OwnRecording]:
    with manifest_errors():
        text = read_text(path)
        commas = "\t" not in text.split("\n", 1)[0]
        rows = list(comma_separated(path, text) if commas else tab_separated(text))
    if not rows:
        raise ManifestError(f"{path}: is empty, allowed: a heading with the columns {', '.join(COLUMNS)}")
    heading = [name.strip().lower() for name in rows[0][1]]
    for name in REQUIRED:
        if heading.count(name) != 1:
            raise ManifestError(f"{path}, line {rows[0][0]}: {missing_key('column', name, heading)}")
    files = AudioFiles(path.absolute().parent)
    for number, values in rows[1:]:
        place = f"{path}, line {number}"
        if len(values) != len(heading):
            raise ManifestError(f"{place}: {len(values)} columns, allowed: {len(heading)}, as in the heading")
        row = dict(zip(heading, (value.strip() for value in values), strict=True))
        label = event_label(row["class"], key="class", place=place)
        family = row.get("family") or _family(Path(Path(row["file"]).name), label)
        yield OwnRecording(label, family, files.named(row["file"], place=place), place)


def _family(within: Path, label: str) -> str:
    """The family by a file's name within its class.

    >>> _family(Path("monday/1.wav"), "tap"), _family(Path("monday__1.wav"), "tap"), _family(Path("1.wav"), "tap")
    ('monday', 'monday', 'tap/1.wav')
    """
    if len(within.parts) > 1:
        return within.parent.as_posix()
    before, mark, _ = within.stem.partition("__")
    return before if mark and before else f"{label}/{within.name}"
