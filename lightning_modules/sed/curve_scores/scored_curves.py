"""Which curves of a run are scored: the network's own, those that its events were cut from, or whole-clip ones.

*Raw* curves are the network's frame probabilities, of every class in every clip: what the network knows of when,
whatever a row does with it. *Processed* curves are what the row's thresholds are laid on: of the classes that are
tagged in a clip, smoothed and rescaled as its post-processing says; a class that is not tagged is never detected.
*Whole-clip* curves have one interval, which scores what a system says of the clip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import FrameGrid
from lightning_modules.metrics.curves.score_curves import ClipCurves, ScoreCurves
from lightning_modules.sed.fitting.fitted import FittedPostProcessing, clip_curves
from lightning_modules.sed.predictions import DetectionPredictions

NEVER = -np.inf


def raw_curves(
    predictions: DetectionPredictions, *, clips: Collection[str], duration_seconds: Mapping[str, float]
) -> ScoreCurves:
    """The curves of ``clips``; the last frame ends with its clip, frames past that are left out."""
    return ScoreCurves(
        predictions.classes,
        {
            clip: _until(curves_TC, predictions.hop_seconds, duration_seconds[clip])
            for clip, curves_TC in clip_curves(predictions)
            if clip in clips
        },
    )


def processed_curves(
    predictions: DetectionPredictions,
    chosen: FittedPostProcessing,
    tags: Mapping[str, Set[str]],
    *,
    clips: Collection[str],
    duration_seconds: Mapping[str, float],
) -> ScoreCurves:
    """The curves of ``clips`` that ``chosen`` cuts, of the classes in ``tags``."""
    grid = FrameGrid(hop_seconds=predictions.hop_seconds)
    by_clip = {}
    for clip, raw_TC in clip_curves(predictions):
        if clip in clips:
            ready_TC = np.full(raw_TC.shape, NEVER)
            for column, label in enumerate(predictions.classes):
                if label in tags[clip] and len(raw_TC):
                    ready_TC[:, column] = chosen.settings[label].curves(raw_TC[:, [column]], grid=grid)[:, 0]
            by_clip[clip] = _until(ready_TC, predictions.hop_seconds, duration_seconds[clip])
    return ScoreCurves(predictions.classes, by_clip)


def whole_clip_curves(
    classes: tuple[str, ...], scores: Mapping[str, NDArray[np.floating]], *, duration_seconds: Mapping[str, float]
) -> ScoreCurves:
    """One interval a clip; ``scores`` are (C,) by clip."""
    return ScoreCurves(
        classes, {clip: ClipCurves(np.array([0.0, duration_seconds[clip]]), of[None]) for clip, of in scores.items()}
    )


def _until(curves_TC: NDArray[np.floating], hop_seconds: float, end_seconds: float) -> ClipCurves:
    grid = FrameGrid(hop_seconds=hop_seconds)
    kept_TC = curves_TC[: max(1, grid.num_frames(end_seconds))]
    edges = np.array([grid.seconds(frame) for frame in range(len(kept_TC) + 1)])
    edges[1:] = np.minimum(edges[1:], end_seconds)
    return ClipCurves(edges, kept_TC)
