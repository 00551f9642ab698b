"""The data module on the tiny synthetic corpus: labels by the door that was opened, clips exact, refusals named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from datamodules.annotations import Event
from datamodules.batches import ClipBatch, StrongClipBatch
from datamodules.clips.dcase_tsv import read_events, read_tags
from datamodules.corpus_folder import CorpusMissingError
from datamodules.run_warning import RunWarning
from datamodules.sed import SoundEventClips


def clips(**changes: Any) -> SoundEventClips:
    return SoundEventClips(**{"corpus": "tones/tiny", "batch_size": 4, **changes})


def rewrite(manifest: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first cut of a manifest."""
    lines = gzip.decompress(manifest.read_bytes()).decode().splitlines()
    cut = json.loads(lines[0])
    change(cut)
    manifest.write_bytes(gzip.compress("\n".join([json.dumps(cut), *lines[1:]]).encode()))


def test_weak_batches_hold_the_files_and_their_tags(tiny_tones: Path) -> None:
    data = clips()
    batches = list(data.train_dataloader())
    assert [type(batch) for batch in batches] == [ClipBatch, ClipBatch]
    tags = read_tags(tiny_tones / "train_weak.tsv")
    for batch in batches:
        for row, clip_id in enumerate(batch.clip_ids):
            samples_S, _ = soundfile.read(tiny_tones / "audio" / "train" / f"{clip_id}.flac", dtype="float32")
            assert torch.equal(batch.waveforms_BS[row], torch.from_numpy(samples_S))
            assert batch.num_samples_B[row] == len(samples_S)
            present = {label for label, tag in zip(data.classes, batch.tags_BC[row], strict=True) if tag}
            assert present == next(labels for name, labels in tags.items() if name.startswith(clip_id))
    assert len({clip_id for batch in batches for clip_id in batch.clip_ids}) == 8


def test_strong_batches_hold_the_events_beside_the_same_clips(tiny_tones: Path) -> None:
    weak, strong = (list(clips(train_labels=labels).train_dataloader()) for labels in ("weak", "strong"))
    events = read_events(tiny_tones / "train_strong.tsv")
    for weak_batch, strong_batch in zip(weak, strong, strict=True):
        assert type(strong_batch) is StrongClipBatch
        assert strong_batch.clips.clip_ids == weak_batch.clip_ids
        assert torch.equal(strong_batch.clips.tags_BC, weak_batch.tags_BC)
        for clip_id, clip_events in zip(weak_batch.clip_ids, strong_batch.events_B, strict=True):
            assert list(clip_events) == sorted(next(e for name, e in events.items() if name.startswith(clip_id)))


def test_weak_training_reads_no_file_with_strong_labels(tiny_tones: Path) -> None:
    for name in ("manifests/train_strong.jsonl.gz", "manifests/validation_strong.jsonl.gz"):
        (tiny_tones / name).unlink()
    for path in tiny_tones.glob("*_strong.tsv"):
        path.unlink()
    data = clips()
    assert len(list(data.train_dataloader())) == 2
    assert data.references("validation").events is None
    assert sum(len(batch.clip_ids) for batch in data.val_dataloader()) == 4


def test_selection_opens_the_validation_events(tiny_tones: Path) -> None:
    references = clips(selection="strong").references("validation")
    assert references.events is not None
    expected = read_events(tiny_tones / "validation_strong.tsv")
    for clip_id, events in references.events.items():
        assert list(events) == sorted(next(e for name, e in expected.items() if name.startswith(clip_id)))
    assert all(type(batch) is ClipBatch for batch in clips(selection="strong").val_dataloader())


