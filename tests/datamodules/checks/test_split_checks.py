"""What every pair of splits shares: overlaps against brute force over all pairs, texts and speakers by example."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.audio.audio_facts import AudioFacts
from datamodules.audio.audio_reader import SLACK_SECONDS
from datamodules.checks import split_checks
from datamodules.checks.speech_checks import CheckedUtterance
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.importers.entry import ManifestEntry
from lightning_modules.metrics.words.training_neighbours import near_training


def utterance(
    name: str, split: str, *, text: str = "", speaker: str | None = None, audio: str = "",
    start: float = 0.0, seconds: float | None = None,
) -> CheckedUtterance:  # fmt: skip
    path = Path(audio or f"{name}.wav")
    entry = ManifestEntry(name, path, text or name, f"{split}.tsv, line 7", start, seconds, "cs", speaker)
    return CheckedUtterance(split, entry, AudioFacts(True, None, 16_000, 160_000, 1, 0.5))


APART = [
    utterance("a", "train", speaker="anna", audio="long.wav", start=0.0, seconds=2.0),
    utterance("b", "validation", speaker="jan", audio="long.wav", start=2.0, seconds=2.0),
    utterance("c", "test", speaker="eva", audio="long.wav", start=4.0),
    utterance("d", "train", audio="long.wav", start=1.0, seconds=1.0),  # overlaps its own split
]


def test_splits_that_share_nothing_have_no_finding():
    assert split_checks.shared_audio(APART) is None
    assert split_checks.shared_texts(APART) is None
    assert split_checks.shared_speakers(APART) is None


@pytest.mark.parametrize(("earlier", "later"), [("train", "validation"), ("train", "test"), ("validation", "test")])
def test_every_pair_of_splits_is_compared(earlier, later):
    one = utterance("x", later, text="ahoj", speaker="ota", audio="z.wav")
    other = utterance("y", earlier, text="ahoj", speaker="ota", audio="z.wav")
    for check, severity, example in (
        (split_checks.shared_audio, "error", f"z.wav: also {earlier}.tsv, line 7: y"),
        (split_checks.shared_texts, "warning", "'ahoj'"),
        (split_checks.shared_speakers, "warning", "speaker ota"),
    ):
        for utterances in ([*APART, one, other], [other, one, *APART]):
            found = check(utterances)
            assert (found.severity, found.count) == (severity, 1)
            assert found.what.endswith(f": 1 of {later} in {earlier}")
            assert found.examples == (f"{later}.tsv, line 7: x: {example}",)


def test_an_utterance_shared_with_two_splits_is_one_case_of_two_pairs():
    found = split_checks.shared_texts([utterance(split, split, text="ahoj") for split in SPLITS])
    assert found.count == 2
    assert found.what.endswith(": 1 of validation in train, 1 of test in train, 1 of test in validation")


def test_one_text_in_two_languages_is_not_shared():
    german = utterance("x", "test", text="a")
    german = german._replace(entry=ManifestEntry("x", Path("x.wav"), "a", "", language="de"))
    assert split_checks.shared_texts([*APART, german]) is None


def test_texts_that_are_nearly_one_of_an_earlier_split_are_found_and_equal_ones_left_to_shared_texts():
    utterances = [
        utterance("a", "train", text="press one to go on"),
        utterance("b", "validation", text="press two to go on"),
        utterance("c", "test", text=" press one to go in"),
        utterance("d", "test", text="press one to go on"),  # training's own, and nearly validation's
        utterance("e", "test", text="goodbye"),
    ]
    found = split_checks.near_texts(utterances, nearest=near_training)
    assert (found.severity, found.count) == ("warning", 3)
    assert found.what.endswith(": 1 of validation in train, 1 of test in train, 2 of test in validation")
    example = "'press two to go on', train.tsv, line 7: a: 'press one to go on'"
    assert found.examples[0] == f"validation.tsv, line 7: b: {example}"
    assert split_checks.near_texts([utterances[0], utterances[4]], nearest=near_training) is None


@pytest.mark.parametrize(
    ("start", "seconds", "shared"),
    [
        (1.5, 0.2, True),  # inside
        (1.9, 4.0, True),  # its start
        (0.0, 1.2, True),  # its end
        (0.0, 9.0, True),  # around
        (0.5, None, True),  # to the end of the file
        (1.0, 1.0, True),  # the same
        (1.5, 0.02, True),  # shorter than the slack
        (2.0, 1.0, False),
        (0.0, 1.0, False),
        (1.97, 2.0, False),  # rounding
        (2.0, None, False),
    ],
)
def test_parts_of_one_recording_with_other_starts_are_shared_where_they_overlap(start, seconds, shared):
    segment = utterance("a", "train", audio="long.wav", start=1.0, seconds=1.0)
    held_out = utterance("x", "test", audio="long.wav", start=start, seconds=seconds)
    found = split_checks.shared_audio([segment, held_out])
    assert (found is not None) == shared
    assert split_checks.shared_audio([segment, held_out._replace(entry=APART[0].entry)]) is not None
    elsewhere = utterance("x", "test", audio="other.wav", start=start, seconds=seconds)
    assert split_checks.shared_audio([segment, elsewhere]) is None


def test_two_channels_of_one_file_at_the_same_time_are_not_the_same_audio():
    first = utterance("a", "train", audio="call.wav", start=1.0, seconds=1.0)
    second = utterance("b", "test", audio="call.wav", start=1.0, seconds=1.0)
    second = second._replace(entry=replace(second.entry, channel=1))
    assert split_checks.shared_audio([first, second]) is None
    third = second._replace(split="validation")
    assert split_checks.shared_audio([first, third, second]).count == 1


SEGMENTS = st.tuples(st.sampled_from(SPLITS), st.integers(0, 400), st.none() | st.integers(6, 120))


@given(st.lists(SEGMENTS, max_size=25))
def test_overlaps_are_those_of_all_pairs(segments: list[tuple[str, int, int | None]]) -> None:
    utterances = [
        utterance(str(k), split, audio="long.wav", start=start / 100, seconds=None if length is None else length / 100)
        for k, (split, start, length) in enumerate(segments)
    ]
    slack = round(SLACK_SECONDS * 100)
    expected, near = 0, 0  # near: overlaps of just the slack, which rounding of floats decides
    for split, start, length in segments:
        overlaps = [
            min(start + (length or 10**6), begin + (other or 10**6)) - max(start, begin)
            for earlier, begin, other in segments
            if SPLITS.index(earlier) < SPLITS.index(split)
        ]
        expected += any(overlap > slack for overlap in overlaps)
        near += slack in overlaps and not any(overlap > slack for overlap in overlaps)
    found = split_checks.shared_audio(utterances)
    assert expected <= (0 if found is None else found.count) <= expected + near


def test_many_segments_of_one_recording_are_compared_quickly():
    segments = [
        utterance(str(k), SPLITS[k % 3], audio="long.wav", start=float(k), seconds=1.0) for k in range(20_000)
    ]  # all pairs would be 10^8
    assert split_checks.shared_audio(segments) is None
    moved = utterance("x", "test", audio="long.wav", start=9_999.5, seconds=0.4)
    assert split_checks.shared_audio([*segments, moved]).count == 1
