"""Mozilla Common Voice: a split's TSV beside the folder ``clips``.

    cv-corpus-13.0-2023-03-09/pl/train.tsv     client_id path sentence … locale …
    cv-corpus-13.0-2023-03-09/pl/clips/common_voice_pl_1.mp3

Quotation marks are text there, often unbalanced. The speaker is ``client_id``; the language is ``locale`` or, in the
oldest releases, the folder's name. Any language and release is read, where Lhotse's recipe knows 24 languages and wants
the columns of newer releases (a test compares the two on one that both read).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datamodules.importers.entry import (
    ManifestEntry,
    ManifestError,
    audio_path,
    default_id,
    language_code,
    lines_of,
    missing_key,
)


def read_common_voice(path: Path, *, audio_root: Path | None = None) -> Iterator[ManifestEntry]:
    """Utterances of one split's TSV (``pl/train.tsv``). Raises ``ManifestError``."""
    if path.is_dir():
        there = ", ".join(sorted(file.name for file in path.glob("*.tsv"))) or "none"
        raise ManifestError(f"{path}: is a folder, allowed: a split's TSV in it; there are: {there}")
    lines = lines_of(path)
    if not lines:
        raise ManifestError(f"{path}: is empty, allowed: a heading with client_id, path, sentence")
    place, heading = lines[0]
    columns = heading.split("\t")
    for name in ("client_id", "path", "sentence"):
        if name not in columns:
            raise ManifestError(f"{place}: {missing_key('column', name, columns)}")
    root = audio_root or path.absolute().parent / "clips"
    for place, line in lines[1:]:
        values = line.split("\t")
        if len(values) != len(columns):
            raise ManifestError(f"{place}: {len(values)} columns, allowed: {len(columns)} separated by tabs")
        row = dict(zip(columns, values, strict=True))
        locale = row.get("locale") or path.absolute().parent.name
        clip = row["path"].strip()
        audio = audio_path(clip, root=root, place=place)
        yield ManifestEntry(
            utterance_id=default_id(audio.name, 0.0, False),
            audio=audio if audio.suffix else audio.with_suffix(".mp3"),  # release 1 leaves the suffix out
            text=row["sentence"].strip(),
            place=place,
            language=language_code(locale, key="locale", place=place),
            speaker=row["client_id"].strip() or None,
        )
