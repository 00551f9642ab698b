"""``read_manifest``: a user's manifest of any format as a list of entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from datamodules.importers.common_voice import read_common_voice
from datamodules.importers.detect import detect
from datamodules.importers.entry import ManifestEntry, ManifestError, is_empty, refuse_surrogates
from datamodules.importers.json_lines import read_jsonl, read_nemo
from datamodules.importers.kaldi import read_kaldi
from datamodules.importers.lhotse_manifest import read_lhotse
from datamodules.importers.libri import read_librispeech, read_mls
from datamodules.importers.table import read_csv, read_tsv
from datamodules.texts.text_rules import code_of
from datamodules.texts.utf8_text import has_surrogate, printable


class _Reader(Protocol):
    def __call__(self, path: Path, /, *, audio_root: Path | None) -> Iterator[ManifestEntry]: ...


_READERS: dict[str, _Reader] = {
    "tsv": read_tsv,
    "csv": read_csv,
    "jsonl": read_jsonl,
    "kaldi": read_kaldi,
    "nemo": read_nemo,
    "librispeech": read_librispeech,
    "common_voice": read_common_voice,
    "mls": read_mls,
    "lhotse": read_lhotse,
}


def read_manifest(
    path: Path, *, format_name: str = "auto", language: str | None = None, audio_root: Path | None = None
) -> list[ManifestEntry]:
    """The utterances of a manifest.

    ``language`` is that of entries whose manifest says none. ``audio_root`` is what relative audio files are relative
    to, instead of the manifest's own folder. Raises ``ManifestError``, also for a manifest without an utterance.
    """
    if has_surrogate(str(path)):
        raise ManifestError(f"{printable(str(path))}: the name is not UTF-8, allowed: rename it; corpora keep the name")
    reader = _READERS[detect(path) if format_name == "auto" else format_name]
    try:
        entries = list(reader(path, audio_root=audio_root))
    except OSError as error:
        raise ManifestError(f"{error.filename or path}: {error.strerror}") from error
    if not entries:
        raise ManifestError(f"{path}: {'is empty' if is_empty(path) else 'holds no utterance'}, allowed: one or more")
    for entry in entries:
        refuse_surrogates(entry)
    if language is None:
        return entries
    others = {str(entry.language) for entry in entries if entry.language} - {code_of(language)}
    if others and reader in (read_librispeech, read_mls):
        raise ManifestError(
            f"{path}: a folder of this layout says its language, {min(others)}, allowed: without --language {language}"
            ", or a manifest of another format"
        )
    return [entry if entry.language else replace(entry, language=language) for entry in entries]
