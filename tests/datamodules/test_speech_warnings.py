"""What training leaves out or cannot write is said, once, when the data module is set up."""

from __future__ import annotations

import gzip
import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from datamodules.asr import SpeechDataModule
from datamodules.run_warning import RunWarning
from datamodules.text import TextDataModule


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 8.0, **settings})


def say(tiny_speech: Path, split: str, *texts: str) -> None:
    """Change the texts of a split's first utterances."""
    manifest = tiny_speech / "manifests" / f"{split}.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    for line, text in zip(lines, texts, strict=False):
        line["supervisions"][0]["text"] = text
    manifest.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))


def said_in_setup(data: SpeechDataModule) -> list[str]:
    """The warnings of setting up as a run does: by hand, and again by Lightning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data.setup("fit")
        data.setup("fit")
    return [str(warning.message) for warning in caught]


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("unit", ["character", "word"])
def test_fast_training_utterances_are_left_out_and_counted(unit: Any) -> None:
    whole = speech(unit=unit)
    rates = {
        utterance.utterance_id: len(utterance.text if unit == "character" else utterance.text.split())
        / utterance.duration_seconds
        for utterance in whole._train.utterances
    }
    limit = sorted(rates.values())[15]
    data = speech(unit=unit, max_tokens_per_second=limit)
    slow = {name for name, rate in rates.items() if rate <= limit}
    [message] = said_in_setup(data)
    assert f": {24 - len(slow)} of 24 training utterances have more than max_tokens_per_second {limit:g} " in message
    assert {name for batch in data.train_dataloader() for name in batch.utterance_ids} == slow
    assert {length.utterance_id for length in data.lengths("train")} == slow
    assert data.symbols == whole.symbols  # their texts still count
    assert data.clip_ids("validation") == whole.clip_ids("validation")


@pytest.mark.usefixtures("tiny_speech")
def test_nothing_is_said_where_nothing_is_left_out() -> None:
    assert said_in_setup(speech(max_tokens_per_second=1000.0)) == []


def test_characters_that_the_training_texts_lack_are_named_with_their_counts(tiny_speech: Path) -> None:
    say(tiny_speech, "validation", "ξa ψψ", "ξ")
    say(tiny_speech, "test", "ξ")
    data = speech(languages=["cs"])
    assert said_in_setup(data) == []  # the first utterances are English
    data = speech()
    lacking = {
        split: Counter(
            character
            for text in data.references(split).texts.values()  # type: ignore[arg-type]
            for character in text
            if character not in data.symbols
        )
        for split in ("validation", "test")
    }
    assert lacking["validation"] == {"ξ": 2, "ψ": 2}
    assert {split: data.unknown_pieces(split) for split in lacking} == lacking  # type: ignore[arg-type]
    [message] = said_in_setup(data)
    assert "\n" not in message
    for split, counts in lacking.items():
        assert split in message
        assert all(f"{character!r} ({count})" in message for character, count in counts.items())


@pytest.mark.usefixtures("tiny_speech")
def test_words_that_are_unknown_are_counted_and_not_said() -> None:
    data = speech(unit="word", word_min_count=5)
    unknown = data.unknown_pieces("test")
    words = " ".join(data.references("test").texts.values()).split()
    assert unknown == Counter(word for word in words if word not in data.symbols)
    assert unknown
    assert said_in_setup(data) == []


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("minutes", [None, 0.1])
def test_long_training_utterances_are_left_out_counted_and_named(minutes: float | None) -> None:
    durations = {one.utterance_id: one.duration_seconds for one in speech()._train.utterances}
    limit = sorted(durations.values())[15]
    long = [name for name, seconds in sorted(durations.items()) if seconds > limit]
    assert long
    [message] = [text for text in said_in_setup(speech(max_seconds=limit, train_minutes=minutes)) if "max_s" in text]
    assert (
        f": {len(long)} of 24 training utterances are longer than max_seconds {limit:g} and are left out: " in message
    )
    assert long[0] in message
    assert not [text for text in said_in_setup(speech(max_seconds=1000.0)) if "max_seconds" in text]


@pytest.mark.usefixtures("tiny_speech")
def test_texts_of_long_utterances_are_counted_where_minutes_leave_them_out() -> None:
    durations = sorted(one.duration_seconds for one in speech()._train.utterances)
    data = TextDataModule(corpus="spoken_tones/tiny", batch_size=4, train_minutes=0.1, max_seconds=durations[15])
    with pytest.warns(RunWarning, match=r"of 24 training utterances are longer than max_seconds .* are left out: "):
        data.setup("fit")
