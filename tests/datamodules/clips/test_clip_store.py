"""Clips of other people's corpora: every clip's own kind of label, any rate, any channels, stretches of files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
from lhotse import CutSet, MonoCut, MultiCut, Recording, SupervisionSegment

from datamodules.batches import ClipBatch, MixedClipBatch, StrongClipBatch
from datamodules.corpus_folder import CorpusCard
from datamodules.run_warning import RunWarning
from datamodules.sed import SoundEventClips

CLASSES = ("cat", "dog")
KINDS = ("strong", "weak", "unlabelled")


def make_cut(audio: Path, number: int, kind: str, *, with_events: bool, **changes: Any) -> MonoCut | MultiCut:
    """Half a second of a file, from its second 0.25 on."""
    cut_id = f"{kind}-{number}"
    segment = SupervisionSegment(
        id=f"{cut_id}-0", recording_id=audio.stem, start=0.1, duration=0.2, custom={"label": "dog"}
    )
    recording = Recording.from_file(audio, recording_id=audio.stem)
    fields: dict[str, Any] = {"id": cut_id, "start": 0.25, "duration": 0.5, "channel": 0, "recording": recording}
    custom = {
        "tags": [] if kind == "unlabelled" else ["dog"],
        "label_kind": "weak" if kind == "strong" and not with_events else kind,
    }
    supervisions = [segment] if with_events and kind == "strong" else []
    fields |= {"supervisions": supervisions, "custom": custom, **changes}
    return (MonoCut if isinstance(fields["channel"], int) else MultiCut)(**fields)


def write_corpus(home: Path, audio: Path, kinds: dict[str, Iterable[str]], **changes: Any) -> None:
    """``DATA_ROOT/mine``, two clips of each kind of a split."""
    folder = home / "data" / "mine"
    (folder / "manifests").mkdir(parents=True)
    for split, of_split in kinds.items():
        for with_events in (False, True):
            name = split + ("_strong" if with_events and split != "test" else "")
            cuts = [
                make_cut(audio, number, kind, with_events=with_events, **changes)
                for kind in of_split
                for number in (0, 1)
            ]
            CutSet.from_cuts(cuts).to_file(folder / "manifests" / f"{name}.jsonl.gz")
    CorpusCard(
        name="mine", digest="0", classes=CLASSES, sample_rate_hz=16_000, synthetic=False, licences={}, num_clips={},
        description="",
    ).write(folder)  # fmt: skip


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """A second of noise, 22.05 kHz, two channels."""
    samples_SC = np.random.default_rng(0).uniform(-0.3, 0.3, (22_050, 2))
    soundfile.write(tmp_path / "noise.wav", samples_SC, 22_050)
    return tmp_path / "noise.wav"


@pytest.fixture
def mixed(earmark_home: Path, audio: Path) -> None:
    write_corpus(earmark_home, audio, dict.fromkeys(("train", "validation", "test"), KINDS))


def clips(**changes: Any) -> SoundEventClips:
    return SoundEventClips(**{"corpus": "mine", "batch_size": 2, **changes})


def said(data: SoundEventClips) -> list[str]:
    with pytest.warns(RunWarning) as caught:
        data.setup("fit")
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("labels", "batch_type", "kinds", "left_out"),
    [
        ("weak", ClipBatch, ("strong", "weak"), "2 of 6 training clips are left out (train_labels weak): 2 unlabelled"),
        ("strong", StrongClipBatch, ("strong",), "2 weak (weak-0, weak-1), 2 unlabelled (unlabelled-0, unlabelled-1)"),
        ("mixed", MixedClipBatch, KINDS, None),
    ],
)
def test_training_takes_the_kinds_of_labels_that_it_was_told(
    mixed: None, labels: Any, batch_type: type, kinds: tuple[str, ...], left_out: str | None
) -> None:
    data = clips(train_labels=labels)
    batches = list(data.train_dataloader())
    assert {type(batch) for batch in batches} == {batch_type}
    ids = [clip_id for batch in batches for clip_id in getattr(batch, "clips", batch).clip_ids]
    assert sorted(ids) == sorted(f"{kind}-{number}" for kind in kinds for number in (0, 1))
    messages = [one for one in said(data) if "training" in one]
    assert bool(messages) == (left_out is not None)
    assert left_out is None or left_out in messages[0]


def test_a_mixed_batch_says_by_masks_what_is_known_of_each_clip(mixed: None) -> None:
    for batch in clips(train_labels="mixed", batch_size=6).train_dataloader():
        kinds = [clip_id.split("-")[0] for clip_id in batch.clips.clip_ids]
        assert batch.has_tags_B.tolist() == [kind != "unlabelled" for kind in kinds]
        assert batch.has_events_B.tolist() == [kind == "strong" for kind in kinds]
        assert [bool(events) for events in batch.events_B] == batch.has_events_B.tolist()
        assert batch.clips.tags_BC[:, 1].tolist() == batch.has_tags_B.tolist()
        assert not batch.clips.tags_BC[:, 0].any()


def test_unlabelled_clips_are_not_scored_and_events_are_those_of_strong_clips(mixed: None) -> None:
    data = clips()
    references = data.references("test")
    assert set(references.tags) == set(references.duration_seconds) == {"strong-0", "strong-1", "weak-0", "weak-1"}
    assert references.events is not None
    assert set(references.events) == {"strong-0", "strong-1"}
    predicted = [clip_id for batch in data.evaluation_dataloader("test") for clip_id in batch.clip_ids]
    assert sorted(predicted) == list(data.clip_ids("test")) == sorted(references.tags)
    messages = said(data)
    assert "mine: 2 of 6 test clips are not scored: 2 unlabelled (unlabelled-0, unlabelled-1)" in messages
    assert any("2 of 4 test clips have no events and are scored by their tags alone" in one for one in messages)
    assert data.references("validation").events is None
    assert set(clips(selection="strong").references("validation").events or ()) == {"strong-0", "strong-1"}


def test_a_corpus_of_weak_labels_alone_has_no_events(earmark_home: Path, audio: Path) -> None:
    write_corpus(earmark_home, audio, dict.fromkeys(("train", "validation", "test"), ("weak",)))
    assert clips().references("test").events is None
    assert len(list(clips().train_dataloader())) == 1
    with pytest.raises(ValueError, match=r"none of its 2 clips is labelled as needed \(strong\)"):
        clips(train_labels="strong").setup("fit")


@pytest.mark.parametrize(("channel", "channels"), [(0, [0]), (1, [1]), ([0, 1], [0, 1])])
def test_a_stretch_of_any_rate_and_channels_comes_at_the_rate_of_the_corpus(
    earmark_home: Path, audio: Path, channel: int | list[int], channels: list[int]
) -> None:
    write_corpus(earmark_home, audio, dict.fromkeys(("train", "validation", "test"), ("weak",)), channel=channel)
    whole_SC, rate_hz = soundfile.read(audio, dtype="float32")
    stretch_S = whole_SC[round(0.25 * rate_hz) :][: round(0.5 * rate_hz), channels].mean(axis=1)
    expected_S = torch.from_numpy(soxr.resample(stretch_S, rate_hz, 16_000))
    for batch in clips().train_dataloader():
        assert batch.num_samples_B.tolist() == [8000, 8000]
        assert torch.allclose(batch.waveforms_BS, expected_S.expand(2, -1), atol=1 / 32768)


@pytest.mark.parametrize(
    ("custom", "message"),
    [
        ({"tags": [], "label_kind": "guessed"}, "has label_kind 'guessed', allowed: strong, weak, unlabelled"),
        ({"tags": ["dog"], "label_kind": "unlabelled"}, "has tags, and its label_kind is unlabelled"),
        ({"label_kind": "weak"}, "has no tags, and its labels are weak"),
    ],
)
def test_labels_that_are_not_of_their_kind_are_refused(
    earmark_home: Path, audio: Path, custom: dict[str, Any], message: str
) -> None:
    write_corpus(earmark_home, audio, dict.fromkeys(("train", "validation", "test"), ("weak",)))
    manifest = earmark_home / "data" / "mine" / "manifests" / "train.jsonl.gz"
    lines = gzip.decompress(manifest.read_bytes()).decode().splitlines()
    cut = json.loads(lines[0]) | {"custom": custom}
    manifest.write_bytes(gzip.compress("\n".join([json.dumps(cut), *lines[1:]]).encode()))
    with pytest.raises(ValueError, match=message):
        clips().setup("fit")
