"""The clip statistics behind a run's curve metrics: made of its curves, and summed to metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.f_scores import f1_at, fitted_thresholds
from lightning_modules.metrics.curves.intersection import IntersectionCriterion, intersection_statistics
from lightning_modules.metrics.curves.one_to_one import CollarCriterion, OverlapCriterion, one_to_one_statistics
from lightning_modules.metrics.curves.psds import PSDS1, PSDS2
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.metrics.curves.segments import segment_errors, segment_statistics, segments_of
from lightning_modules.sed.curve_scores.metrics import CUT, IOU_PERCENTS, RANKED, SEGMENT_ER

TAGGING = "clip/tags"
HALF, SEGMENT_SECONDS = 0.5, 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CurveScores:
    """Statistics by name (``raw/psds1``, ``clip/tags`` …), each over its own clips.

    ``fitted`` has thresholds by class (C,) of raw statistics; ``segment_errors_N2`` errors and active segments at 0.5.
    """

    statistics: Mapping[str, ClipStatistics]
    fitted: Mapping[str, Floats] = field(default_factory=dict)
    segment_errors_N2: Floats | None = None

    def metrics(self) -> dict[str, float]:
        """All that these statistics give and that are defined."""
        found = {
            metric: of.figure([self.statistics[name] for name in of.statistics], None)
            for metric, of in RANKED.items()
            if self.statistics.keys() >= set(of.statistics)
        }
        for metric in CUT:
            if (thresholds_C := self.thresholds(metric)) is not None:
                found[metric] = f1_at(self.statistics[CUT[metric][0]], thresholds_C).macro
        if self.segment_errors_N2 is not None and self.segment_errors_N2[:, 1].any():
            errors, active = self.segment_errors_N2.sum(axis=0)
            found[SEGMENT_ER] = float(errors / active)
        return {metric: value for metric, value in found.items() if not math.isnan(value)}

    def thresholds(self, metric: str) -> Floats | None:
        """Those of a ``CUT`` metric, (C,); None where its statistics or what it is fitted on are not there."""
        name, at = CUT[metric]
        if name not in self.statistics:
            return None
        return np.full(len(self.statistics[name].classes), HALF) if at == "at_half" else self.fitted.get(name)


def raw_scores(test: ScoredClips, validation: ScoredClips | None) -> CurveScores:
    """Of the network's curves; thresholds are fitted on ``validation`` where it may be seen."""
    statistics = {
        "raw/psds1": intersection_statistics(test, PSDS1.criterion),
        "raw/psds2": intersection_statistics(test, PSDS2.criterion),
        **{f"raw/iou_{iou}": one_to_one_statistics(test, OverlapCriterion(iou / 100)) for iou in IOU_PERCENTS},
        **_thresholded(test),
    }
    fitted = (
        {} if validation is None else {name: fitted_thresholds(of) for name, of in _thresholded(validation).items()}
    )
    thresholds_C = np.full(len(test.classes), HALF)
    errors_N2 = segment_errors(segments_of(test, SEGMENT_SECONDS), thresholds_C, num_clips=len(test.clips))
    return CurveScores(statistics, fitted, errors_N2)


def _thresholded(scored: ScoredClips) -> dict[str, ClipStatistics]:
    return {
        "raw/intersection": intersection_statistics(scored, IntersectionCriterion()),
        "raw/collar": one_to_one_statistics(scored, CollarCriterion()),
        "raw/segment": segment_statistics(scored, segments_of(scored, SEGMENT_SECONDS)),
    }


def processed_statistics(scored: ScoredClips) -> dict[str, ClipStatistics]:
    """Of the curves that a row's thresholds are laid on."""
    return {
        "processed/psds1": intersection_statistics(scored, PSDS1.criterion),
        "processed/psds2": intersection_statistics(scored, PSDS2.criterion),
    }
