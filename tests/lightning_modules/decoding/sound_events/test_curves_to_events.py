"""Curves -> events: properties over random curves, and the fit of class thresholds against brute force."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.sound_events.class_thresholds import fit_class_thresholds
from lightning_modules.decoding.sound_events.events import (
    PostProcessing,
    active_events,
    close_gaps,
    drop_short,
    hysteresis,
    mean_smooth,
    median_smooth,
    odd_frames,
    rescale,
)

shapes = array_shapes(min_dims=2, max_dims=2, max_side=12)
curves = arrays(np.float32, shapes, elements=st.floats(0, 1, width=16))
activities = arrays(np.bool_, shapes)
levels = st.floats(0, 1, width=16)


@given(curves_TC=curves, a=levels, b=levels)
def test_hysteresis_lies_between_both_thresholds(curves_TC, a, b):
    low, high = sorted((a, b))
    active_TC = hysteresis(curves_TC, low=low, high=high)
    assert (active_TC >= (curves_TC >= high)).all()
    assert (active_TC <= (curves_TC >= low)).all()
    assert (hysteresis(curves_TC, low=low, high=low) == (curves_TC >= low)).all()


@given(curves_TC=curves, levels=st.lists(levels, min_size=4, max_size=4))
def test_higher_thresholds_never_add_activity(curves_TC, levels):
    low, low_up, high, high_up = sorted(levels)
    lower = hysteresis(curves_TC, low=low, high=high)
    assert (hysteresis(curves_TC, low=low, high=high_up) <= lower).all()
    assert (hysteresis(curves_TC, low=low_up, high=high) <= lower).all()


@given(active_TC=activities, hop_seconds=st.sampled_from((0.5, 0.02, 512 / 22050)))
def test_events_are_sorted_disjoint_by_class_and_make_the_round_trip(active_TC, hop_seconds):
    grid = FrameGrid(hop_seconds=hop_seconds)
    classes = [f"class{index}" for index in range(active_TC.shape[1])]
    events = active_events(active_TC, classes=classes, grid=grid, end_seconds=1e9)
    assert list(events) == sorted(events)
    for label in classes:
        own = [event for event in events if event.label == label]
        assert all(first.offset_seconds < second.onset_seconds for first, second in pairwise(own))
    assert (grid.activity(events, classes=classes, num_frames=len(active_TC)).astype(bool) == active_TC).all()


@given(active_TC=activities, frames=st.integers(0, 5))
def test_closing_gaps_and_dropping_blips_against_a_loop(active_TC, frames):
    closed_TC, kept_TC = active_TC.copy(), active_TC.copy()
    for column in range(active_TC.shape[1]):
        on = active_TC[:, column]
        edges = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(int), [0]))))
        runs = list(zip(edges[::2], edges[1::2], strict=True))
        for (_, end), (start, _) in pairwise(runs):
            if start - end <= frames:
                closed_TC[end:start, column] = True
        longest = max((end - start for start, end in runs), default=0)
        for start, end in runs:
            if end - start < min(frames, longest):
                kept_TC[start:end, column] = False
    assert (close_gaps(active_TC, longest=frames) == closed_TC).all()
    assert (drop_short(active_TC, shortest=frames) == kept_TC).all()
    assert (kept_TC.any(axis=0) == active_TC.any(axis=0)).all()


@given(curves_TC=curves)
def test_rescaled_curves_peak_at_one_and_keep_their_order(curves_TC):
    scaled_TC = rescale(curves_TC)
    assert scaled_TC.min() >= 0
    peaked_C = curves_TC.max(axis=0) > 0
    assert (scaled_TC.max(axis=0)[peaked_C] == 1).all()
    assert (scaled_TC[:, ~peaked_C] == 0).all()
    order_TC = np.argsort(curves_TC, axis=0, kind="stable")
    assert (np.diff(np.take_along_axis(scaled_TC, order_TC, axis=0), axis=0) >= 0).all()


def test_rescaling_stretches_contrast_but_not_a_flat_curve():
    curves_TC = np.array([[0.1, 0.93], [0.5, 0.95], [0.3, 0.90]])
    assert rescale(curves_TC)[:, 0] == pytest.approx([0, 1, 0.5])  # the paper's (x - min) / (max - min)
    assert rescale(curves_TC)[:, 1].min() > 0.7  # a sound that fills its clip stays one event


def test_the_median_keeps_edges_and_removes_blips():
    curve = np.zeros((40, 1))
    curve[10:25] = 1
    curve[32:34] = 1
    curve[15] = 0
    assert np.flatnonzero(median_smooth(curve, num_frames=7)[:, 0]).tolist() == list(range(10, 25))


def test_the_mean_joins_spikes_and_keeps_an_edges_half_height():
    curve = np.zeros((40, 1))
    curve[10:25:2] = 1  # every second frame
    assert np.flatnonzero(mean_smooth(curve, num_frames=7)[:, 0] >= 3 / 7 - 1e-9).tolist() == list(range(11, 24))
    curve[10:25] = 1
    assert np.flatnonzero(mean_smooth(curve, num_frames=7)[:, 0] > 0.5).tolist() == list(range(10, 25))


SETTINGS = {
    "median_seconds": 0.0,
    "window_seconds": 0.0,
    "high_threshold": 0.5,
    "low_threshold": 0.25,
    "rescaled": False,
    "longest_gap_seconds": 0.0,
    "shortest_event_seconds": 0.0,
}


def test_only_tagged_classes_become_events_and_none_passes_the_end():
    curves_TC = np.array([[0.9, 0.9, 0.0], [0.3, 0.9, 0.0], [0.1, 0.9, 0.0], [0.6, 0.9, 0.0]], dtype=np.float32)
    events = PostProcessing(**SETTINGS).events(
        curves_TC,
        classes=("dog", "cat", "cow"),
        tagged=frozenset(("dog", "cow")),
        grid=FrameGrid(hop_seconds=0.5),
        end_seconds=1.75,
    )
    assert events == (Event(0.0, 1.0, "dog"), Event(1.5, 1.75, "dog"))


@given(curves_TC=curves, window=st.integers(0, 9), high=levels, ratio=levels)
def test_a_tagged_class_with_any_activity_keeps_an_event_when_rescaled(curves_TC, window, high, ratio):
    settings = {**SETTINGS, "rescaled": True, "window_seconds": float(window), "shortest_event_seconds": 3.0}
    processing = PostProcessing(**{**settings, "high_threshold": high, "low_threshold": high * ratio})
    classes = [str(index) for index in range(curves_TC.shape[1])]
    grid = FrameGrid(hop_seconds=1.0)
    events = processing.events(
        curves_TC, classes=classes, tagged=frozenset(classes), grid=grid, end_seconds=float(len(curves_TC))
    )
    alive_C = processing.curves(curves_TC, grid=grid).max(axis=0) > 0
    assert {event.label for event in events} >= {label for label, alive in zip(classes, alive_C, strict=True) if alive}


@given(frames=st.integers(0, 9), hop_seconds=st.sampled_from((0.08, 0.1, 0.02, 1 / 30, 512 / 22050)))
def test_gaps_and_blips_keep_to_their_seconds(frames, hop_seconds):
    """Two runs with a gap of so many frames between, and a blip of as many, at limits of 0.2 s and of whole frames."""
    grid = FrameGrid(hop_seconds=hop_seconds)
    for limit_seconds in (0.2, frames * hop_seconds):
        seconds = {"longest_gap_seconds": limit_seconds, "shortest_event_seconds": limit_seconds}
        processing = PostProcessing(**{**SETTINGS, **seconds})
        within = frames * hop_seconds <= limit_seconds + 1e-9
        long = [1.0] * 40
        gap_TC = np.array([*long, *[0.0] * frames, *long])[:, None]
        events = processing.events(gap_TC, classes=["dog"], tagged=frozenset(["dog"]), grid=grid, end_seconds=1e9)
        assert len(events) == (1 if within else 2)
        blip_TC = np.array([*long, *[0.0] * 40, *[1.0] * frames])[:, None]
        events = processing.events(blip_TC, classes=["dog"], tagged=frozenset(["dog"]), grid=grid, end_seconds=1e9)
        shorter = frames == 0 or frames * hop_seconds < limit_seconds - 1e-9
        assert len(events) == (1 if shorter else 2)


def test_the_demos_frames():
    """Gaps up to 0.2 s are 0.16 s at a hop of 80 ms, not 0.24 s; an event of one frame is under 0.1 s."""
    seconds = {"window_seconds": 0.44, "longest_gap_seconds": 0.2, "shortest_event_seconds": 0.1}
    frames = PostProcessing(**{**SETTINGS, **seconds}).frames(FrameGrid(hop_seconds=0.08))
    assert frames == {"median": 1, "window": 5, "longest_gap": 2, "shortest_event": 2}


@given(window=st.integers(0, 400), hop=st.integers(1, 40))
def test_windows_are_the_nearest_odd_number_of_frames_the_upper_of_two(window, hop):
    nearest = min(range(1, 501, 2), key=lambda odd: (abs(odd * hop - window), -odd))
    assert odd_frames(window / 1000, FrameGrid(hop_seconds=hop / 1000)) == nearest


def test_a_curve_of_zeros_has_no_event_though_tagged():
    processing = PostProcessing(**{**SETTINGS, "rescaled": True})
    curves_TC = np.array([[0.0, 1e-6]] * 5)
    events = processing.events(
        curves_TC,
        classes=["dog", "cat"],
        tagged=frozenset(["dog", "cat"]),
        grid=FrameGrid(hop_seconds=1.0),
        end_seconds=5.0,
    )
    assert events == (Event(0.0, 5.0, "cat"),)


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ValueError, match=r"low_threshold 0.6 and high_threshold 0.5, allowed"):
        PostProcessing(**{**SETTINGS, "low_threshold": 0.6})
    with pytest.raises(ValueError, match="window_seconds nan"):
        PostProcessing(**{**SETTINGS, "window_seconds": float("nan")})
    with pytest.raises(ValueError, match="longest_gap_seconds inf"):
        PostProcessing(**{**SETTINGS, "longest_gap_seconds": float("inf")})


def f1_at(threshold, probabilities, tags):
    hits = sum(p >= threshold and tag for p, tag in zip(probabilities, tags, strict=True))
    return 2 * hits / (sum(p >= threshold for p in probabilities) + sum(tags)) if sum(tags) else 0.0


@given(clips=st.lists(st.tuples(st.floats(0, 1, width=16), st.booleans()), min_size=1, max_size=12))
def test_fitted_thresholds_are_the_best_of_all(clips):
    probabilities, tags = [p for p, _ in clips], [tag for _, tag in clips]
    fitted = fit_class_thresholds(np.array(probabilities)[:, None], np.array(tags, dtype=float)[:, None])[0]
    if not any(tags):
        assert fitted == 0.5
        return
    best = max(f1_at(threshold, probabilities, tags) for threshold in probabilities)
    assert f1_at(fitted, probabilities, tags) == pytest.approx(best, abs=1e-12)
    ties = [threshold for threshold in probabilities if f1_at(threshold, probabilities, tags) >= best - 1e-12]
    assert sum(p >= fitted for p in probabilities) == sum(p >= max(ties) for p in probabilities)  # fewest tags


def test_threshold_lies_halfway():
    fitted = fit_class_thresholds(np.array([[0.9], [0.3], [0.1]]), np.array([[1], [0], [0]]))
    assert fitted == pytest.approx([0.6])