def test_test_references_have_everything_that_scoring_needs(tiny_tones: Path) -> None:
    data = clips()
    references = data.references("test")
    assert references.classes == data.classes
    assert references.sample_rate_hz == 16000
    assert references.events is not None
    assert set(references.tags) == set(references.events) == set(references.duration_seconds)
    for clip_id, events in references.events.items():
        assert references.tags[clip_id] == {event.label for event in events}
        assert all(isinstance(event, Event) for event in events)
        assert references.duration_seconds[clip_id] == 2.0
        assert references.load_waveform(clip_id).shape == (32000,)
    predicted = [clip_id for batch in data.evaluation_dataloader("test") for clip_id in batch.clip_ids]
    assert sorted(predicted) == sorted(references.tags) == list(data.clip_ids("test"))
    assert all(type(batch) is ClipBatch for batch in data.evaluation_dataloader("test"))


def test_audio_that_stays_in_its_files_gives_the_same_batches(tiny_tones: Path) -> None:
    in_memory, lazy = (clips(audio=audio) for audio in ("memory", "disk"))
    with pytest.warns(RunWarning, match="audio is read from its files, 1 GB of it kept: .* GB decoded, audio: disk"):
        lazy.setup("fit")
    for loader in ("train_dataloader", "val_dataloader"):
        for a, b in zip(getattr(in_memory, loader)(), getattr(lazy, loader)(), strict=True):
            assert a.clip_ids == b.clip_ids
            assert torch.equal(a.waveforms_BS, b.waveforms_BS)
            assert torch.equal(a.num_samples_B, b.num_samples_B)
    assert not lazy._train.waveforms.is_read


@pytest.mark.integration
@pytest.mark.parametrize("audio", ["memory", "disk"])
def test_workers_change_no_batch(tiny_tones: Path, audio: str) -> None:
    alone = list(clips().train_dataloader())
    helped = list(clips(num_workers=2, audio=audio).train_dataloader())
    assert [batch.clip_ids for batch in alone] == [batch.clip_ids for batch in helped]
    assert all(torch.equal(a.waveforms_BS, b.waveforms_BS) for a, b in zip(alone, helped, strict=True))


def test_clips_of_different_lengths_are_padded_with_zeros(tiny_tones: Path) -> None:
    rewrite(tiny_tones / "manifests" / "train.jsonl.gz", lambda cut: cut.update(duration=0.5))
    batches = list(clips(batch_size=8).train_dataloader())
    row = batches[0].clip_ids.index("train-0000")
    assert batches[0].num_samples_B[row] == 8000
    assert batches[0].waveforms_BS.shape == (8, 32000)
    assert not batches[0].waveforms_BS[row, 8000:].any()


def test_missing_corpus_names_the_command() -> None:
    with pytest.raises(CorpusMissingError, match="run: earmark data import nowhere/tiny …"):
        clips(corpus="nowhere/tiny")


def supervise(cut: dict[str, Any]) -> None:
    cut["supervisions"] = [
        {"id": "x", "recording_id": cut["recording"]["id"], "start": 0.0, "duration": 1.0, "custom": {"label": "door"}}
    ]


def mislabel(cut: dict[str, Any]) -> None:
    cut["custom"]["tags"] = ["zebra"]


def resample(cut: dict[str, Any]) -> None:
    cut["recording"].update(sampling_rate=8000, num_samples=16000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (supervise, "train-0000 has strong labels, and this manifest is a weak one"),
        (mislabel, "train-0000 has label 'zebra', allowed: alarm, door, running_water"),
        (resample, "train-0000.flac has 16000 Hz, its manifest says 8000"),
    ],
)
def test_damaged_manifests_are_refused(
    tiny_tones: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    rewrite(tiny_tones / "manifests" / "train.jsonl.gz", change)
    with pytest.raises(ValueError, match=message):
        clips().train_dataloader()


def test_class_balanced_sampling_is_asked_for_by_name(tiny_tones: Path) -> None:
    def epoch(**settings: Any) -> list[str]:
        loader = SoundEventClips(corpus="tones/tiny", batch_size=4, seed=1, **settings).train_dataloader()
        return [clip_id for batch in loader for clip_id in batch.clip_ids]

    even, balanced = epoch(), epoch(sampling="class_balanced")
    assert len(set(even)) == len(even) == len(balanced) > len(set(balanced))
    assert balanced == epoch(sampling="class_balanced")
