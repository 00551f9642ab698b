"""Windows of any stream: they cover it, lie on the grid, are of full length, whatever blocks it comes in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.applying.predicting.windows import WindowPlan, cut_windows


@given(
    num_samples=st.integers(1, 400), block=st.integers(1, 90), frame=st.integers(1, 5), window=st.integers(1, 12),
    share=st.floats(0, 0.5),
)  # fmt: skip
def test_windows_cover_the_stream_on_the_grid(
    num_samples: int, block: int, frame: int, window: int, share: float
) -> None:
    plan = WindowPlan(frame_samples=frame, window_frames=window, overlap_frames=int(share * window))
    whole_S = np.arange(num_samples, dtype=np.float32)
    windows = list(cut_windows(np.array_split(whole_S, -(-num_samples // block)), plan))
    covered = 0
    for number, one in enumerate(windows):
        first = one.first_frame * frame
        np.testing.assert_array_equal(one.samples_S, whole_S[first : first + len(one.samples_S)])
        assert first <= covered - (plan.overlap_frames * frame if number else 0)
        covered = first + len(one.samples_S)
        if number < len(windows) - 1:
            assert len(one.samples_S) == plan.window_samples
            assert one.first_frame == number * plan.step_frames
    assert covered == num_samples
    if len(windows) > 1:
        assert plan.window_samples - frame < len(windows[-1].samples_S) <= plan.window_samples
    else:
        assert num_samples <= plan.window_samples


def test_windows_that_overlap_by_more_than_half_are_refused() -> None:
    with pytest.raises(ValueError, match="at most half"):
        WindowPlan(frame_samples=1, window_frames=4, overlap_frames=3)
