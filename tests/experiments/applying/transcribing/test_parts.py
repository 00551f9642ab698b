"""Cutting: no sample twice, none lost but those said to be left out, and only where it is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments.applying.transcribing.loudness import Loudness
from experiments.applying.transcribing.parts import HOP_SECONDS, Cutter, Part

RATE_HZ = 1000
HOP = round(HOP_SECONDS * RATE_HZ)


def loud(seconds: float) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * RATE_HZ)).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.float32)


def speaks(hop_S: NDArray[np.float32]) -> bool:
    return bool(np.abs(hop_S).max(initial=0.0) > 0.01)


def blocks_of(audio_S: NDArray[np.float32], size: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(audio_S), size):
        yield audio_S[start : start + size]


def seconds(part: Part) -> tuple[float, float]:
    return part.first_sample / RATE_HZ, part.end_sample / RATE_HZ


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.01, 3)), max_size=8),
    st.integers(1, 900),
    st.booleans(),
    st.sampled_from([1.0, 2.5, float("inf")]),
)
def test_every_sample_is_in_one_part_or_left_out(
    stretches: list[tuple[bool, float]], size: int, hears: bool, longest: float
) -> None:
    audio_S = np.concatenate([silence(0), *(loud(long) if is_loud else silence(long) for is_loud, long in stretches)])
    cutter = Cutter(RATE_HZ, max_seconds=longest, is_speech=speaks if hears else None)
    parts = list(cutter.parts(blocks_of(audio_S, size)))
    kept = sum(len(part.waveform_S) for part in parts)
    assert kept + cutter.num_left_out == len(audio_S)
    for part in parts:
        np.testing.assert_array_equal(part.waveform_S, audio_S[part.first_sample : part.end_sample])
        assert len(part.waveform_S) <= longest * RATE_HZ + HOP
    assert all(before.end_sample <= after.first_sample for before, after in pairwise(parts))
    again = Cutter(RATE_HZ, max_seconds=longest, is_speech=speaks if hears else None).parts([audio_S])
    assert [seconds(part) for part in again] == [seconds(part) for part in parts]  # whatever the blocks


def test_speech_is_cut_in_its_pauses_and_what_is_silent_is_left_out() -> None:
    audio_S = np.concatenate([silence(2), loud(1), silence(1), loud(1), silence(0.2), loud(0.5), silence(5)])
    cutter = Cutter(RATE_HZ, max_seconds=4.0, pause_seconds=0.5, is_speech=speaks)
    first, second = (seconds(part) for part in cutter.parts([audio_S]))
    assert [*first, *second] == pytest.approx([1.75, 3.25, 3.75, 5.95], abs=0.07)
    assert cutter.num_left_out == len(audio_S) - round((first[1] - first[0] + second[1] - second[0]) * RATE_HZ)


def test_what_is_too_long_is_cut_at_its_quietest_place() -> None:
    audio_S = np.concatenate([loud(1.6), 0.1 * loud(0.3), loud(1.5), silence(0.3), loud(1.0)])
    first, *_ = Cutter(RATE_HZ, max_seconds=2.0).parts([audio_S])
    assert 1.6 < seconds(first)[1] < 1.9
    [whole] = Cutter(RATE_HZ).parts([audio_S])
    assert seconds(whole) == (0, len(audio_S) / RATE_HZ)


def test_hours_of_silence_take_no_memory() -> None:
    held = 0

    def hours() -> Iterator[NDArray[np.float32]]:
        for _ in range(600):
            yield silence(1)

    cutter = Cutter(RATE_HZ, max_seconds=20.0, is_speech=speaks)
    for part in cutter.parts(hours()):
        held += len(part.waveform_S)
    assert held == 0
    assert cutter.num_left_out == 600 * RATE_HZ


def test_a_recording_that_is_short_enough_is_one_part_silence_and_all() -> None:
    audio_S = np.concatenate([silence(1), loud(1), silence(1)])
    [whole] = Cutter(RATE_HZ, max_seconds=3.0, is_speech=speaks).parts(blocks_of(audio_S, 100))
    np.testing.assert_array_equal(whole.waveform_S, audio_S)
    assert list(Cutter(RATE_HZ, max_seconds=3.0).parts([])) == []


def test_power_tells_speech_from_silence_also_after_somebody_loud() -> None:
    ear = Loudness()
    heard = [ear(hop_S) for hop_S in (loud(0.03), 1e-3 * loud(0.03), 0.1 * loud(0.03), silence(0.03))]
    assert heard == [True, False, True, False]
    for _ in range(round(60 / HOP_SECONDS)):  # a minute later a much quieter one is heard too
        ear(1e-3 * loud(0.03))
    assert ear(4e-3 * loud(0.03))
    ear.start()
    assert ear(1e-3 * loud(0.03))
