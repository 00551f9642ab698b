"""The trial of the longest clips: who takes part, what is said where nobody does, and what fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.annotations import Event
from datamodules.audio.audio_facts import audio_facts
from datamodules.checks.checked_clips import CheckedClip
from datamodules.checks.findings import Finding
from datamodules.checks.longest_clips import load_clips
from datamodules.importers.sound_events.clip_entry import ClipEntry
from experiments.commands.data.batch_trial import NotTried
from experiments.commands.data.clip_batch_trial import FRAME_SECONDS, ClipTrial, try_longest_clips


@pytest.fixture
def clip(tmp_path: Path):
    def make(name: str, *, seconds: float = 1.0, split: str = "train", rate_hz: int = 16_000, **entry: object):
        path = tmp_path / f"{name}.wav"
        if seconds:
            samples_SC = np.random.default_rng(0).uniform(-0.1, 0.1, (round(seconds * rate_hz), 2))
            soundfile.write(path, samples_SC, rate_hz)
        fields = {"events": (Event(0.0, 0.5, "dog"),)} | entry
        return CheckedClip(split, ClipEntry(name, path, "", **fields), audio_facts(path))

    return make


def tried(*clips: CheckedClip, classes: tuple[str, ...] = ("dog",)) -> object:
    return try_longest_clips(clips, classes=classes, batch_size=2, sample_rate_hz=16_000)


def test_the_longest_training_clips_take_part_and_the_refused_ones_do_not(clip):
    trial = tried(
        clip("short"), clip("long", seconds=3.0, rate_hz=8000), clip("longer", seconds=4.0), clip("gone", seconds=0),
        clip("past", duration_seconds=9.0), clip("absent", channel=2), clip("held_out", seconds=9.0, split="test"),
    )  # fmt: skip
    assert isinstance(trial, ClipTrial)
    assert (trial.num_clips, trial.padded_seconds) == (2, 8.0)
    assert np.isfinite(trial.loss)
    left_out = "left out: 1 unreadable, 1 outside its file, 1 of a channel that its file lacks"
    assert trial.sentence().endswith(f"({left_out})")


def test_where_there_is_nothing_to_try_the_reason_is_said(clip):
    assert tried(clip("x", split="test")) == NotTried("there is no training clip")
    assert tried(clip("x"), classes=()) == NotTried("no clip has a label")
    assert tried(clip("gone", seconds=0)) == NotTried("none of 1 training clips can be trained on (1 unreadable)")


def test_a_batch_that_cannot_be_read_is_a_finding(clip):
    one = clip("x")
    one.entry.audio.unlink()
    found = tried(one)
    assert isinstance(found, Finding)
    assert (found.check, found.severity) == ("longest_batch", "error")
    assert found.what.endswith("x.wav: No such file or directory")


def test_clips_are_read_at_the_corpus_rate_with_their_channels_mixed(clip):
    one = clip("x", seconds=2.0, rate_hz=8000, start_seconds=0.5, duration_seconds=1.0)
    batch = load_clips([one, clip("y", events=None)], classes=("cat", "dog"), sample_rate_hz=16_000)
    assert batch.num_samples_B.tolist() == [16_000, 16_000]
    assert batch.tags_BC.tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_a_frame_is_that_of_the_demo_detector():
    from experiments.commands.data.clip_batch_trial import FEATURES
    from lightning_modules.layers.crnn import demo_crnn
    from lightning_modules.sed.mil import MIL

    model = MIL(classes=("dog",), sample_rate_hz=16_000, encoder=demo_crnn(), features=FEATURES)
    assert model.hop_seconds == FRAME_SECONDS
