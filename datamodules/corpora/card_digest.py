"""The digest of a corpus's card, computed again from what is on the disk: is it what was prepared?

The rules are those of ``clip_corpus.py`` and ``speech_corpus.py``: samples of FLAC files that earmark wrote, bytes of
files that a user brought. It needs nothing but manifests, lists and audio, so it answers for corpora that were made
before their files were recorded too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import soundfile

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpus_files import FileFacts, listed_cuts
from datamodules.phones import FILE as PHONES
from datamodules.texts.corpus_text_rules import digest_with_rules


def card_digest(folder: Path, *, has_classes: bool, audio: Mapping[str, FileFacts]) -> str:
    """What the card of ``folder`` has to say; ``audio`` are facts of the files that its manifests name, with digests.

    Raises ``OSError`` and ``ValueError`` for what cannot be read.
    """
    return _clips(folder, audio) if has_classes else _speech(folder, audio)


def _clips(folder: Path, audio: Mapping[str, FileFacts]) -> str:
    total = hashlib.sha256()
    for split in SPLITS:
        listed = folder / "manifests" / ("test.jsonl.gz" if split == "test" else f"{split}_strong.jsonl.gz")
        for cut in listed_cuts(listed):
            source = _source(cut)
            if Path(source).is_absolute():
                total.update(bytes.fromhex(audio[source].digest))
                said = (cut["id"], cut["start"], cut["duration"], cut["channel"], sorted(cut["custom"].items()))
                total.update(json.dumps(said).encode())
            else:
                total.update(_samples(folder / source))
        for strength in ("strong", "weak"):
            total.update((folder / f"{split}_{strength}.tsv").read_bytes())
    return total.hexdigest()


def _speech(folder: Path, audio: Mapping[str, FileFacts]) -> str:
    total = hashlib.sha256()
    for split in SPLITS:
        cuts = list(listed_cuts(folder / "manifests" / f"{split}.jsonl.gz"))
        for cut in cuts:
            [said] = cut["supervisions"]
            total.update(json.dumps((cut["id"], said["text"], said["language"], said["speaker"])).encode())
            if sources := said.get("custom"):  # session, group
                total.update(json.dumps(sorted(sources.items())).encode())
            source = _source(cut)
            if Path(source).is_absolute():
                total.update(bytes.fromhex(audio[source].digest))
                total.update(f"{cut['start']} {cut['duration']} {cut['channel']}".encode())
            else:
                total.update(hashlib.sha256(_samples(folder / source)).digest())
        total.update(f"{split} {len(cuts)}\n".encode())
    if (folder / PHONES).is_file():
        total.update((folder / PHONES).read_bytes())
    return digest_with_rules(total.hexdigest(), folder)


def _source(cut: Mapping[str, Any]) -> str:
    return str(cut["recording"]["sources"][0]["source"])


def _samples(path: Path) -> bytes:
    """Little-endian 16-bit samples of one of our own files. Raises ``OSError`` and ``ValueError``."""
    try:
        samples_S, _ = soundfile.read(path, dtype="int16")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: {error}") from error
    return bytes(samples_S.astype("<i2").tobytes())
