"""Events of one window are those of scoring; in long files gates and stretching go by window; overrides are heeded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import FrameGrid
from experiments.applying.predicting.decision import Decision, Overrides, decision_of
from experiments.applying.predicting.joining import WindowCurves
from experiments.errors import UserError
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.predictions import DetectionPredictions

CLASSES = ("cat", "dog", "owl")
GRID = FrameGrid(hop_seconds=0.1)
STRETCHED = PostProcessing(
    median_seconds=0.3, window_seconds=0.0, high_threshold=0.5, low_threshold=0.25, rescaled=True,
    longest_gap_seconds=0.2, shortest_event_seconds=0.2,
)  # fmt: skip
PLAIN = replace(STRETCHED, rescaled=False, median_seconds=0.0, keeps_one=False)


def fitted(**by_class: PostProcessing | ChangePoints) -> FittedPostProcessing:
    settings = {label: by_class.get(label, STRETCHED) for label in CLASSES}
    return FittedPostProcessing(settings=settings, gate=dict.fromkeys(CLASSES, 0.5), fitted={"tags": "own"})


def decided(post: FittedPostProcessing, **overrides: float) -> Decision:
    return decision_of(post, classes=CLASSES, overrides=Overrides(**overrides), where="run x")


@given(st.integers(0, 10_000), st.booleans())
def test_one_window_is_decided_as_scoring_decides_a_clip(seed: int, by_class: bool) -> None:
    rng = np.random.default_rng(seed)
    curves_TC = rng.uniform(0, 1, (40, 3)).astype(np.float32)
    tags_C = rng.uniform(0, 1, 3).astype(np.float32)
    post = fitted(dog=ChangePoints(rescaled=True)) if by_class else fitted()
    predictions = DetectionPredictions(CLASSES, ("x",), tags_C[None], curves_TC[None], np.array([40]), 0.1)
    expected = post.events(predictions, duration_seconds={"x": 3.95})["x"]
    window = WindowCurves(0, curves_TC, tags_C)
    assert decided(post).events([window], overlap_frames=10, grid=GRID, end_seconds=3.95) == expected


def bump(num_frames: int, first: int, last: int, height: float) -> np.ndarray:
    curves_TC = np.full((num_frames, 3), 0.01, dtype=np.float32)
    curves_TC[first:last] = height
    return curves_TC


def test_a_class_of_a_long_file_is_where_windows_have_it_and_is_stretched_there() -> None:
    sure, unsure = np.array([0.9, 0.1, 0.9], dtype=np.float32), np.array([0.1, 0.1, 0.1], dtype=np.float32)
    windows = [
        WindowCurves(0, bump(100, 20, 30, 0.9), sure),
        WindowCurves(80, bump(100, 40, 50, 0.9), unsure),  # gated out: no event at 12 s
        WindowCurves(160, bump(100, 60, 70, 0.2), sure),  # a faint one, the peak of its window: stretched
    ]
    events = decided(fitted(owl=PLAIN)).events(windows, overlap_frames=20, grid=GRID, end_seconds=26.0)
    found = [(round(event.onset_seconds, 3), round(event.offset_seconds, 3), event.label) for event in events]
    assert found == [(2.0, 3.0, "cat"), (2.0, 3.0, "owl"), (22.0, 23.0, "cat")]


def test_an_event_over_the_edge_of_windows_is_one() -> None:
    sure = np.ones(3, dtype=np.float32)
    windows = [WindowCurves(0, bump(100, 70, 100, 0.9), sure), WindowCurves(80, bump(100, 0, 30, 0.9), sure)]
    events = decided(fitted()).events(windows, overlap_frames=20, grid=GRID, end_seconds=18.0)
    assert {(round(event.onset_seconds, 3), round(event.offset_seconds, 3)) for event in events} == {(7.0, 11.0)}


def test_what_is_set_takes_the_place_of_the_fitted() -> None:
    curves_TC = bump(40, 10, 20, 0.45)
    window = [WindowCurves(0, curves_TC, np.array([0.3, 0.8, 0.7], dtype=np.float32))]
    post = fitted(cat=PLAIN, dog=PLAIN, owl=PLAIN)

    def labels(**overrides: float) -> list[str]:
        found = decided(post, **overrides).events(window, overlap_frames=0, grid=GRID, end_seconds=4.0)
        return [event.label for event in found]

    assert labels() == []
    assert labels(threshold=0.4) == ["dog", "owl"]
    assert labels(threshold=0.4, clip_threshold=0.0) == ["cat", "dog", "owl"]
    assert labels(threshold=0.4, top=1) == ["dog"]
    assert labels(threshold=0.4, min_seconds=1.0) == ["dog", "owl"]
    assert labels(threshold=0.4, min_seconds=1.1) == []
    boxes = fitted(dog=ChangePoints(threshold=0.9, keeps_one=False))
    assert "dog" not in [e.label for e in decided(boxes).events(window, overlap_frames=0, grid=GRID, end_seconds=4.0)]
    found = decided(boxes, threshold=0.4).events(window, overlap_frames=0, grid=GRID, end_seconds=4.0)
    assert "dog" in [event.label for event in found]


@pytest.mark.parametrize(("name", "value"), [("threshold", 1.5), ("clip_threshold", -1), ("min_seconds", -1),
                                             ("top", 0)])  # fmt: skip
def test_what_is_out_of_range_is_refused_by_its_option(name: str, value: float) -> None:
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')} {value}, allowed"):
        Overrides(**{name: value})


def test_tags_of_another_system_are_refused_unless_a_clip_threshold_is_given() -> None:
    of_oracle = FittedPostProcessing(settings=fitted().settings, gate={}, fitted={"tags": "oracle"})
    with pytest.raises(UserError, match=r"tags of 'oracle'.*--clip-threshold"):
        decided(of_oracle)
    assert decided(of_oracle, clip_threshold=0.5).gate["dog"] == 0.5
