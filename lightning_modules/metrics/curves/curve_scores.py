"""All figures of a split's score curves, over its clips or over any resample of them.

``CurveStatistics.of`` looks at the curves once; ``figures`` and ``figure`` then sum its clip statistics, each with a
weight a clip: ``statistics.figures(weights_N)`` of a bootstrap's draw (how often clip n was drawn; order of
``statistics.clips``) costs no matching. Two systems are compared on the same weights. Names of figures are those of
``FIGURES``; rates are 0-1, NaN where undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import ClipStatistics, weighted_sum
from lightning_modules.metrics.curves.f_scores import (
    best_error_rate,
    best_f1,
    error_rate_at,
    f1_at,
    fitted_thresholds,
    mean_of_defined,
)
from lightning_modules.metrics.curves.intersection import IntersectionCriterion, intersection_statistics
from lightning_modules.metrics.curves.one_to_one import CollarCriterion, OverlapCriterion, one_to_one_statistics
from lightning_modules.metrics.curves.psds import PSDS1, PSDS2, psds
from lightning_modules.metrics.curves.ranking import average_precision, partial_auc
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.metrics.curves.segments import Segments, segment_errors, segment_statistics, segments_of
from lightning_modules.metrics.curves.tags import tag_statistics

Floats = NDArray[np.float64]
Thresholds = Mapping[str, Floats]
"""Thresholds by class (C,) of each criterion with thresholds: collar, intersection, segment, tagging."""


@dataclass(frozen=True, kw_only=True)
class CurveSettings:
    """Tolerances. ``threshold`` is the one that figures "at" a threshold are given at; IoUs are percentages."""

    threshold: float = 0.5
    collar: CollarCriterion = field(default_factory=CollarCriterion)
    intersection: IntersectionCriterion = field(default_factory=IntersectionCriterion)
    segment_seconds: float = 1.0
    iou_percents: tuple[int, ...] = (30, 50, 70)
    max_fpr: float = 0.1


@dataclass(frozen=True)
class CurveStatistics:
    """Clip statistics of every criterion, of one system on one split."""

    settings: CurveSettings
    collar: ClipStatistics
    intersection: ClipStatistics
    psds1: ClipStatistics
    psds2: ClipStatistics
    overlaps: Mapping[int, ClipStatistics]  # by IoU in percent
    segment: ClipStatistics
    tagging: ClipStatistics
    segments: Segments

    @classmethod
    def of(
        cls,
        scored: ScoredClips,
        settings: CurveSettings | None = None,
        *,
        tags: Mapping[str, Set[str]] | None = None,
        clip_scores_NC: NDArray[np.floating] | None = None,
    ) -> CurveStatistics:
        """Look at the curves. ``tags`` and ``clip_scores_NC`` (clips in the order of ``scored.clips``) are for tagging;
        without them a clip's tags are the classes of its events, its scores the highest of its curves."""
        settings = settings or CurveSettings()
        segments = segments_of(scored, settings.segment_seconds)
        return cls(
            settings=settings,
            collar=one_to_one_statistics(scored, settings.collar),
            intersection=intersection_statistics(scored, settings.intersection),
            psds1=intersection_statistics(scored, PSDS1.criterion),
            psds2=intersection_statistics(scored, PSDS2.criterion),
            overlaps={iou: one_to_one_statistics(scored, OverlapCriterion(iou / 100)) for iou in settings.iou_percents},
            segment=segment_statistics(scored, segments),
            tagging=tag_statistics(scored, tags=tags, scores_NC=clip_scores_NC),
            segments=segments,
        )

    @property
    def clips(self) -> tuple[str, ...]:
        """The clips, in the order of ``weights_N``."""
        return self.collar.clips

    def thresholded(self) -> dict[str, ClipStatistics]:
        """The criteria whose figures depend on a threshold."""
        return {
            "collar": self.collar,
            "intersection": self.intersection,
            "segment": self.segment,
            "tagging": self.tagging,
        }

    def fitted(self) -> dict[str, Floats]:
        """Each criterion's thresholds of the best F1 here: to be used on another split, never on this one."""
        return {name: fitted_thresholds(statistics) for name, statistics in self.thresholded().items()}

    def figure(self, name: str, weights_N: Floats | None = None, *, fitted: Thresholds | None = None) -> float:
        """One of ``FIGURES``, or with ``fitted`` thresholds of ``FITTED_FIGURES``."""
        if name in FITTED_FIGURES:
            if fitted is None:
                raise ValueError(f"{name} needs thresholds that were fitted on another split")
            criterion = FITTED_FIGURES[name]
            return f1_at(self.thresholded()[criterion], fitted[criterion], weights_N).macro
        return FIGURES[name](self, weights_N)

    def figures(
        self,
        weights_N: Floats | None = None,
        *,
        fitted: Thresholds | None = None,
        names: Iterable[str] | None = None,
    ) -> dict[str, float]:
        """``names`` (default: all of ``FIGURES``, with ``fitted`` also ``FITTED_FIGURES``) over all clips or a draw."""
        if names is None:
            names = (*FIGURES, *(FITTED_FIGURES if fitted is not None else ()))
        return {name: self.figure(name, weights_N, fitted=fitted) for name in names}


