"""Joined test utterances: the same words as many times, each at each place, audio and text one after the other."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.asr import SpeechDataModule
from datamodules.run_warning import RunWarning
from datamodules.speech.joined_utterances import joined_numbers
from datamodules.speech.utterance_store import Utterance
from experiments.contracts import ServesMoreSplits


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 8.0, **settings})


def spoken_by(tiny_speech: Path, *speakers: str) -> list[str]:
    """Let the test utterances be said by these, the last of them all the rest; returns their ids."""
    manifest = tiny_speech / "manifests" / "test.jsonl.gz"
    lines: list[dict[str, Any]] = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    for line, speaker in zip(lines, chain(speakers, repeat(speakers[-1])), strict=False):
        line["supervisions"][0]["speaker"] = speaker
    manifest.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    return [line["id"] for line in lines]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=12), st.integers(2, 4))
def test_each_utterance_stands_once_at_each_place(voices: list[tuple[str, str]], count: int) -> None:
    said = [Utterance(f"u{n}", "t", language, speaker, 1.0) for n, (speaker, language) in enumerate(voices)]
    joined = joined_numbers(said, count=count)
    sizes = Counter(voices)
    there = [number for number, who in enumerate(voices) if sizes[who] >= count]
    for place in range(count):
        assert sorted(parts[place] for parts in joined) == there
    assert all(len(set(parts)) == count and len({voices[n] for n in parts}) == 1 for parts in joined)


def test_audio_and_text_follow_each_other(tiny_speech: Path) -> None:
    spoken_by(tiny_speech, "ann")
    data = speech(test_joined=2)
    assert isinstance(data, ServesMoreSplits)
    assert data.more_splits == ("test_joined",)
    data.setup("fit")
    plain, joined = data.references("test"), data.references("test_joined")
    words = Counter(word for text in plain.texts.values() for word in text.split())
    assert Counter(word for text in joined.texts.values() for word in text.split()) == words + words
    assert set(data.clip_ids("test_joined")) == set(joined.texts)
    seen = set()
    for batch in data.evaluation_dataloader("test_joined"):
        for row, name in enumerate(batch.utterance_ids):
            first, second = name.split("+")
            waveform_S = np.concatenate([plain.load_waveform(first), plain.load_waveform(second)])
            assert batch.texts[row] == joined.texts[name] == f"{plain.texts[first]} {plain.texts[second]}"
            assert int(batch.num_samples_B[row]) == len(waveform_S)
            np.testing.assert_array_equal(batch.waveforms_BS[row, : len(waveform_S)].numpy(), waveform_S)
            assert joined.duration_seconds[name] == pytest.approx(len(waveform_S) / 16000)
            assert joined.speakers[name] == plain.speakers[first] == plain.speakers[second]
            seen.add(name)
    assert seen == set(joined.texts)


def test_speakers_of_too_few_utterances_are_named(tiny_speech: Path) -> None:
    alone, *others = spoken_by(tiny_speech, "ann", "bob")
    data = speech(test_joined=2)
    with pytest.warns(RunWarning, match=rf"1 of {len(others) + 1} test utterances are in no joined one.*: {alone}$"):
        data.setup("fit")
    assert not [name for name in data.clip_ids("test_joined") if alone in name.split("+")]


@pytest.mark.usefixtures("tiny_speech")
def test_what_cannot_be_joined_is_refused() -> None:
    with pytest.raises(ValueError, match="test_joined must be 2 or more utterances, or null for none, got 1"):
        speech(test_joined=1)
    with pytest.raises(ValueError, match=r"test_joined 99: .*nobody says so many utterances in one language"):
        speech(test_joined=99)
    plain = speech()
    assert plain.more_splits == ()
    with pytest.raises(ValueError, match=r"since data\.test_joined is null"):
        plain.references("test_joined")
