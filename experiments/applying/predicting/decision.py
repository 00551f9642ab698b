"""From curves to events: the run's own post-processing, as its scoring applied it, or what a user sets of it.

A file that is one window is decided exactly as scoring decides a clip. In a longer one each window is decided as such a
clip as far as that can be, and no edge of a window shows:

- curves are joined first and smoothed as one, so that filters see no end of a window;
- which classes a window has (the gate on its clip probability, ``top``) holds for the frames in which it has a weight;
- where the setting stretches curves to their clip's peak, each window's stretch of the smoothed curve is stretched by
  its own, and the windows that have the class are faded as in ``joining.py``;
- thresholds, closing of gaps and dropping of blips then work on the whole file; ``keeps_one``, which grants every class
  of a clip an event, has no meaning there and is off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event, FrameGrid
from experiments.applying.predicting.joining import WindowCurves, join, weighted
from experiments.errors import UserError
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing, rescale
from lightning_modules.decoding.sound_events.setting import EventSetting, probabilities
from lightning_modules.sed.fitting.fitted import FittedPostProcessing

MOST_COLUMNS = 32  # classes decided at a time: of hours of audio a few numbers a frame and class are held


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What a user sets instead of the run's own: levels in [0, 1], seconds, a number of classes; None leaves it."""

    threshold: float | None = None
    clip_threshold: float | None = None
    min_seconds: float | None = None
    top: int | None = None

    def __post_init__(self) -> None:
        for name in ("threshold", "clip_threshold"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise UserError(f"--{name.replace('_', '-')} {value}, allowed: 0 to 1")
        if self.min_seconds is not None and not 0 <= self.min_seconds < float("inf"):
            raise UserError(f"--min-seconds {self.min_seconds}, allowed: a number of seconds, 0 or more")
        if self.top is not None and self.top < 1:
            raise UserError(f"--top {self.top}, allowed: 1 or more classes of a window")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The settings and gates by class in the order of ``classes``; events under ``min_seconds`` are dropped."""

    classes: tuple[str, ...]
    settings: Mapping[str, EventSetting]
    gate: Mapping[str, float]
    min_seconds: float = 0.0
    top: int | None = None

    def tagged(self, clip_probabilities_C: NDArray[np.floating]) -> NDArray[np.bool_]:
        """The classes of a window: those whose probability reaches their gate, of them the ``top`` most probable."""
        thresholds_C = np.array([self.gate[label] for label in self.classes])
        tagged_C: NDArray[np.bool_] = clip_probabilities_C.astype(np.float64) >= thresholds_C
        if self.top is not None and tagged_C.sum() > self.top:
            ranked = np.argsort(-np.where(tagged_C, clip_probabilities_C, -1.0), kind="stable")
            tagged_C[ranked[self.top :]] = False
        return tagged_C

    def events(
        self, windows: Sequence[WindowCurves], *, overlap_frames: int, grid: FrameGrid, end_seconds: float
    ) -> tuple[Event, ...]:
        """Events of a file, sorted; the last frame's are cut at ``end_seconds``."""
        found: list[Event] = []
        by_window = [self.tagged(window.clip_probabilities_C) for window in windows]
        for setting in dict.fromkeys(self.settings[label] for label in self.classes):
            columns = [
                column
                for column, label in enumerate(self.classes)
                if self.settings[label] == setting and any(tagged_C[column] for tagged_C in by_window)
            ]
            for first in range(0, len(columns), MOST_COLUMNS):
                some = columns[first : first + MOST_COLUMNS]
                labels = [self.classes[column] for column in some]
                narrow = [window._replace(curves_TC=probabilities(window.curves_TC[:, some])) for window in windows]
                tagged = [tagged_C[some] for tagged_C in by_window]
                ready, curves_TC = _ready(setting, narrow, tagged, overlap_frames=overlap_frames, grid=grid)
                found += ready.events(
                    curves_TC, classes=labels, tagged=frozenset(labels), grid=grid, end_seconds=end_seconds
                )
        return tuple(sorted(event for event in found if round(event.duration_seconds, 6) >= self.min_seconds))


def decision_of(fitted: FittedPostProcessing, *, classes: Sequence[str], overrides: Overrides, where: str) -> Decision:
    """A run's post-processing with what the user sets of it.

    Raises ``UserError`` where its classes of a clip are another system's or the true ones, which new audio has not.
    """
    whose = fitted.fitted.get("tags")
    gate = dict(fitted.gate)
    if overrides.clip_threshold is not None:
        gate = dict.fromkeys(classes, overrides.clip_threshold)
    elif whose != "own" or not gate:
        raise UserError(
            f"{where}: its events go by the tags of {whose!r}, which a new file does not have; give --clip-threshold, "
            "from which on a class counts as heard"
        )
    return Decision(
        classes=tuple(classes),
        settings={label: _overridden(fitted.settings[label], overrides) for label in classes},
        gate=gate,
        min_seconds=overrides.min_seconds or 0.0,
        top=overrides.top,
    )


def _overridden(setting: EventSetting, overrides: Overrides) -> EventSetting:
    if isinstance(setting, PostProcessing):
        if overrides.threshold is not None:
            setting = replace(setting, high_threshold=overrides.threshold, low_threshold=overrides.threshold)
        if overrides.min_seconds is not None:
            setting = replace(setting, shortest_event_seconds=overrides.min_seconds)
    elif isinstance(setting, ChangePoints) and overrides.threshold is not None:
        setting = replace(setting, threshold=overrides.threshold)
    return setting


def _ready(
    setting: EventSetting,
    windows: Sequence[WindowCurves],
    tagged: Sequence[NDArray[np.bool_]],
    *,
    overlap_frames: int,
    grid: FrameGrid,
) -> tuple[EventSetting, NDArray[np.floating]]:
    """The setting that is left to apply, and the curves (T, C) to apply it to."""
    if len(windows) == 1:
        return setting, windows[0].curves_TC
    if not isinstance(setting, PostProcessing | ChangePoints):
        raise TypeError(f"no long files by {type(setting).__name__}")
    smoothed_TC = replace(setting, rescaled=False).curves(join(windows, overlap_frames=overlap_frames), grid=grid)
    pieces = [smoothed_TC[window.first_frame : window.first_frame + len(window.curves_TC)] for window in windows]
    if setting.rescaled:
        pieces = [rescale(piece_TC) for piece_TC in pieces]
    left: EventSetting = replace(setting, rescaled=False, keeps_one=False)
    if isinstance(left, PostProcessing):
        left = replace(left, median_seconds=0.0, window_seconds=0.0)
    return left, weighted(windows, pieces, tagged, overlap_frames=overlap_frames)
