"""From frame curves to events: smooth, rescale within the clip, hysteresis thresholds, close gaps, drop blips.

After the post-processing of Pellegrini & Cances (arXiv 1901.03146, section 4): curves of the tagged classes only,
rescaled to [0, 1] within the clip, moving average of 19 frames (0.44 s), hysteresis. Theirs turns on above the high
threshold and off below the low one (.03 and .03 after rescaling), ignores 3 frames at each edge of the clip and closes
no gap. Ours differs: smoothing comes before rescaling (afterwards it would lower short peaks below the high threshold,
and a tagged class could lose its only event); `rescale` does not stretch a flat curve; an event begins where its curve
passes the *low* threshold, unless `hysteresis` is `switch`; edges count; gaps are closed, blips dropped; a median
filter can go first.
Legend: T frames, C classes; all functions are pure, and work on all classes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.sound_events.double_threshold import Hysteresis, hysteresis
from lightning_modules.decoding.sound_events.runs import from_runs, runs
from lightning_modules.decoding.sound_events.setting import Curves, EventSetting, check_seconds, probabilities

FLATTEST = 0.8  # lowest frame over peak: what varies by less than a fifth is not silence and sound
GRID_WINDOWS = ((0.0, 0.0), (0.0, 0.25), (0.0, 0.44), (0.0, 0.9), (0.25, 0.0), (0.44, 0.0), (0.9, 0.0))  # median, mean
GRID_HIGH_LOW = ((0.3, 0.15), (0.5, 0.25), (0.5, 0.5), (0.7, 0.35), (0.7, 0.7), (0.9, 0.6))


@dataclass(frozen=True, kw_only=True)
class PostProcessing(EventSetting):
    """The constants between a curve and its events; 0 <= low_threshold <= high_threshold <= 1, else ``ValueError``.

    ``median_seconds`` and ``window_seconds`` (moving average) are the windows of two filters, applied in this order;
    0 leaves a filter out. With ``rescaled`` every tagged class has an event, at its clip's peak, except one whose
    smoothed curve is 0 throughout: that says nothing of when, and is no event at any high threshold above 0. Without it
    thresholds are on probabilities. Gaps up to ``longest_gap_seconds`` are closed first, never longer ones, then events
    under ``shortest_event_seconds`` are dropped, with ``keeps_one`` but for a class's longest; ``frames`` says what
    that is on a grid. ``hysteresis`` is explained in ``double_threshold.py``.
    """

    median_seconds: float
    window_seconds: float
    high_threshold: float
    low_threshold: float
    rescaled: bool
    longest_gap_seconds: float
    shortest_event_seconds: float
    hysteresis: Hysteresis = "extend"
    keeps_one: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.low_threshold <= self.high_threshold <= 1:
            raise ValueError(
                f"low_threshold {self.low_threshold} and high_threshold {self.high_threshold}, "
                "allowed: 0 <= low_threshold <= high_threshold <= 1"
            )
        if self.hysteresis not in ("extend", "switch"):
            raise ValueError(f"hysteresis {self.hysteresis!r}, allowed: extend, switch")
        check_seconds(self, "median_seconds", "window_seconds", "longest_gap_seconds", "shortest_event_seconds")

    def frames(self, grid: FrameGrid) -> dict[str, int]:
        """The seconds as frames of a grid: windows to the nearest odd number, gaps down, shortest events up."""
        return {
            "median": odd_frames(self.median_seconds, grid),
            "window": odd_frames(self.window_seconds, grid),
            "longest_gap": grid.whole_frames(self.longest_gap_seconds),
            "shortest_event": grid.num_frames(self.shortest_event_seconds),
        }

    def curves(self, curves_TC: Curves, *, grid: FrameGrid) -> Curves:
        """The curves that the thresholds are laid on, in [0, 1]: smoothed, and rescaled or not."""
        frames = self.frames(grid)
        smoothed_TC = median_smooth(curves_TC, num_frames=frames["median"])
        smoothed_TC = mean_smooth(smoothed_TC, num_frames=frames["window"])
        return rescale(smoothed_TC) if self.rescaled else smoothed_TC

    def events(
        self, curves_TC: Curves, *, classes: Sequence[str], tagged: frozenset[str], grid: FrameGrid, end_seconds: float
    ) -> tuple[Event, ...]:
        """See ``EventSetting.events``."""
        kept = [column for column, label in enumerate(classes) if label in tagged]
        if not kept or not len(curves_TC):
            return ()
        ready_TC = self.curves(probabilities(curves_TC[:, kept]), grid=grid)
        active_TC = hysteresis(ready_TC, low=self.low_threshold, high=self.high_threshold, meaning=self.hysteresis)
        frames = self.frames(grid)
        active_TC = close_gaps(active_TC, longest=frames["longest_gap"])
        active_TC = drop_short(active_TC, shortest=frames["shortest_event"], keeps_one=self.keeps_one)
        return active_events(active_TC, classes=[classes[c] for c in kept], grid=grid, end_seconds=end_seconds)

    def levels(self) -> dict[str, float]:
        """Both thresholds."""
        return {"high threshold": self.high_threshold, "low threshold": self.low_threshold}

    def alternatives(self) -> Iterator[Self]:
        """Windows of one filter or none, with pairs of thresholds."""
        for (median, mean), (high, low) in product(GRID_WINDOWS, GRID_HIGH_LOW):
            yield replace(self, median_seconds=median, window_seconds=mean, high_threshold=high, low_threshold=low)


def odd_frames(window_seconds: float, grid: FrameGrid) -> int:
    """The odd number of frames nearest to a window, at least 1: odd, so that smoothing shifts nothing.

    Between two odd numbers it is the upper: a window of two frames is not left out.

    >>> odd_frames(0.44, FrameGrid(hop_seconds=512 / 22050)), odd_frames(0.44, FrameGrid(hop_seconds=0.08))
    (19, 5)
    """
    return 2 * FrameGrid(2 * grid.hop_seconds).whole_frames(window_seconds) + 1


def mean_smooth(curves_TC: Curves, *, num_frames: int) -> Curves:
    """Moving average over an odd number of frames, ends repeated.

    Joins the spikes that a maximum over frames learns. An edge crosses half of its height where it was, and lower
    thresholds earlier: by a quarter of the window at 0.25.
    """
    filtered: Curves = uniform_filter1d(curves_TC, num_frames, axis=0, mode="nearest")
    return filtered


def median_smooth(curves_TC: Curves, *, num_frames: int) -> Curves:
    """Median over an odd number of frames, ends repeated: keeps edges, deletes whatever is under half of the window."""
    filtered: Curves = median_filter(curves_TC, size=(num_frames, 1), mode="nearest")
    return filtered


def rescale(curves_TC: Curves) -> Curves:
    """Bring each class's curve of a clip to a peak of 1, and its lowest frame to 0 unless the curve is flat.

    The paper stretches ``[min, max]`` to ``[0, 1]``. For a sound that fills its clip that stretches noise: a curve that
    wanders between 0.90 and 0.95 would be cut up at random. Here the floor is at most ``FLATTEST`` of the peak: where
    the lowest frame is below it is the paper's formula, above it the lowest frame stays above 0.

    >>> rescale(np.array([[0.2, 0.90], [0.8, 0.95], [0.5, 0.95]])).round(2)
    array([[0.  , 0.74],
           [1.  , 1.  ],
           [0.5 , 1.  ]])
    """
    peak_C = curves_TC.max(axis=0)
    floor_C = np.minimum(curves_TC.min(axis=0), FLATTEST * peak_C)
    range_C = peak_C - floor_C
    scaled: Curves = (curves_TC - floor_C) / np.where(range_C > 0, range_C, 1)
    return scaled


def close_gaps(active_TC: NDArray[np.bool_], *, longest: int) -> NDArray[np.bool_]:
    """Fill gaps of at most ``longest`` frames between two runs; the ends of the clip are not gaps."""
    first, last, column = runs(active_TC)
    gap = (column[1:] == column[:-1]) & (first[1:] - last[:-1] <= longest)
    starts, ends = np.append(True, ~gap), np.append(~gap, True)
    if not len(first):
        return active_TC
    return from_runs(first[starts], last[ends], column[starts], active_TC.shape)


def drop_short(active_TC: NDArray[np.bool_], *, shortest: int, keeps_one: bool = True) -> NDArray[np.bool_]:
    """Keep the runs of at least ``shortest`` frames, and the longest run of a class that would lose all of its runs.

    A class that reaches this point is tagged: an event that is too short is likelier than none. Where no tags were
    asked, ``keeps_one`` is False.
    """
    first, last, column = runs(active_TC)
    longest_C = np.zeros(active_TC.shape[1], dtype=np.int64)
    np.maximum.at(longest_C, column, last - first)
    kept = last - first >= (np.minimum(shortest, longest_C)[column] if keeps_one else shortest)
    return from_runs(first[kept], last[kept], column[kept], active_TC.shape)


def active_events(
    active_TC: NDArray[np.bool_], *, classes: Sequence[str], grid: FrameGrid, end_seconds: float
) -> tuple[Event, ...]:
    """The runs of active frames as events in seconds, sorted; the last frame may reach past the clip and is cut."""
    first, last, column = runs(active_TC)
    events = (
        Event(grid.seconds(start), min(grid.seconds(end), end_seconds), classes[index])
        for start, end, index in zip(first.tolist(), last.tolist(), column.tolist(), strict=True)
        if grid.seconds(start) < end_seconds
    )
    return tuple(sorted(events))
