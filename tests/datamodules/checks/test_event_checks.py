"""Each finding on clips that have just that fault, and none on those that have not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from datamodules.audio.audio_facts import AudioFacts
from datamodules.checks import audio_checks, class_checks, event_checks, split_checks
from datamodules.checks.checked_clips import CheckedClip
from datamodules.importers.sound_events.clip_entry import ClipEntry


def clip(
    name: str, *events: tuple[float, float, str], split: str = "train", seconds: float = 10.0, digest: str = "",
    channels: int = 1, **entry: object,
) -> CheckedClip:  # fmt: skip
    timed = tuple(Event(*event) for event in events)
    fields = ClipEntry(
        name, Path(f"{name}.wav"), f"{split}.tsv, line 2", events=timed,
        places=tuple(f"{split}.tsv, line {2 + number}" for number in range(len(timed))),
    )  # fmt: skip
    facts = AudioFacts(True, None, 16_000, round(seconds * 16_000), channels, 0.5, digest=digest or name)
    return CheckedClip(split, replace(fields, **entry), facts)


GOOD = [
    clip("a", (1.0, 2.0, "dog"), (1.5, 3.0, "cat"), (2.0, 3.0, "dog")),
    clip("b"),
    clip("c", events=None, places=(), tags=frozenset({"dog"}), split="validation"),
    clip("d", events=None, places=(), split="test"),
    clip("e", (9.0, 10.03, "dog"), tags=frozenset({"dog"}), split="test"),
]


def short(clips: list[CheckedClip]) -> object:
    return event_checks.short_events(clips, frame_seconds=0.08)


CHECKS = [
    event_checks.outside_events, event_checks.reversed_events, event_checks.zero_length_events, short,
    event_checks.duplicate_events, event_checks.overlapping_events, event_checks.contradicting_tags,
    event_checks.several_channels, audio_checks.missing_audio, audio_checks.repeated_audio, audio_checks.mixed_lengths,
    audio_checks.full_scale_audio, split_checks.shared_audio, split_checks.shared_recordings,
    class_checks.misspelt_labels,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_clips_without_fault_have_no_finding(check):
    assert check(GOOD) is None


@pytest.mark.parametrize(
    ("check", "severity", "faulty", "example"),
    [
        (event_checks.outside_events, "error", clip("x", (9.0, 10.2, "dog")), "dog 9-10.2 s in 10 s"),
        (event_checks.outside_events, "error", clip("x", (10.0, 10.01, "dog")), "dog 10-10.01 s in 10 s"),
        (event_checks.outside_events, "error", clip("x", (-0.1, 1.0, "dog")), "dog -0.1-1 s in 10 s"),
        (event_checks.outside_events, "error", clip("x", (4.0, 6.0, "dog"), duration_seconds=5.0), "dog 4-6 s in 5 s"),
        (event_checks.reversed_events, "error", clip("x", (2.0, 1.0, "dog")), "dog 2-1 s"),
        (event_checks.zero_length_events, "error", clip("x", (2.0, 2.0, "dog")), "dog 2-2 s"),
        (short, "warning", clip("x", (2.0, 2.05, "dog")), "dog 2-2.05 s"),
        (event_checks.several_channels, "warning", clip("x", channels=2), "2 channels"),
        (audio_checks.repeated_audio, "warning", clip("x", digest="a"), "x.wav: also train.tsv, line 2: a"),
        (split_checks.shared_audio, "error", clip("x", digest="a", split="test"), "x.wav: also train.tsv, line 2: a"),
        (audio_checks.mixed_lengths, "warning", clip("x", seconds=9.0), "9.00 s"),
        (
            event_checks.contradicting_tags, "error", clip("x", (1.0, 2.0, "dog"), tags=frozenset({"cat"})),
            "tagged without an event: cat; events without a tag: dog",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_found_with_line_and_clip(check, severity, faulty, example):
    found = check([*GOOD, faulty])
    assert (found.severity, found.count) == (severity, 1)
    assert found.examples == (f"{faulty.split}.tsv, line 2: x: {example}",)


def test_a_second_event_is_named_by_its_own_line():
    twice = clip("x", (1.0, 2.0, "dog"), (1.0, 2.0, "dog"))
    assert event_checks.duplicate_events([*GOOD, twice]).examples == ("train.tsv, line 3: x: dog 1-2 s",)
    assert event_checks.overlapping_events([*GOOD, twice]) is None  # a finding of its own
    over = clip("x", (1.0, 2.0, "dog"), (1.9, 3.0, "dog"))
    assert event_checks.overlapping_events([over]).examples == ("train.tsv, line 3: x: dog 1.9-3 s and 1-2 s",)


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.sampled_from("ab")), max_size=12, unique=True)


@given(SPANS)
def test_overlapping_events_are_those_of_all_pairs(spans: list[tuple[int, int, str]]) -> None:
    """Each event that begins in an earlier one of its class, by comparing all with all."""
    events = sorted((float(start), float(start + length), label) for start, length, label in spans)
    expected = sum(
        any(other[2] == one[2] and other < one and one[0] < other[1] for other in events) for one in events
    )  # fmt: skip
    found = event_checks.overlapping_events([clip("x", *events, seconds=40.0)])
    assert (0 if found is None else found.count) == expected


def test_another_stretch_of_a_recording_is_a_warning_and_the_same_stretch_an_error():
    train = clip("a", duration_seconds=5.0, audio=Path("long.wav"), digest="long")
    later = clip("x", split="test", start_seconds=5.0, audio=Path("long.wav"), digest="long")
    assert split_checks.shared_audio([train, later]) is None
    found = split_checks.shared_recordings([train, later])
    assert (found.severity, found.count) == ("warning", 1)
    assert found.what.endswith("(1 recordings): 1 of test in train")
    same = later._replace(entry=replace(later.entry, start_seconds=4.0))
    assert split_checks.shared_audio([train, same]).severity == "error"
    assert split_checks.shared_recordings([train, same]) is None
    named = [clip("p", recording="night 1"), clip("q", recording="night 1", split="test")]
    assert split_checks.shared_recordings(named).examples == (
        "test.tsv, line 2: q: night 1: also train.tsv, line 2: p",
    )


def test_silent_files_of_one_length_are_not_the_same_recording():
    quiet = [clip("a", digest="0"), clip("b", digest="0", split="test")]
    quiet = [one._replace(audio=replace(one.audio, peak=0.0)) for one in quiet]
    assert split_checks.shared_audio(quiet) is None


def test_missing_files_are_counted_with_their_share():
    gone = [clip(f"x{number}") for number in range(1, 4)]
    gone = [one._replace(audio=AudioFacts(False, "no such file")) for one in gone]
    found = audio_checks.missing_audio([*(clip(f"y{number}") for number in range(27)), *gone])
    assert (found.count, found.what) == (3, "audio file is missing: 3 of 30 (10 %)")


def test_recordings_that_stay_at_full_scale_are_said_to_be_clipped():
    loud = clip("x")
    loud = loud._replace(audio=replace(loud.audio, peak=1.0, num_full_scale=400))
    assert audio_checks.full_scale_audio([*GOOD, loud]).examples == ("train.tsv, line 2: x: x.wav: 0.0025",)
    brought = loud._replace(audio=replace(loud.audio, num_full_scale=2))
    assert audio_checks.full_scale_audio([brought]) is None


def test_lengths_without_a_usual_one_are_compared_with_their_median():
    various = [clip(f"v{number}", seconds=1.0 + 0.2 * number) for number in range(30)]
    assert audio_checks.mixed_lengths(various) is None
    assert audio_checks.mixed_lengths([*various, clip("x", seconds=500.0)]).check == "duration_outliers"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"Dog": 9, "dog": 9}, [("Dog", "dog")]),
        ({"running water": 9, "running_water": 3}, [("running_water", "running water")]),
        ({"dog ": 1, "dog": 1}, [("dog", "dog ")]),
        ({"speach": 1, "speech": 4}, [("speach", "speech")]),
        ({"speach": 2, "speech": 4}, []),  # of like frequency: two names
        ({"cat": 1, "car": 99}, []),
        ({"take 1": 1, "take 2": 99}, []),
        ({"door": 1, "floor": 99}, []),
    ],
)
def test_near_misses_of_spelling(counts, expected):
    assert [set(pair) for pair in class_checks.near_misses(Counter(counts))] == [set(pair) for pair in expected]


def test_a_misspelt_label_is_named_where_it_stands_first():
    clips = [*(clip(f"y{number}", (1.0, 2.0, "speech")) for number in range(4)), clip("x", (1.0, 2.0, "speach"))]
    found = class_checks.misspelt_labels(clips)
    assert found.examples == ("train.tsv, line 2: x: 'speach' (1) beside 'speech' (4)",)
    assert class_checks.misspelt_labels(clips, classes=("speach", "speech")) is None


def test_unknown_labels_are_named_with_the_class_that_may_be_meant():
    found = class_checks.unknown_labels([*GOOD, clip("x", (1.0, 2.0, "dgo"))], classes=("dog", "cat"))
    assert (found.severity, found.count) == ("error", 1)
    assert found.examples == ("train.tsv, line 2: x: dgo",)
    assert class_checks.unknown_labels(GOOD, classes=("dog", "cat")) is None
    hinted = class_checks.unknown_labels([clip("x", (1.0, 2.0, "Dogg"))], classes=("dog", "cat"))
    assert hinted.what == "labels that are no class: 'Dogg' (1) (is it 'dog'?)"


def test_classes_without_an_example_in_a_split():
    found = class_checks.absent_classes(GOOD, classes=("dog", "cat"), splits=("train", "validation", "test"))
    assert (found.severity, found.count, found.examples) == ("warning", 1, ("cat: none in validation, test",))


def test_clips_are_counted_by_kind_of_label_and_those_without_any():
    assert event_checks.counted_labels(GOOD) == {
        "strong": 3, "strong without an event": 1, "weak": 1, "unlabelled": 1,
    }  # fmt: skip


def test_a_missing_file_is_told_of_its_namesake_in_another_form(tmp_path):
    for name in ("x.FLAC", "x.txt"):
        (tmp_path / name).touch()
    gone = clip("x", audio=tmp_path / "x.wav")._replace(audio=AudioFacts(False, "no such file"))
    assert audio_checks.missing_audio([gone]).examples[0].endswith("x.wav (there is x.FLAC)")
