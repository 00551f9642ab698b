"""The trial of the longest batch: who takes part, and what is said where nobody does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.audio.audio_facts import audio_facts
from datamodules.checks.speech_checks import CheckedUtterance, Framing
from datamodules.importers.entry import ManifestEntry
from experiments.commands.data.batch_trial import NotTried, Trial, try_longest_batch


@pytest.fixture
def utterance(tmp_path: Path):
    def make(name: str, text: str, *, seconds: float = 0.5, split: str = "train", **entry: object) -> CheckedUtterance:
        path = tmp_path / f"{name}.wav"
        if seconds:
            soundfile.write(path, np.random.default_rng(0).uniform(-0.1, 0.1, round(seconds * 16_000)), 16_000)
        return CheckedUtterance(split, ManifestEntry(name, path, text, "", **entry), audio_facts(path))

    return make


def test_utterances_that_cannot_be_aligned_take_no_part(utterance):
    utterances = [
        utterance("good", "ano"),
        utterance("long", "ano " * 10, seconds=0.6),
        utterance("gone", "ano", seconds=0),
        utterance("empty", " "),
        utterance("outside", "ano", duration_seconds=9.0),
        utterance("held_out", "ano " * 10, split="test"),
    ]
    trial = try_longest_batch(utterances, batch_seconds=2.0, framing=Framing())
    assert isinstance(trial, Trial)
    assert trial.num_utterances == 1
    assert np.isfinite(trial.loss)
    left_out = "left out: 1 too short for CTC, 1 unreadable, 1 without a text, 1 outside its file"
    assert trial.sentence().endswith(f"({left_out})")


def test_an_utterance_too_short_for_the_demo_model_alone_takes_no_part_either(utterance):
    texts = [utterance("good", "ano"), utterance("short", "ano a ano a ne", seconds=0.5)]
    finer = Framing(subsampling=2)
    trial = try_longest_batch(texts, batch_seconds=2.0, framing=finer)
    assert isinstance(trial, Trial)
    assert trial.left_out == {"too short for CTC": 1}


def test_where_nothing_is_left_the_reason_is_said(utterance):
    trial = try_longest_batch([utterance("long", "ano " * 20)], batch_seconds=2.0, framing=Framing())
    assert isinstance(trial, NotTried)
    assert trial.sentence() == (
        "longest batch: not tried: none of 1 training utterances can be trained on (1 too short for CTC)"
    )
    held_out = utterance("x", "ano", split="test")
    assert try_longest_batch([held_out], batch_seconds=2.0, framing=Framing()) == NotTried(
        "there is no training utterance"
    )


def test_a_file_shorter_than_its_manifest_by_the_slack_is_named(utterance):
    text = "anoanoanoano"  # 12 frames: 480 ms at most
    barely = utterance("barely", text, seconds=0.44, duration_seconds=0.48)
    trial = try_longest_batch([barely], batch_seconds=2.0, framing=Framing(speed=1.0))
    assert trial == NotTried("as read, barely has too few frames for its text")
