"""The manifests that a corpus was imported from: ``imported_from.json``. Editing one does not edit the corpus.

The corpus holds the texts that it took, so its results stay right; but who corrects a transcript in ``train.tsv`` and
finds everything *finished* should know that nothing was taken over.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from datamodules.corpus_files import FileFacts, facts_of, read_facts, read_if_there
from datamodules.corpus_folder import data_root
from datamodules.run_warning import RunWarning, first_names

IMPORTED_FROM = "imported_from.json"
_IN_FOLDERS = ("text", "wav.scp", "segments", "utt2spk", "utt2lang", "reco2file_and_channel", "transcripts.txt")


def manifest_facts(paths: Iterable[Path]) -> dict[str, FileFacts]:
    """Facts of manifests, of folders (Kaldi, MLS, LibriSpeech) those of the lists in them, by absolute path.

    What is not there is left out: who reads it refuses it.
    """
    files = [file for path in paths for file in ([path] if path.is_file() else _lists(path))]
    return {str(file.absolute()): facts_of(file) for file in files}


def _lists(folder: Path) -> list[Path]:
    return [file for name in (*_IN_FOLDERS, "*.trans.txt") for file in sorted(folder.rglob(name)) if file.is_file()]


def warn_of_edited_manifests(name: str) -> None:
    """One line where manifests have other contents than when the corpus was imported; nothing for one that is gone."""
    known = read_facts(data_root() / name, IMPORTED_FROM) or {}
    edited = [
        path for path, facts in known.items() if (now := read_if_there(Path(path))) and now.digest != facts.digest
    ]
    if edited:
        warnings.warn(
            f"corpus {name!r}: {len(edited)} of the {len(known)} manifests that it was imported from were edited since "
            f"({first_names(edited)}); it keeps what it took, for the new: earmark data import {name} … --rebuild",
            RunWarning,
            stacklevel=2,
        )
