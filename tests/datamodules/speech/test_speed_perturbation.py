"""Speeds: pitch and tempo change together, exact lengths, and a draw that depends on nothing but its key."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.speech.speed_perturbation import change_speed, drawn_speed, samples_at_speed

FACTORS = (0.9, 1.0, 1.1)


@pytest.mark.parametrize("speed", [0.5, 0.9, 1.1, 2.0])
def test_pitch_and_tempo_change_together(speed: float) -> None:
    time_S = np.arange(16000) / 16000
    tone_S = np.sin(2 * np.pi * 500 * time_S).astype(np.float32)
    faster_S = change_speed(tone_S, speed)
    assert len(faster_S) == samples_at_speed(16000, speed)
    spectrum_K = np.abs(np.fft.rfft(faster_S * np.hanning(len(faster_S)), n=16000))
    assert spectrum_K.argmax() == pytest.approx(500 * speed, abs=1)


def test_the_own_speed_changes_nothing() -> None:
    waveform_S = np.random.default_rng(0).normal(size=100).astype(np.float32)
    assert change_speed(waveform_S, 1.0) is waveform_S


@given(length=st.integers(1, 3000), speed=st.sampled_from([0.5, 0.9, 0.95, 1.05, 1.1, 2.0]))
def test_lengths_are_those_that_batches_are_planned_with(length: int, speed: float) -> None:
    assert len(change_speed(np.zeros(length, np.float32), speed)) == samples_at_speed(length, speed)


def test_a_draw_is_a_pure_function_of_its_key_and_fair() -> None:
    draws = [drawn_speed(f"u{n}", factors=FACTORS, seed=1, epoch=2) for n in range(3000)]
    assert draws == [drawn_speed(f"u{n}", factors=FACTORS, seed=1, epoch=2) for n in range(3000)]
    assert all(900 < count < 1100 for count in Counter(draws).values())
    assert draws != [drawn_speed(f"u{n}", factors=FACTORS, seed=1, epoch=3) for n in range(3000)]
    assert draws != [drawn_speed(f"u{n}", factors=FACTORS, seed=2, epoch=2) for n in range(3000)]
