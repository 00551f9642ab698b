"""Corpora that were exported to Lhotse's Shar are imported and served as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lhotse import CutSet

from datamodules.asr import SpeechDataModule
from datamodules.importers.detect import detect
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_corpus import Source, import_corpus
from datamodules.importers.lhotse_manifest import read_lhotse
from datamodules.importers.sound_events.detect import detect_layout
from datamodules.importers.sound_events.lhotse_events import read_lhotse_events

SPLITS = ("train", "validation", "test")


def exported(corpus: Path, split: str, folder: Path) -> Path:
    """A split of a corpus of ours, in shards of five clips."""
    folder.mkdir()
    cuts = CutSet.from_file(corpus / "manifests" / f"{split}.jsonl.gz").with_recording_path_prefix(corpus)
    cuts.to_shar(folder, fields={"recording": "flac"}, shard_size=5)
    return folder


def test_speech_in_shards_is_trained_on_as_before(tiny_speech: Path, tmp_path: Path) -> None:
    manifests = {split: [exported(tiny_speech, split, tmp_path / split)] for split in SPLITS}
    assert {detect(*folders) for folders in manifests.values()} == {"lhotse"}
    import_corpus("sharded", Source(manifests, audio_root=tmp_path / "audio"))
    before, after = (
        list(SpeechDataModule(corpus=corpus, batch_seconds=12.0).train_dataloader())
        for corpus in ("spoken_tones/tiny", "sharded")
    )
    for a, b in zip(before, after, strict=True):
        assert (a.utterance_ids, a.texts) == (b.utterance_ids, b.texts)
        assert torch.equal(a.waveforms_BS, b.waveforms_BS)


def test_sound_events_in_shards_are_read_with_their_events(tiny_tones: Path, tmp_path: Path) -> None:
    folder = exported(tiny_tones, "train_strong", tmp_path / "shar")
    assert detect_layout(folder) == "lhotse"
    there = list(read_lhotse_events(folder, audio_root=tmp_path / "audio"))
    here = list(read_lhotse_events(tiny_tones / "manifests" / "train_strong.jsonl.gz", audio_root=tiny_tones))
    assert [(one.clip_id, one.events, one.tags) for one in there] == [
        (one.clip_id, one.events, one.tags) for one in here
    ]
    assert all(one.audio.is_file() and tmp_path / "audio" in one.audio.parents for one in there)


def test_what_cannot_be_written_is_refused(tiny_speech: Path, tmp_path: Path) -> None:
    folder = exported(tiny_speech, "test", tmp_path / "shar")
    with pytest.raises(ManifestError, match="shar: its audio is in shards, allowed: --audio-root FOLDER"):
        list(read_lhotse(folder))
    entries = list(read_lhotse(folder, audio_root=tmp_path / "audio"))
    assert list(read_lhotse(folder, audio_root=tmp_path / "audio")) == entries  # what is there is not written again
    entries[0].audio.write_bytes(b"mine")
    with pytest.raises(ManifestError, match=rf"{entries[0].audio.name} is there and is other audio, allowed: another"):
        list(read_lhotse(folder, audio_root=tmp_path / "audio"))
    assert entries[0].audio.read_bytes() == b"mine"


def test_missing_shards_are_named(tiny_speech: Path, tmp_path: Path) -> None:
    folder = exported(tiny_speech, "test", tmp_path / "shar")
    next(folder.glob("recording.*.tar")).unlink()
    with pytest.raises(ManifestError, match="shar"):
        list(read_lhotse(folder, audio_root=tmp_path / "audio"))
