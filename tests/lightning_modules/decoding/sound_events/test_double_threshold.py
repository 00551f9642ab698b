"""Both meanings of hysteresis against a machine that goes frame by frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.sound_events.double_threshold import hysteresis
from lightning_modules.decoding.sound_events.events import PostProcessing

curves = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from((0.0, 0.2, 0.4, 0.6, 0.8))
)
LEVELS = st.sampled_from((0.0, 0.2, 0.3, 0.4, 0.6, 0.9))


@given(curves_TC=curves, a=LEVELS, b=LEVELS)
def test_switch_is_the_authors_rule_frame_by_frame(curves_TC, a, b):
    """On above the high threshold, off below the low one, else as before."""
    low, high = sorted((np.float32(a), np.float32(b)))
    expected_TC = np.zeros(curves_TC.shape, dtype=bool)
    for column in range(curves_TC.shape[1]):
        on = False
        for frame, value in enumerate(curves_TC[:, column]):
            on = value >= high or (on and value >= low)
            expected_TC[frame, column] = on
    assert (hysteresis(curves_TC, low=low, high=high, meaning="switch") == expected_TC).all()


@given(curves_TC=curves, a=LEVELS, b=LEVELS)
def test_extend_is_switch_forwards_or_backwards(curves_TC, a, b):
    low, high = sorted((np.float32(a), np.float32(b)))
    forwards = hysteresis(curves_TC, low=low, high=high, meaning="switch")
    backwards = hysteresis(curves_TC[::-1], low=low, high=high, meaning="switch")[::-1]
    assert (hysteresis(curves_TC, low=low, high=high) == (forwards | backwards)).all()


def test_a_setting_says_which_meaning():
    setting = PostProcessing(
        median_seconds=0.0, window_seconds=0.0, high_threshold=0.7, low_threshold=0.2, rescaled=False,
        longest_gap_seconds=0.0, shortest_event_seconds=0.0, hysteresis="switch",
    )  # fmt: skip
    curve_TC = np.array([[0.0], [0.3], [0.8], [0.3], [0.1]])
    given_ = {"classes": ["dog"], "tagged": frozenset(["dog"]), "grid": FrameGrid(1.0), "end_seconds": 5.0}
    assert setting.events(curve_TC, **given_) == (Event(2.0, 4.0, "dog"),)
    with pytest.raises(ValueError, match="hysteresis 'both', allowed: extend, switch"):
        PostProcessing(**{**setting.__dict__, "hysteresis": "both"})
