"""The one call of a scoring: a run's curve metrics, with the statistics behind them beside its scores."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import ClipReferences
from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.score_curves import ScoreCurves
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.metrics.curves.tags import tag_statistics
from lightning_modules.sed.curve_scores.scored_curves import processed_curves, raw_curves, whole_clip_curves
from lightning_modules.sed.curve_scores.statistics import TAGGING, CurveScores, processed_statistics, raw_scores
from lightning_modules.sed.curve_scores.statistics_file import FILE, save
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.predictions import DetectionPredictions

ClipScores = Mapping[str, NDArray[np.floating]]  # (C,) by clip


def score_curves(
    own: DetectionPredictions,
    on_validation: DetectionPredictions,
    chosen: FittedPostProcessing,
    gate: Mapping[str, Set[str]],
    *,
    validation: ClipReferences,
    test: ClipReferences,
    output_dir: Path,
) -> dict[str, float]:
    """Metrics of a system's curves and clip probabilities.

    ``chosen`` and ``gate`` are how its events were cut, and in which classes of each clip.
    """
    tagging = _tags(clip_scores(own), test)
    if test.events is None:
        return _kept(CurveScores({TAGGING: tagging}), output_dir)
    clips = test.events
    raw = _scored(raw_curves(own, clips=clips, duration_seconds=test.duration_seconds), test)
    ready = processed_curves(own, chosen, gate, clips=clips, duration_seconds=test.duration_seconds)
    seen = None
    if validation.events is not None:
        durations = validation.duration_seconds
        seen = _scored(raw_curves(on_validation, clips=validation.events, duration_seconds=durations), validation)
    scores = raw_scores(raw, seen)
    statistics = {**scores.statistics, **processed_statistics(_scored(ready, test)), TAGGING: tagging}
    return _kept(replace(scores, statistics=statistics), output_dir)


def score_clips(scores: ClipScores, test: ClipReferences, *, output_dir: Path) -> dict[str, float]:
    """Metrics of a tagger."""
    return _kept(CurveScores({TAGGING: _tags(scores, test)}), output_dir)


def score_whole_clips(scores: ClipScores, test: ClipReferences, *, output_dir: Path) -> dict[str, float]:
    """Metrics of a row that says of each clip how sure it is of each class, and nothing of when."""
    if test.events is None:
        return score_clips(scores, test, output_dir=output_dir)
    of_events = {clip: scores[clip] for clip in test.events}
    curves = whole_clip_curves(test.classes, of_events, duration_seconds=test.duration_seconds)
    found = raw_scores(_scored(curves, test), None)
    return _kept(replace(found, statistics={**found.statistics, TAGGING: _tags(scores, test)}), output_dir)


def clip_scores(predictions: DetectionPredictions) -> ClipScores:
    """A system's clip probabilities."""
    return dict(zip(predictions.clip_ids, predictions.clip_probabilities_NC, strict=True))


def tag_scores(tags: Mapping[str, Set[str]], classes: tuple[str, ...]) -> ClipScores:
    """Of tags that nobody is more or less sure of: 1 and 0."""
    return {clip: np.array([float(label in of) for label in classes]) for clip, of in tags.items()}


def _tags(scores: ClipScores, test: ClipReferences) -> ClipStatistics:
    of_tagged = {clip: scores[clip] for clip in test.tags}
    curves = whole_clip_curves(test.classes, of_tagged, duration_seconds=test.duration_seconds)
    return tag_statistics(ScoredClips(curves, dict.fromkeys(of_tagged, ())), tags=test.tags)


def _scored(curves: ScoreCurves, references: ClipReferences) -> ScoredClips:
    assert references.events is not None
    durations = {clip: references.duration_seconds[clip] for clip in references.events}
    return ScoredClips(curves, references.events, duration_seconds=durations)


def _kept(scores: CurveScores, output_dir: Path) -> dict[str, float]:
    output_dir.mkdir(parents=True, exist_ok=True)
    save(scores, output_dir / FILE)
    return scores.metrics()
