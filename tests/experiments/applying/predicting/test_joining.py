"""Windows joined against one pass over the whole file: equal where context is bounded, measured where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.applying.predicting.joining import WindowCurves, join, weighted, window_weights


@pytest.mark.parametrize("seconds", [9.97, 12.0, 23.33])
def test_a_bounded_context_gives_curves_and_events_of_one_whole_pass(systems, noise_file, seconds) -> None:
    path = noise_file(seconds)
    made = systems.system()
    whole = systems.predictor(made, window_frames=1000)(path)
    windows = systems.predictor(made, window_frames=75)(path)
    assert (whole.num_windows, windows.num_windows > 3) == (1, True)
    np.testing.assert_allclose(windows.curves_TC, whole.curves_TC, atol=2e-6)
    assert np.ptp(whole.curves_TC, axis=0).min() > 0.2  # curves that say something
    assert windows.events == whole.events
    assert len(whole.events) > 5
    np.testing.assert_allclose(windows.confidences, whole.confidences, atol=1e-5)


def test_an_overlap_too_short_for_the_context_shows_so_the_test_above_can_fail(systems, noise_file) -> None:
    path = noise_file(20.0)
    made = systems.system()
    whole = systems.predictor(made, window_frames=1000)(path)
    windows = systems.predictor(made, window_frames=75, overlap_frames=0)(path)
    assert np.abs(windows.curves_TC - whole.curves_TC).max() > 1e-3


@pytest.mark.parametrize(("overlap", "most"), [(8, 0.12), (20, 0.02), (36, 0.002)])
def test_a_recurrent_one_differs_by_what_it_forgets_and_less_with_more_overlap(
    systems, noise_file, overlap, most
) -> None:
    path = noise_file(30.0)
    made = systems.system(recurrent=True)
    whole = systems.predictor(made, window_frames=1000)(path)
    windows = systems.predictor(made, window_frames=75, overlap_frames=overlap)(path)
    apart_TC = np.abs(windows.curves_TC - whole.curves_TC)
    assert 0 < apart_TC.max() < most
    jumps, own = (np.abs(np.diff(one.curves_TC, axis=0)).max() for one in (windows, whole))
    assert jumps < own + most  # no step at a window's edge


def test_weights_of_windows_sum_to_one_where_they_follow_regularly() -> None:
    curves_TC = np.zeros((30, 1), dtype=np.float32)
    windows = [WindowCurves(first, curves_TC, np.zeros(1)) for first in (0, 20, 40)]
    total_T = np.zeros(70)
    for window, weight_T in zip(windows, window_weights(windows, overlap_frames=10), strict=True):
        total_T[window.first_frame : window.first_frame + 30] += weight_T
    np.testing.assert_allclose(total_T, 1, atol=1e-6)


def test_a_class_counts_in_the_windows_that_have_it_alone() -> None:
    ones_TC = np.ones((4, 2), dtype=np.float32)
    windows = [WindowCurves(first, ones_TC, np.zeros(2)) for first in (0, 2)]
    taken = [np.array([True, False]), np.array([False, False])]
    joined_TC = weighted(windows, [ones_TC * 0.5, ones_TC], taken, overlap_frames=2)
    np.testing.assert_array_equal(joined_TC, [[0.5, 0]] * 3 + [[0.5, 0]] * 1 + [[0, 0]] * 2)
    assert join(windows[:1], overlap_frames=2) is ones_TC
