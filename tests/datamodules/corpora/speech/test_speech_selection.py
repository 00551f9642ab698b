"""Which recordings become utterances, and of which split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.sound_files import SoundFileError
from datamodules.corpora.speech.speech_selection import Limits, Recorded, select
from datamodules.corpora.speech.speech_splits import deal, enough_speakers, split_of_text

WORDS = [a + b + c for a in "bdk" for b in "aeiou" for c in "lmnrst"]


def recorded(name: str, text: str, seconds: float, *, language: str = "en", silence: float = 0.0) -> Recorded:
    def load() -> np.ndarray:
        noise = np.random.default_rng(abs(hash(name)) % 2**32).normal(0, 0.1, round(seconds * 16_000))
        pad = np.zeros(round(silence * 16_000))
        return np.concatenate([pad, noise, pad]).astype(np.float32)

    return Recorded(name, text, language, "eva", load)


def ordinary(num: int = 20) -> list[Recorded]:
    """Texts of fifteen characters a second."""
    return [recorded(f"o{k}", f"{WORDS[k]} {WORDS[k + 1]} {WORDS[k + 2]} {WORDS[k]}", 1.0) for k in range(num)]


def kept_ids(recordings: Sequence[Recorded], **options: object) -> set[str]:
    selection = select(recordings, **options)  # type: ignore[arg-type]
    return {u.utterance_id for split in selection.kept for u in selection.utterances(split)}


def test_silence_at_both_ends_is_cut_and_texts_are_normalised() -> None:
    selection = select([*ordinary(), recorded("x", "Hello, THERE!", 1.0, silence=0.7)])
    (found,) = [u for split in selection.kept for u in selection.utterances(split) if u.utterance_id == "x"]
    assert found.text == "hello there"
    assert len(found.waveform_S) / 16_000 == pytest.approx(1.1, abs=0.03)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (recorded("x", "Press 1", 1.0), "digits"),
        (recorded("x", "[beep]", 1.0), "brackets"),
        (recorded("x", "hello there", 0.0, silence=1.0), "no sound"),
        (recorded("x", "hello there", 0.02), "no sound"),
        (recorded("x", "hello there", 16.0), "over 15 s"),
        (recorded("x", "a very long text that no one can say in such a time", 0.9), "text too long for its sound"),
        (recorded("x", "twelve chars", 5.0), "text too short for its sound"),
        (Recorded("x", "hello", "en", "eva", lambda: np.ones(9, np.float32), flaw="no text"), "no text"),
    ],
)
def test_what_does_not_fit_is_left_out_and_counted(bad: Recorded, reason: str) -> None:
    selection = select([*ordinary(), bad])
    assert sum(map(len, selection.kept.values())) == 20
    assert selection.dropped["en"] == {reason: 1}


def test_damaged_and_repeated_recordings_are_counted() -> None:
    def damaged() -> np.ndarray:
        raise SoundFileError("x: not a readable sound file")

    first = ordinary()[0]
    twin = Recorded("y", first.text + "!", "en", "jan", first.load)
    selection = select([*ordinary(), Recorded("x", "hello", "en", "eva", damaged), twin])
    assert selection.dropped["en"] == {"damaged sound": 1, "there twice": 1}


def test_a_short_word_may_be_slow_and_limits_are_by_language() -> None:
    word = recorded("x", "yes", 1.0)
    assert "x" in kept_ids([*ordinary(), word])
    assert "x" not in kept_ids([*ordinary(), word], limits={"en": Limits(slowest=0.5, short_characters=0)})
    assert "x" in kept_ids([*ordinary(), word], limits={"el": Limits(slowest=0.5, short_characters=0)})


def test_nothing_usable_is_an_error_that_says_why() -> None:
    with pytest.raises(ValueError, match=r"no recording is usable: .*digits"):
        select([recorded("x", "1", 1.0)])


def test_utterances_come_in_the_order_of_their_ids_whatever_the_input() -> None:
    forward, backward = select(ordinary()), select(ordinary()[::-1])
    for split in forward.kept:
        ids = [u.utterance_id for u in forward.utterances(split)]
        assert ids == sorted(ids) == [u.utterance_id for u in backward.utterances(split)]


def test_shares_are_near_80_8_12() -> None:
    splits = [split_of_text(f"{a} {b}") for a in WORDS for b in WORDS]
    shares = {split: splits.count(split) / len(splits) for split in ("train", "validation", "test")}
    assert shares == pytest.approx({"train": 0.8, "validation": 0.08, "test": 0.12}, abs=0.01)


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 40)), min_size=1, max_size=120))
def test_no_text_is_in_two_splits_and_many_speakers_are_split_too(clips: list[tuple[str, int]]) -> None:
    texts, speakers = [text for text, _ in clips], [f"s{number}" for _, number in clips]
    splits = deal(texts, speakers)
    assert len({(t, s) for t, s in zip(texts, splits, strict=True) if s}) == len(
        {t for t, s in zip(texts, splits, strict=True) if s}
    )
    if enough_speakers(speakers):
        pairs = {(speaker, split) for speaker, split in zip(speakers, splits, strict=True) if split}
        assert len(pairs) == len({speaker for speaker, _ in pairs})
    else:
        assert None not in splits


def test_many_speakers_fill_every_split() -> None:
    speakers = [f"s{k % 25}" for k in range(500)]
    splits = deal([f"{WORDS[k % 90]} {WORDS[k // 90]}" for k in range(500)], speakers)
    assert {split: splits.count(split) for split in set(splits)} == {"train": 400, "validation": 40, "test": 60}
    assert not enough_speakers(["main"] * 50 + speakers[:400])
    assert not enough_speakers(speakers[:19])


def test_texts_that_differ_in_accents_and_spaces_alone_are_one_however_they_are_dealt() -> None:
    speakers = [f"s{k % 25}" for k in range(500)]
    plain = ["numero de buzon" if k % 2 else f"{WORDS[k % 90]} {WORDS[k // 90]}" for k in range(500)]
    accented = ["número de  buzón" if text == "numero de buzon" and k % 3 else text for k, text in enumerate(plain)]
    assert enough_speakers(speakers)
    assert deal(accented, speakers) == deal(plain, speakers)
    said = {split for text, split in zip(accented, deal(accented, speakers), strict=True) if text.startswith("n")}
    assert said == {"train", None}  # the clips of held-out speakers are left out


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("numero de buzon", "train"),
        ("número de  buzón", "train"),
        ("right bracket", "validation"),
        ("vecchio", "validation"),
        ("hello there", "test"),
        ("тридцать", "test"),
    ],
)
def test_the_split_of_a_text_never_changes(text: str, split: str) -> None:
    """The prepared corpora are dealt by it: another answer would move their clips between training and test."""
    assert split_of_text(text) == split
