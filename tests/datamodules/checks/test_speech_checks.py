"""Each finding on utterances that have just that fault, and none on those that have not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from datamodules.audio.audio_facts import AudioFacts
from datamodules.checks import audio_checks
from datamodules.checks import speech_checks as checks
from datamodules.checks.speech_checks import CheckedUtterance, Framing
from datamodules.importers.entry import ManifestEntry


def utterance(
    name: str, *, text: str = "dobrý den", split: str = "train", seconds: float = 1.0, audio: str = "",
    problem: str | None = None, rate_hz: int = 16_000, **entry: object,
) -> CheckedUtterance:  # fmt: skip
    facts = AudioFacts(problem != "no such file", problem, rate_hz, round(seconds * rate_hz), 1, 0.5)
    fields = ManifestEntry(name, Path(audio or f"{name}.wav"), text, f"{split}.tsv, line 7", language="cs")
    return CheckedUtterance(split, replace(fields, **entry), facts)


GOOD = [
    utterance("a", speaker="anna"),
    utterance("b", text="nashle", speaker="jan"),
    utterance("c", text="ahoj", split="test", speaker="eva"),
]


def test_utterances_without_fault_have_no_finding():
    found = [
        audio_checks.missing_audio(GOOD), audio_checks.unreadable_audio(GOOD),
        audio_checks.outside_audio(GOOD), checks.empty_text(GOOD),
        audio_checks.silent_audio(GOOD), checks.no_language(GOOD), audio_checks.duration_outliers(GOOD),
        checks.speech_rate_outliers(GOOD), checks.unalignable(GOOD, framing=Framing()),
        audio_checks.duplicate_ids(GOOD),
        audio_checks.repeated_audio(GOOD), audio_checks.mixed_sample_rates(GOOD), checks.several_channels(GOOD),
        checks.unknown_characters(GOOD, alphabet="dobrýenashlej", given=True),
    ]  # fmt: skip
    assert found == [None] * len(found)


def test_a_finding_counts_and_names_the_first_with_place_and_id():
    faulty = [utterance(f"x{number}", text="") for number in range(5)]
    found = checks.empty_text([*GOOD, *faulty])
    assert found is not None
    assert (found.check, found.severity, found.count) == ("empty_text", "error", 5)
    assert found.examples == ("train.tsv, line 7: x0", "train.tsv, line 7: x1", "train.tsv, line 7: x2")


@pytest.mark.parametrize(
    ("check", "severity", "faulty", "example"),
    [
        (audio_checks.missing_audio, "error", [utterance("x", problem="no such file")], "x: x.wav"),
        (audio_checks.unreadable_audio, "error", [utterance("x", problem="lost sync")], "x: x.wav: lost sync"),
        (audio_checks.outside_audio, "error", [utterance("x", duration_seconds=1.2)], "x: 0 s + 1.2 s in 1 s"),
        (audio_checks.outside_audio, "error", [utterance("x", start_seconds=1.0)], "x: 1 s + 0 s in 1 s"),
        (checks.no_language, "warning", [utterance("x", language=None)], "x"),
        (audio_checks.duplicate_ids, "error", [utterance("a", split="test")], "a: also train.tsv, line 7"),
        (
            audio_checks.repeated_audio,
            "warning",
            [utterance("x", audio="a.wav")],
            "x: a.wav: also train.tsv, line 7: a",
        ),
        (audio_checks.mixed_sample_rates, "warning", [utterance("x", rate_hz=8000)], "x: 8000 Hz"),
    ],
)
def test_each_fault_is_found(check, severity, faulty, example):
    found = check([*GOOD, *faulty])
    assert found is not None
    assert (found.severity, found.count) == (severity, 1)
    assert found.examples[0].endswith(f"line 7: {example}")


def test_rounded_durations_are_not_outside():
    assert audio_checks.outside_audio([utterance("x", duration_seconds=1.04)]) is None


def test_silence_and_several_channels_are_found():
    quiet = utterance("x")._replace(audio=AudioFacts(True, None, 16_000, 16_000, 1, 1e-6))
    stereo = utterance("y")._replace(audio=AudioFacts(True, None, 16_000, 16_000, 2, 0.5))
    assert audio_checks.silent_audio([*GOOD, quiet]).count == 1
    assert checks.several_channels([*GOOD, stereo]).examples == ("train.tsv, line 7: y: 2 channels",)


def test_unreadable_files_are_in_no_other_finding_of_audio():
    broken = utterance("x", problem="lost sync", seconds=0.0, text="dobrý den " * 9)
    everything = [*GOOD, broken]
    assert audio_checks.outside_audio(everything) is None
    assert checks.unalignable(everything, framing=Framing()) is None
    assert audio_checks.silent_audio(everything) is None


def test_characters_outside_are_an_error_only_where_the_alphabet_is_given():
    everything = [*GOOD, utterance("x", text="quo", split="test")]
    learnt = checks.unknown_characters(everything, alphabet=set("dobrýenashlej"), given=False)
    assert (learnt.severity, learnt.count, learnt.examples) == ("warning", 1, ("test.tsv, line 7: x: 'q', 'u'",))
    assert "'q' (1)" in learnt.what
    assert checks.unknown_characters(everything, alphabet=set("dobrýenashlej"), given=True).severity == "error"


def test_ctc_needs_a_frame_a_character_and_a_blank_between_equal_ones():
    framing = Framing(hop_seconds=0.01, subsampling=4, speed=1.0)
    fits, repeats = utterance("x", text="abcdef", seconds=0.24), utterance("y", text="aabbcc", seconds=0.32)
    assert checks.unalignable([fits], framing=framing) is None
    assert checks.unalignable([repeats], framing=framing).examples == (
        "train.tsv, line 7: y: 0.32 s make 8 frames, the text needs 9",
    )
    faster = replace(framing, speed=1.3)
    assert checks.unalignable([fits], framing=faster).count == 1
    assert checks.unalignable([fits._replace(split="test")], framing=faster) is None  # only training is sped up


def test_frames_agree_with_the_recogniser():
    import torch

    from datamodules.speech.speed_perturbation import samples_at_speed
    from lightning_modules.asr.ctc.ctc import CTC
    from lightning_modules.layers.recurrent_encoder import demo_encoder
    from lightning_modules.losses.ctc import min_frames

    model = CTC(symbols=("<blank>", "a"), sample_rate_hz=16_000, encoder=demo_encoder())
    for num_samples in range(1, 20_000, 317):
        for split, speed in (("train", 1.1), ("test", 1.0)):
            frames = model.encoded_frames(torch.tensor([samples_at_speed(num_samples, speed)])).item()
            assert Framing().num_frames(num_samples / 16_000, split=split) == frames
    for text in ("", "a", "aab", "anna", "aaa"):
        assert checks.frames_needed(text) == min_frames([ord(character) for character in text])


def test_outliers_are_far_from_the_median_of_their_language():
    usual = [utterance(f"u{n}", text="x" * (20 + n % 5), seconds=2.0 + 0.01 * n) for n in range(40)]
    long = utterance("long", text="x" * 20, seconds=60.0)
    fast, slow = utterance("fast", text="y" * 200, seconds=2.0), utterance("slow", text="y" * 8, seconds=12.0)
    brief = utterance("brief", text="y", seconds=2.0)
    durations = audio_checks.duration_outliers([*usual, long])
    assert [example.split(": ")[1] for example in durations.examples] == ["long"]
    rates = checks.speech_rate_outliers([*usual, fast, slow, brief])
    assert [example.split(": ")[1] for example in rates.examples] == ["fast", "slow"]
    foreign = [one._replace(entry=replace(one.entry, language="de", text=one.entry.text * 8)) for one in usual]
    assert checks.speech_rate_outliers([*usual, *foreign]) is None


def test_a_few_utterances_have_no_outliers():
    assert audio_checks.duration_outliers([utterance("a"), utterance("b", seconds=90.0)]) is None