def segment_error_rate(statistics: CurveStatistics, weights_N: Floats | None = None) -> float:
    """sed_eval's overall error rate at ``settings.threshold``: substitutions, deletions and insertions."""
    thresholds_C = np.full(len(statistics.segment.classes), statistics.settings.threshold)
    errors_N2 = segment_errors(statistics.segments, thresholds_C, num_clips=len(statistics.clips))
    errors, active = weighted_sum(errors_N2, weights_N)
    return float(errors / active) if active else float("nan")


def _event_map(statistics: CurveStatistics, weights_N: Floats | None) -> float:
    values = [mean_of_defined(average_precision(s, weights_N, interpolated=True)) for s in statistics.overlaps.values()]
    return float(np.mean(values)) if values else float("nan")


Figure = Callable[[CurveStatistics, Floats | None], float]

FIGURES: dict[str, Figure] = {
    "psds1": lambda s, w: psds(s.psds1, PSDS1, w).value,
    "psds1_without_st": lambda s, w: psds(s.psds1, PSDS1, w).without_st,
    "psds2": lambda s, w: psds(s.psds2, PSDS2, w).value,
    "psds2_without_st": lambda s, w: psds(s.psds2, PSDS2, w).without_st,
    "collar_f1_macro": lambda s, w: f1_at(s.collar, s.settings.threshold, w).macro,
    "collar_f1_micro": lambda s, w: f1_at(s.collar, s.settings.threshold, w).micro,
    "collar_f1_best": lambda s, w: best_f1(s.collar, w).macro,
    "intersection_f1_macro": lambda s, w: f1_at(s.intersection, s.settings.threshold, w).macro,
    "intersection_f1_micro": lambda s, w: f1_at(s.intersection, s.settings.threshold, w).micro,
    "intersection_f1_best": lambda s, w: best_f1(s.intersection, w).macro,
    "segment_f1_macro": lambda s, w: f1_at(s.segment, s.settings.threshold, w).macro,
    "segment_f1_micro": lambda s, w: f1_at(s.segment, s.settings.threshold, w).micro,
    "segment_f1_best": lambda s, w: best_f1(s.segment, w).macro,
    "segment_er": segment_error_rate,
    "segment_er_macro": lambda s, w: error_rate_at(s.segment, s.settings.threshold, w).macro,
    "segment_er_best": lambda s, w: best_error_rate(s.segment, w).macro,
    "segment_mpauc": lambda s, w: mean_of_defined(partial_auc(s.segment, w, max_fpr=s.settings.max_fpr)),
    "event_map": _event_map,
    "tagging_f1_macro": lambda s, w: f1_at(s.tagging, s.settings.threshold, w).macro,
    "tagging_f1_micro": lambda s, w: f1_at(s.tagging, s.settings.threshold, w).micro,
    "tagging_f1_best": lambda s, w: best_f1(s.tagging, w).macro,
    "tagging_map": lambda s, w: mean_of_defined(average_precision(s.tagging, w)),
    "tagging_mpauc": lambda s, w: mean_of_defined(partial_auc(s.tagging, w, max_fpr=s.settings.max_fpr)),
}
"""Every figure that needs no other split, by name. Macro where nothing else is said; ``best`` is by class."""

FITTED_FIGURES: dict[str, str] = {
    f"{criterion}_f1_fitted": criterion for criterion in ("collar", "intersection", "segment", "tagging")
}
"""Macro F1 at thresholds fitted on another split, and whose thresholds they are."""
