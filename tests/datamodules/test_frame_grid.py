"""Seconds to frames and back: exact fractions are the oracle, so that no quotient's last bit decides."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import FrameGrid


@given(milliseconds=st.integers(0, 100_000), hop_milliseconds=st.integers(1, 200))
def test_frames_of_decimal_seconds_are_those_of_exact_fractions(milliseconds, hop_milliseconds):
    grid = FrameGrid(hop_seconds=hop_milliseconds / 1000)
    exact = Fraction(milliseconds, hop_milliseconds)
    assert grid.num_frames(milliseconds / 1000) == math.ceil(exact)
    assert grid.whole_frames(milliseconds / 1000) == math.floor(exact)
    assert grid.nearest_edge(milliseconds / 1000) == math.floor(exact + Fraction(1, 2))


def test_quotients_that_fall_short_by_float_error():
    assert FrameGrid(hop_seconds=0.1).whole_frames(0.3) == 3  # 0.3 / 0.1 = 2.9999999999999996
    assert FrameGrid(hop_seconds=0.1).num_frames(0.7000000000000001) == 7
    assert FrameGrid(hop_seconds=0.1).nearest_edge(0.15) == 2  # halves go up, 0.15 / 0.1 = 1.4999999999999998


@given(frame=st.integers(0, 10**6), hop_samples=st.integers(1, 4000), rate_hz=st.sampled_from((8000, 22050, 44100)))
def test_a_frames_time_is_its_edge(frame, hop_samples, rate_hz):
    grid = FrameGrid(hop_seconds=hop_samples / rate_hz)
    seconds = grid.seconds(frame)
    assert grid.nearest_edge(seconds) == grid.whole_frames(seconds) == grid.num_frames(seconds) == frame
