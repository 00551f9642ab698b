"""The polyphonic sound detection score at every operating point.

Bilen et al. (ICASSP 2020), computed exactly as by Ebbers, Serizel & Haeb-Umbach (ICASSP 2022): a class's effective
false positive rate is its false positives an hour plus ``alpha_ct`` times the mean over the other classes of its cross
triggers an hour of their events; its ROC is a staircase of the share of events found; PSDS is the area below
``mean - alpha_st * standard deviation`` of the classes' staircases up to ``max_efpr``, divided by it.

A class without reference events has no staircase: it is left out, as a class whose events are found and as one that is
triggered, so that the figure is sed_scores_eval's on the classes that have events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import (
    CROSS_TRIGGERS,
    FALSE_POSITIVES,
    TRUE_POSITIVES,
    ClipStatistics,
    weighted_sum,
)
from lightning_modules.metrics.curves.intersection import IntersectionCriterion

Floats = NDArray[np.float64]
SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class PsdsSettings:
    """``max_efpr`` is per hour. The two scenarios of DCASE task 4 are ``PSDS1`` and ``PSDS2``."""

    criterion: IntersectionCriterion
    alpha_ct: float = 0.0
    alpha_st: float = 1.0
    max_efpr: float = 100.0


PSDS1 = PsdsSettings(IntersectionCriterion(dtc=0.7, gtc=0.7))
PSDS2 = PsdsSettings(IntersectionCriterion(dtc=0.1, gtc=0.1, cttc=0.3), alpha_ct=0.5)


@dataclass(frozen=True)
class Psds:
    """In [0, 1]. ``value`` with the settings' ``alpha_st``, ``without_st`` with 0; by class NaN without events."""

    value: float
    without_st: float
    by_class: Floats


def psds(statistics: ClipStatistics, settings: PsdsSettings, weights_N: Floats | None = None) -> Psds:
    """PSDS of statistics under ``settings.criterion``; NaN where no class has a reference event."""
    num_reference_C = statistics.num_reference_C(weights_N)
    present = np.flatnonzero(num_reference_C > 0)
    by_class = np.full(len(statistics.classes), np.nan)
    if not len(present):
        return Psds(float("nan"), float("nan"), by_class)
    stairs = [_staircase(statistics, int(c), present, settings, num_reference_C, weights_N) for c in present]
    rates_U = np.unique(np.concatenate([rates for rates, _ in stairs]))
    found_CU = np.stack([np.append(0.0, f)[np.searchsorted(r, rates_U, side="right")] for r, f in stairs])
    widths_U = np.diff(np.append(rates_U, settings.max_efpr)) / settings.max_efpr
    mean_U = found_CU.mean(axis=0)
    steady_U = np.maximum(mean_U - settings.alpha_st * found_CU.std(axis=0), 0.0)
    by_class[present] = found_CU @ widths_U
    return Psds(float(steady_U @ widths_U), float(mean_U @ widths_U), by_class)


def _staircase(
    statistics: ClipStatistics,
    column: int,
    present: NDArray[np.int64],
    settings: PsdsSettings,
    num_reference_C: Floats,
    weights_N: Floats | None,
) -> tuple[Floats, Floats]:
    """Rising effective false positive rates up to the highest, and the best share of events found up to each."""
    hours = float(weighted_sum(statistics.duration_seconds_N[:, None], weights_N)[0]) / SECONDS_AN_HOUR
    others = present[present != column]
    changes = statistics.changes[column]
    if settings.alpha_ct and len(others):
        other_hours = weighted_sum(statistics.reference_seconds_NC, weights_N)[others] / SECONDS_AN_HOUR
        mixed_S3 = np.eye(changes.deltas_KS.shape[1], 3)  # found, false and the mean of cross triggers an hour
        mixed_S3[:, CROSS_TRIGGERS] = 0.0
        mixed_S3[CROSS_TRIGGERS + others, CROSS_TRIGGERS] = 1.0 / other_hours / len(others)
        counts_JS = changes.points(weights_N, mixed_SM=mixed_S3).counts_JS
        rates_J = counts_JS[:, FALSE_POSITIVES] / hours + settings.alpha_ct * counts_JS[:, CROSS_TRIGGERS]
    else:
        counts_JS = changes.points(weights_N).counts_JS
        rates_J = counts_JS[:, FALSE_POSITIVES] / hours
    kept_J = rates_J <= settings.max_efpr
    rates_J, found_J = rates_J[kept_J], counts_JS[kept_J, TRUE_POSITIVES] / num_reference_C[column]
    order_J = np.argsort(rates_J, kind="stable")
    rates_J, best_J = rates_J[order_J], np.maximum.accumulate(found_J[order_J])
    is_last_J = np.append(rates_J[1:] != rates_J[:-1], True)
    return rates_J[is_last_J], best_J[is_last_J]
