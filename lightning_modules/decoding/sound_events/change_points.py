"""Sound event bounding boxes: an event's ends lie where its curve changes most, whatever the threshold on the event.

After Ebbers et al. 2024, "Sound Event Bounding Boxes" (arXiv 2406.04212), from the paper's description alone. A step
filter measures the change at each edge between two frames: the mean of the frames after it less the mean of those
before. Its local maxima are onsets, its local minima offsets, which alternate; the curve within is a candidate, the
curve between two candidates a gap. Candidates whose gap is not clearly lower are merged. A box's confidence is the
curve's mean within it, and a threshold on that alone decides whether it is an event.
Where the description is silent: before and after the clip the curve is 0; a flat top of the change counts at its first
edge; lower than the higher of both candidates, so that a loud event takes no faint one in that lies beside it; the
best-filled gap is merged first, and confidences are measured anew before the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.sound_events.events import rescale
from lightning_modules.decoding.sound_events.setting import Curves, EventSetting, check_seconds, probabilities

GRID_STEPS = (0.32, 0.48, 0.64)
GRID_MERGES = ((0.1, 1.0), (0.2, 1.0), (0.3, 1.0), (0.0, 1.5), (0.0, 2.0), (0.0, 3.0))  # absolute, relative
GRID_THRESHOLDS = (0.2, 0.35, 0.5, 0.65)


class Box(NamedTuple):
    """Frames ``first`` to ``last - 1`` of one curve, and the curve's mean over them."""

    first: int
    last: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class ChangePoints(EventSetting):
    """Boxes by change detection; an event is a box with a confidence of at least ``threshold``.

    ``step_seconds`` is the length of the step filter, half of it on each side. Two boxes are one where their gap's mean
    is at most ``merge_absolute`` below the higher of both, or ``merge_relative`` times it reaches that: 0 and 1 merge
    only what no valley parts. With ``rescaled`` curves are stretched to the clip's peak first. With ``keeps_one`` the
    most confident box of a tagged class is an event in any case, unless its curve is 0 throughout.
    """

    step_seconds: float = 0.48
    merge_absolute: float = 0.2
    merge_relative: float = 1.0
    threshold: float = 0.5
    rescaled: bool = False
    keeps_one: bool = True

    def __post_init__(self) -> None:
        check_seconds(self, "step_seconds")
        for name in ("merge_absolute", "threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)}, allowed: 0 to 1")
        if not 1 <= self.merge_relative < np.inf:
            raise ValueError(f"merge_relative {self.merge_relative}, allowed: 1 or more")

    def curves(self, curves_TC: Curves, *, grid: FrameGrid) -> Curves:
        """The network's own, or rescaled: the step filter does the smoothing."""
        return rescale(curves_TC) if self.rescaled else curves_TC

    def frames(self, grid: FrameGrid) -> dict[str, int]:
        """Half of the step filter, to the nearest frame and at least 1."""
        return {"half_step": max(1, grid.nearest_edge(self.step_seconds / 2))}

    def events(
        self, curves_TC: Curves, *, classes: Sequence[str], tagged: frozenset[str], grid: FrameGrid, end_seconds: float
    ) -> tuple[Event, ...]:
        """See ``EventSetting.events``."""
        kept = [column for column, label in enumerate(classes) if label in tagged]
        if not kept or not len(curves_TC):
            return ()
        ready_TC = self.curves(probabilities(curves_TC[:, kept]), grid=grid)
        events = [
            Event(grid.seconds(box.first), min(grid.seconds(box.last), end_seconds), classes[column])
            for column, curve_T in zip(kept, ready_TC.T, strict=True)
            for box in self._events(self.boxes(curve_T, grid=grid))
            if grid.seconds(box.first) < end_seconds
        ]
        return tuple(sorted(events))

    def boxes(self, curve_T: NDArray[np.floating], *, grid: FrameGrid) -> list[Box]:
        """All boxes of one curve in order of time, whatever their confidence; none of a curve that is 0."""
        positive_T = np.maximum(curve_T, 0.0, dtype=np.float64)  # half precision may round below
        edges = change_edges(positive_T, half_step=self.frames(grid)["half_step"])
        return merge_boxes(positive_T, edges, absolute=self.merge_absolute, relative=self.merge_relative)

    def levels(self) -> dict[str, float]:
        """The threshold on a box's mean."""
        return {"confidence": self.threshold}

    def alternatives(self) -> Iterator[Self]:
        """Steps, merging by a difference or by a ratio, and thresholds."""
        for step, (absolute, relative), threshold in product(GRID_STEPS, GRID_MERGES, GRID_THRESHOLDS):
            yield replace(
                self, step_seconds=step, merge_absolute=absolute, merge_relative=relative, threshold=threshold
            )

    def _events(self, boxes: Sequence[Box]) -> list[Box]:
        best = max((box.confidence for box in boxes), default=0.0)
        lowest = min(self.threshold, best) if self.keeps_one else self.threshold
        return [box for box in boxes if box.confidence >= lowest]


def change_edges(curve_T: NDArray[np.float64], *, half_step: int) -> list[int]:
    """Edges (0 is before the first frame, T after the last) at which the change is extreme: onset, offset, onset, …

    The last two are the end of the clip, beyond which the curve is 0: a box of 0.1.

    >>> change_edges(np.array([0.1, 0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1]), half_step=2)
    [2, 5, 7, 8]
    >>> change_edges(np.array([0.0, 0.9, 0.9, 0.0, 0.0, 0.8, 0.8, 0.8]), half_step=1)
    [1, 3, 5, 8]
    """
    # Change at edge n: frames n … n + h - 1 less frames n - h … n - 1, of a curve with zeros around it.
    sums = np.cumsum(np.pad(curve_T, (half_step + 1, half_step)))
    change = (sums[2 * half_step :] - 2 * sums[half_step:-half_step] + sums[: -2 * half_step]) / half_step
    change = change.round(9)  # differences of sums: what should be level is level
    change = np.pad(change, 1)  # no change well before and after the clip
    moved = np.flatnonzero(np.diff(change))  # where a level stretch ends
    signs = np.sign(np.diff(change)[moved])
    turns = np.flatnonzero(signs[1:] != signs[:-1])
    return [int(moved[turn]) for turn in turns]  # the first edge of the top or bottom, less the one of padding


def merge_boxes(curve_T: NDArray[np.float64], edges: Sequence[int], *, absolute: float, relative: float) -> list[Box]:
    """Boxes from onset to offset, neighbours joined where the gap between is filled; the fullest gap first.

    >>> curve_T = np.array([0.9, 0.9, 0.7, 0.9, 0.0, 0.6])
    >>> [tuple(box) for box in merge_boxes(curve_T, [0, 2, 3, 4, 5, 6], absolute=0.3, relative=1.0)]
    [(0, 4, 0.85), (5, 6, 0.6)]
    """
    sums = np.concatenate(([0.0], np.cumsum(curve_T)))

    def mean(first: int, last: int) -> float:
        return round(float(sums[last] - sums[first]) / (last - first), 9)

    edges = list(edges)
    while len(edges) > 2:
        filled = []
        for at in range(1, len(edges) - 1, 2):  # edges[at] ends a box, edges[at + 1] begins the next
            higher = max(mean(edges[at - 1], edges[at]), mean(edges[at + 1], edges[at + 2]))
            gap = mean(edges[at], edges[at + 1])
            if higher - gap <= absolute or higher <= relative * gap:
                filled.append((higher - gap, at))
        if not filled:
            break
        _, at = min(filled)
        del edges[at : at + 2]
    return [Box(first, last, mean(first, last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
