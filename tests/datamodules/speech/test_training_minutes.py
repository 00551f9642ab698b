"""Minutes of a training split: nested, the same for every seed, and all that both kinds of models know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.asr import SpeechDataModule
from datamodules.speech.training_minutes import first_minutes, total_minutes
from datamodules.speech.utterance_store import Utterance
from datamodules.text import TextDataModule

CORPUS = "spoken_tones/tiny"  # 24 training utterances, 0.27 minutes


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": CORPUS, "batch_seconds": 8.0, **settings})


def texts(**settings: Any) -> TextDataModule:
    return TextDataModule(**{"corpus": CORPUS, "batch_size": 1, **settings})


def trained_on(data: SpeechDataModule) -> set[str]:
    data.setup("fit")
    return {name for batch in data.train_dataloader() for name in batch.utterance_ids}


durations = st.dictionaries(st.text("abc0", min_size=1, max_size=4), st.floats(0.1, 20.0), max_size=30)


def spoken(seconds: dict[str, float]) -> list[Utterance]:
    return [Utterance(name, "a", "nl", "x", duration) for name, duration in seconds.items()]


@given(durations, st.floats(0.01, 3.0), st.floats(0.01, 3.0))
def test_fewer_minutes_are_among_more_and_the_last_utterance_reaches_them(
    seconds: dict[str, float], one: float, other: float
) -> None:
    fewer, more = (first_minutes(spoken(seconds), minutes) for minutes in sorted((one, other)))
    assert fewer <= more <= seconds.keys()
    for minutes, taken in zip(sorted((one, other)), (fewer, more), strict=True):
        lengths = [seconds[name] for name in taken]
        if taken != seconds.keys():
            assert 60 * minutes - 1e-6 <= sum(lengths) < 60 * minutes + max(lengths)


@given(durations, st.floats(0.01, 3.0), st.randoms())
def test_the_order_of_the_manifest_changes_nothing(seconds: dict[str, float], minutes: float, random: Any) -> None:
    shuffled = spoken(seconds)
    random.shuffle(shuffled)
    assert first_minutes(shuffled, minutes) == first_minutes(spoken(seconds), minutes)


@pytest.mark.usefixtures("tiny_speech")
def test_every_seed_trains_on_the_same_minutes() -> None:
    one, other = (speech(train_minutes=0.1, seed=seed) for seed in (0, 1))
    assert trained_on(one) == trained_on(other)
    assert trained_on(one) < trained_on(speech(train_minutes=0.2)) < trained_on(speech())
    assert 0.1 <= total_minutes(one._train.utterances) < 0.13
    assert len(one.lengths("train")) == len(trained_on(one))


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("settings", [{}, {"languages": ["cs"]}, {"max_seconds": 0.7}, {"unit": "word"}])
def test_nothing_is_known_of_the_utterances_that_are_left_out(settings: dict[str, Any]) -> None:
    data, model, whole = (
        speech(train_minutes=0.02, **settings), texts(train_minutes=0.02, **settings), speech(**settings)
    )  # fmt: skip
    kept = {name: text for name, text, *_ in whole._train.utterances if name in trained_on(data)}
    known = data.references("test").training_texts
    assert sorted(known) == sorted(kept.values())
    assert model.references("test").training_texts == known
    assert data.symbols == model.symbols
    assert set(data.symbols) < set(whole.symbols)
    if data.unit == "character":
        assert set(data.symbols[1:]) == set("".join(known))
    assert model.clip_ids("train") == tuple(sorted(kept))
    for split in ("validation", "test"):  # scored splits stay whole
        assert data.clip_ids(split) == whole.clip_ids(split) == model.clip_ids(split)  # type: ignore[arg-type]


@pytest.mark.usefixtures("tiny_speech")
def test_audio_of_the_utterances_that_are_left_out_is_not_read() -> None:
    data = speech(train_minutes=0.02)
    assert len(data._train.num_samples) == len(data._train) == len(trained_on(data)) < 24


@pytest.mark.usefixtures("tiny_speech")
@pytest.mark.parametrize("module", [speech, texts])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_minutes": 0.0}, "train_minutes must be a positive number, got 0.0"),
        ({"train_minutes": float("nan")}, "train_minutes must be a positive number, got nan"),
        ({"train_minutes": 10}, r"train_minutes 10: corpus 'spoken_tones/tiny' has 0\.\d\d training minutes, allowed"),
        (
            {"train_minutes": 2, "languages": ["cs"], "max_seconds": 0.7},
            r"train_minutes 2: .* has 0\.\d\d training minutes in cs of utterances up to 0.7 s, allowed",
        ),
    ],
)
def test_minutes_that_are_not_there_are_refused(module: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as told:
        module(**settings)
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("tiny_speech")
def test_texts_have_no_length_of_their_own() -> None:
    with pytest.raises(ValueError, match=r"max_seconds 3.0, allowed: null where train_minutes is null"):
        texts(max_seconds=3.0)
