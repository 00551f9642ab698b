"""Which layout labels of sound events come in, by name and content, where that is certain. Standard library only.

The names are those of ``--format``; ``auto`` asks ``detect_layout``.
"""

from __future__ import annotations

import re
from pathlib import Path

from datamodules.importers.detect import is_shar
from datamodules.importers.entry import ManifestError, is_empty, lines_of
from datamodules.importers.sound_events.audio_files import is_audio
from datamodules.importers.sound_events.published.detect import published_file, published_folder

LAYOUTS = (
    "dcase", "class_folders", "audacity", "raven", "birdnet",
    "esc50", "esc10", "urban_sed", "jams", "dcase2018", "dcase2018_eval", "audioset", "audioset_strong",
    "label_studio", "lhotse",
)  # fmt: skip
_DCASE_COLUMNS = {"filename", "file"}
_RAVEN_COLUMNS = {"Begin Time (s)", "End Time (s)"}
_BIRDNET_HEADING = "Start (s),End (s),"
_TIME = re.compile(r"-?\d+([.,]\d+)?")


def detect_layout(path: Path) -> str:
    """One of ``LAYOUTS``. Raises ``ManifestError`` for what is not there and for what is not certain."""
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise ManifestError(f"{path}: no such file or folder")
    if (layout := _of_file(path)) is None and is_empty(path):
        raise ManifestError(f"{path}: is empty, allowed: one clip or more")
    if layout is None:
        raise ManifestError(f"{path}: layout not known from its name and first line, {allowed_layouts()}")
    return layout


def allowed_layouts() -> str:
    """``allowed: --format dcase, …``."""
    return f"allowed: --format {', '.join(LAYOUTS)}"


def _of_file(path: Path) -> str | None:
    if (published := published_file(path)) is not None:
        return published
    suffix = path.suffix.lower()
    if suffix not in (".tsv", ".csv", ".txt"):
        return None
    first = next((line for _, line in lines_of(path)), "")
    names = [name.strip().strip('"') for name in first.split("\t")]
    if set(names) >= _RAVEN_COLUMNS:
        return "raven"
    if suffix == ".csv" and first.startswith(_BIRDNET_HEADING):
        return "birdnet"
    if suffix == ".txt" and len(names) == 3 and all(map(_TIME.fullmatch, names[:2])):
        return "audacity"
    is_dcase = suffix == ".tsv" or re.split(r"[\t,]", first)[0].strip('" ').lower() in _DCASE_COLUMNS
    return "dcase" if is_dcase else None


def _of_folder(path: Path) -> str:
    """A folder of label files is of their one layout; without any it is of class folders, if it holds only such."""
    if is_shar(path):
        return "lhotse"
    if (published := published_folder(path)) is not None:
        return published
    files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in (".txt", ".csv", ".tsv")]
    layouts = {layout for file in files if (layout := _of_file(file)) in ("audacity", "raven", "birdnet")}
    if len(layouts) == 1:
        return layouts.pop()
    folders = [folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    has_loose = any(is_audio(file) for file in path.iterdir())
    if not layouts and not has_loose and folders and all(any(map(is_audio, of.iterdir())) for of in folders):
        return "class_folders"
    lists = [file.name for file in files if file.parent == path and _of_file(file) == "dcase"]
    hint = f"; perhaps one of {', '.join(lists)} in it" if lists else ""
    empty = "" if any(path.iterdir()) else " (an empty folder)"
    raise ManifestError(
        f"{path}: layout not certain{empty}, {allowed_layouts()}: a folder of class folders, or of label files of one "
        f"layout{hint}"
    )
