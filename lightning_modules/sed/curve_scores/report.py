"""The one call of a scoring: a run's curve metrics, with the statistics behind them beside its scores."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import ClipReferences
from datamodules.run_warning import RunWarning
from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.score_curves import CurveError, ScoreCurves
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.metrics.curves.tags import tag_statistics
from lightning_modules.sed.analysis.report import write_rows
from lightning_modules.sed.analysis.score_curves import score_curve_rows
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
    """Metrics of a system's curves and clip probabilities, with ``score_curves.csv`` of the analysis.

    ``chosen`` and ``gate`` are how its events were cut, and in which classes of each clip. Labels that curves cannot be
    scored on (an event that lasts no time) are a warning, and leave the metrics of tags.
    """
    tags_only = CurveScores({TAGGING: _tags(clip_scores(own), test)})
    if test.events is None:
        return _kept(tags_only, output_dir)
    try:
        scores = _of_events(own, on_validation, chosen, gate, validation=validation, test=test)
    except CurveError as error:
        warnings.warn(f"no metrics of curves: {error}", RunWarning, stacklevel=2)
        return _kept(tags_only, output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    lines = score_curve_rows(scores.statistics["raw/collar"], scores.statistics["raw/psds1"])
    write_rows(output_dir / "score_curves.csv", lines)
    return _kept(replace(scores, statistics={**scores.statistics, **tags_only.statistics}), output_dir)


def _of_events(
    own: DetectionPredictions,
    on_validation: DetectionPredictions,
    chosen: FittedPostProcessing,
    gate: Mapping[str, Set[str]],
    *,
    validation: ClipReferences,
    test: ClipReferences,
) -> CurveScores:
    """Over the clips with strong labels."""
    assert test.events is not None
    clips, durations = test.events, test.duration_seconds
    raw = _scored(raw_curves(own, clips=clips, duration_seconds=durations), test)
    ready = _scored(processed_curves(own, chosen, gate, clips=clips, duration_seconds=durations), test)
    seen = None
    if validation.events is not None:
        durations = validation.duration_seconds
        seen = _scored(raw_curves(on_validation, clips=validation.events, duration_seconds=durations), validation)
    scores = raw_scores(raw, seen)
    return replace(scores, statistics={**scores.statistics, **processed_statistics(ready)})


def score_clips(scores: ClipScores, test: ClipReferences, *, output_dir: Path) -> dict[str, float]:
    """Metrics of a tagger."""
    return _kept(CurveScores({TAGGING: _tags(scores, test)}), output_dir)


def score_whole_clips(scores: ClipScores, test: ClipReferences, *, output_dir: Path) -> dict[str, float]:
    """Metrics of a row that says of each clip how sure it is of each class, and nothing of when."""
    tags_only = CurveScores({TAGGING: _tags(scores, test)})
    if test.events is None:
        return _kept(tags_only, output_dir)
    of_events = {clip: scores[clip] for clip in test.events}
    try:
        curves = whole_clip_curves(test.classes, of_events, duration_seconds=test.duration_seconds)
        found = raw_scores(_scored(curves, test), None)
    except CurveError as error:
        warnings.warn(f"no metrics of curves: {error}", RunWarning, stacklevel=2)
        return _kept(tags_only, output_dir)
    return _kept(replace(found, statistics={**found.statistics, **tags_only.statistics}), output_dir)


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
