"""DCASE 2018 task 4 in its published folders (github.com/DCASE-REPO/dcase2018_baseline, task4/dataset).

    metadata/train/weak.csv                    filename event_labels          audio/train/weak/
    metadata/train/unlabel_in_domain.csv       filename                       audio/train/unlabel_in_domain/
    metadata/train/unlabel_out_of_domain.csv   filename                       audio/train/unlabel_out_of_domain/
    metadata/test/test.csv                     filename onset offset event_label    audio/test/
    metadata/eval/eval.csv                     the same                       audio/eval/

There are two strong lists: the test list of the development set and the evaluation list, opened after the challenge.
``read_dcase2018`` takes the first as the test split, ``read_dcase2018_eval`` the second; a list by itself is read with
the audio that belongs to it, also those of DCASE 2019, ``metadata/validation/{test,eval}_dcase2018.csv``. Videos that
are gone from YouTube are counted and named, list by list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from datamodules.importers.entry import ManifestError
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.dcase import read_dcase
from datamodules.importers.sound_events.rows import named_rows, tsv_rows

TRAINING = ("train/weak.csv", "train/unlabel_in_domain.csv", "train/unlabel_out_of_domain.csv")
TEST, EVALUATION = "test/test.csv", "eval/eval.csv"


def read_dcase2018(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Clips of the training lists and, as the test split, of ``test.csv``; or of one list. Raises ``ManifestError``."""
    return _clips(path, TEST, audio_root)


def read_dcase2018_eval(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """As ``read_dcase2018``, with ``eval.csv`` as the test split."""
    return _clips(path, EVALUATION, audio_root)


def _clips(path: Path, test: str, audio_root: Path | None) -> Iterator[ClipEntry]:
    if path.is_file():
        yield from _of_list(path, audio_root)
        return
    metadata = path / "metadata"
    for needed in (TRAINING[0], test):
        if not (metadata / needed).is_file():
            raise ManifestError(f"{metadata / needed}: no such file, allowed: a folder with metadata/{needed}")
    for name in TRAINING:
        if (metadata / name).is_file():
            yield from (replace(entry, split="train") for entry in _of_list(metadata / name, audio_root))
    yield from (replace(entry, split="test") for entry in _of_list(metadata / test, audio_root))


def _of_list(path: Path, audio_root: Path | None) -> Iterator[ClipEntry]:
    """The clips of a list whose audio is there. Raises ``ManifestError`` where none is."""
    folder = _audio_folder(path.absolute(), audio_root)
    replaced = _replaced(path.with_name("files_to_remove.csv"))
    missing, removed, num_there = [], [], 0
    for entry in read_dcase(path, audio_root=folder):
        if entry.audio.name in replaced:
            removed.append(entry.clip_id)
        elif entry.audio.is_file():
            num_there += 1
            yield entry
        else:
            missing.append(entry.clip_id)
    if missing and not num_there:
        raise ManifestError(
            f"{path}: none of its {len(missing)} files is in {folder}, allowed: --audio-root, the folder audio of the "
            "data set"
        )
    warn_of_left_out(path, missing, what=f"clips whose audio is not in {folder}, of {len(missing) + num_there}")
    warn_of_left_out(path, removed, what="clips of the first test list that are in training (files_to_remove.csv)")


def _audio_folder(path: Path, audio_root: Path | None) -> Path:
    """Where the audio of ``metadata/PART/NAME.csv`` lies: ``audio/PART/NAME``, else ``audio/PART``."""
    root = audio_root or path.parent.parent.parent / "audio"
    folders = (root / path.parent.name / path.stem, root / path.parent.name)
    return next((folder for folder in folders if folder.is_dir()), root)


def _replaced(path: Path) -> frozenset[str]:
    """The clips that the organisers took out of the first test list on 6 July 2018, where their list is there."""
    if not path.is_file():
        return frozenset()
    return frozenset(row["filename"] for _, row in named_rows(tsv_rows(path), columns=("filename",)))
