"""Which format a manifest has, by its name and first line. Standard library only: the command line imports it.

The names are those of ``--format``; ``auto`` asks ``detect``.
"""

from __future__ import annotations

from pathlib import Path

from datamodules.importers.entry import ManifestError, is_empty, lines_of
from datamodules.importers.json_lines import json_object

FORMATS = ("tsv", "csv", "jsonl", "kaldi", "nemo", "librispeech", "common_voice", "mls", "lhotse")
_COMMON_VOICE_COLUMNS = {"client_id", "path", "sentence"}


def detect(path: Path) -> str:
    """One of ``FORMATS``. Raises ``ManifestError`` for what is not there and for what fits none of them."""
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise ManifestError(f"{path}: no such file or folder")
    name = path.name.lower()
    if name.endswith(".jsonl.gz"):
        return "lhotse"
    if name.endswith(".csv"):
        return "csv"
    if name.endswith(".tsv"):
        first = lines_of(path)[:1]
        return "common_voice" if first and set(first[0][1].split("\t")) >= _COMMON_VOICE_COLUMNS else "tsv"
    if name.endswith((".jsonl", ".json")):
        return _of_json_lines(path)
    if is_empty(path):
        raise ManifestError(f"{path}: is empty, allowed: a manifest of one utterance or more")
    raise ManifestError(f"{path}: format not known from its name, allowed: --format {', '.join(FORMATS)}")


def is_shar(folder: Path) -> bool:
    """Whether a folder holds shards of Lhotse's."""
    return next(folder.glob("cuts.*.jsonl*"), None) is not None


def _of_folder(path: Path) -> str:
    if is_shar(path):
        return "lhotse"
    if (path / "wav.scp").exists():
        return "kaldi"
    if (path / "transcripts.txt").exists():
        return "mls"
    if next(path.rglob("*.trans.txt"), None) is not None:
        return "librispeech"
    parts = sorted(part.parent.name for part in path.glob("*/transcripts.txt")) or sorted(
        table.name for table in path.glob("*.tsv")
    )
    hint = f"; perhaps one of {', '.join(parts)} in it" if parts else ""
    what = "a folder of no known format" if any(path.iterdir()) else "is an empty folder"
    raise ManifestError(f"{path}: {what}, allowed: a Kaldi data folder, a part of LibriSpeech or of MLS{hint}")


def _of_json_lines(path: Path) -> str:
    lines = lines_of(path)
    if not lines:
        raise ManifestError(f"{path}: is empty, allowed: one JSON object a line")
    place, line = lines[0]
    keys = json_object(line, place=place).keys()
    if "audio_filepath" in keys:
        return "nemo"
    if keys & {"recording", "recording_id", "supervisions", "sources"}:
        return "lhotse"
    return "jsonl"
