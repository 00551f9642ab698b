"""Boxes by change detection: the filter and its extremes against loops, and what holds of any curve."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.sound_events.change_points import ChangePoints, change_edges, merge_boxes

GRID = FrameGrid(hop_seconds=0.1)
LEVELS = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0])
curves = arrays(np.float64, st.integers(1, 24), elements=LEVELS)


def slow_edges(curve_T, half_step):
    """Each edge's change by its definition; a top is a level stretch that is higher than what surrounds it."""
    frames = len(curve_T)

    def mean(first, last):
        return sum(curve_T[t] if 0 <= t < frames else 0.0 for t in range(first, last)) / half_step

    change = [round(mean(n, n + half_step) - mean(n - half_step, n), 9) for n in range(frames + 1)]
    found = []
    for n, value in enumerate(change):
        before = change[n - 1] if n else 0.0
        if before == value:
            continue  # not the first edge of its stretch
        after = next((v for v in [*change[n:], 0.0] if v != value), 0.0)
        if (value > before and value > after) or (value < before and value < after):
            found.append(n)
    return found


@given(curve_T=curves, half_step=st.integers(1, 5))
def test_edges_are_the_extremes_of_the_change(curve_T, half_step):
    edges = change_edges(curve_T, half_step=half_step)
    assert edges == slow_edges(curve_T, half_step)
    assert len(edges) % 2 == 0


@given(curve_T=curves, step=st.integers(1, 10), absolute=LEVELS, relative=st.sampled_from([1.0, 1.5, 3.0]))
def test_boxes_are_in_order_with_the_curves_mean_and_unfilled_gaps(curve_T, step, absolute, relative):
    setting = ChangePoints(step_seconds=step / 10, merge_absolute=absolute, merge_relative=relative)
    boxes = setting.boxes(curve_T, grid=GRID)
    assert bool(boxes) == bool(curve_T.any())
    for box in boxes:
        assert 0 <= box.first < box.last <= len(curve_T)
        assert box.confidence == pytest.approx(curve_T[box.first : box.last].mean(), abs=1e-8)
    for one, other in pairwise(boxes):
        gap = curve_T[one.last : other.first].mean()
        assert one.last < other.first
        higher = max(one.confidence, other.confidence)
        assert higher - gap > absolute - 1e-8
        assert higher > relative * gap - 1e-8


@given(curve_T=curves, thresholds=st.tuples(LEVELS, LEVELS))
def test_a_threshold_decides_whether_a_box_is_an_event_and_never_its_ends(curve_T, thresholds):
    """What the paper is about: of a higher threshold the events are some of those of the lower one."""
    low, high = sorted(thresholds)
    events = [
        set(
            ChangePoints(threshold=threshold, keeps_one=False).events(
                curve_T[:, None], classes=["dog"], tagged=frozenset(["dog"]), grid=GRID, end_seconds=9.0
            )
        )
        for threshold in (low, high)
    ]
    assert events[1] <= events[0]


@given(curve_T=curves)
def test_a_tagged_class_that_is_heard_at_all_keeps_its_most_confident_box(curve_T):
    given_ = {"classes": ["dog"], "tagged": frozenset(["dog"]), "grid": GRID, "end_seconds": 9.0}
    kept = ChangePoints(threshold=1.0).events(curve_T[:, None], **given_)
    assert bool(kept) == bool(curve_T.any())


@pytest.mark.parametrize("rescaled", [False, True])
def test_a_plain_event_has_its_own_ends_and_rescaling_lifts_its_confidence(rescaled):
    curve_TC = np.full((40, 2), 0.02)
    curve_TC[10:25] = 0.3
    events = ChangePoints(step_seconds=0.4, threshold=0.5, rescaled=rescaled, keeps_one=False).events(
        curve_TC, classes=["dog", "cat"], tagged=frozenset(["dog"]), grid=GRID, end_seconds=4.0
    )
    assert [(e.label, round(e.onset_seconds, 6), round(e.offset_seconds, 6)) for e in events] == (
        [("dog", 1.0, 2.5)] if rescaled else []
    )


def test_the_last_frames_event_ends_with_its_clip():
    events = ChangePoints().events(
        np.ones((3, 1)), classes=["dog"], tagged=frozenset(["dog"]), grid=GRID, end_seconds=0.25
    )
    assert events == (Event(0.0, 0.25, "dog"),)


def test_a_loud_event_takes_no_faint_one_in():
    curve_T = np.array([0.9] * 4 + [0.3] * 2 + [0.4] * 4)
    assert [box[:2] for box in merge_boxes(curve_T, [0, 4, 6, 10], absolute=0.2, relative=1.0)] == [(0, 4), (6, 10)]
    assert [box[:2] for box in merge_boxes(curve_T, [0, 4, 6, 10], absolute=0.61, relative=1.0)] == [(0, 10)]
    assert [box[:2] for box in merge_boxes(curve_T, [0, 4, 6, 10], absolute=0.0, relative=3.01)] == [(0, 10)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step_seconds": -1.0}, "step_seconds -1.0, allowed: a number of seconds, 0 or more"),
        ({"merge_absolute": 2.0}, "merge_absolute 2.0, allowed: 0 to 1"),
        ({"merge_relative": 0.5}, "merge_relative 0.5, allowed: 1 or more"),
        ({"threshold": float("nan")}, "threshold nan, allowed: 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ChangePoints(**settings)


def test_logits_are_refused():
    with pytest.raises(ValueError, match="allowed: probabilities"):
        ChangePoints().events(np.array([[3.0]]), classes=["dog"], tagged=frozenset(["dog"]), grid=GRID, end_seconds=1.0)
