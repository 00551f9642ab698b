"""F1 and error rate of clip statistics: at given thresholds, at the best ones, and thresholds fitted for another split.

Policy as everywhere (``metrics/event_scores.py``): a class with reference events and no detection counts 0 in the macro
mean, one without reference events leaves it. A best threshold is chosen by class, in the middle between the score below
which the figure is reached and the next at which a count changes; of equals the highest (sed_scores_eval's choice).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import (
    FALSE_POSITIVES,
    TRUE_POSITIVES,
    ClipStatistics,
    weighted_sum,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassRates:
    """A rate by class (NaN where the class has no reference events), its macro mean and its micro value.

    ``thresholds_C`` are those that it holds at (inf: detect nothing).
    """

    by_class: Floats
    macro: float
    micro: float
    thresholds_C: Floats


def f1_at(
    statistics: ClipStatistics, thresholds: float | Sequence[float] | Floats, weights_N: Floats | None = None
) -> ClassRates:
    """F1 where detections are scores above one threshold, or above one a class."""
    return _at(statistics, _spread(statistics, thresholds), weights_N, f1)


def error_rate_at(
    statistics: ClipStatistics, thresholds: float | Sequence[float] | Floats, weights_N: Floats | None = None
) -> ClassRates:
    """Deletions and insertions per reference event; micro without substitutions, which need classes side by side."""
    return _at(statistics, _spread(statistics, thresholds), weights_N, error_rate)


def best_f1(statistics: ClipStatistics, weights_N: Floats | None = None) -> ClassRates:
    """The highest F1 of each class over all its thresholds; on test data a bound, not what anybody would have had."""
    return _best(statistics, weights_N, f1, sign=1)


def best_error_rate(statistics: ClipStatistics, weights_N: Floats | None = None) -> ClassRates:
    """The lowest error rate of each class over all its thresholds."""
    return _best(statistics, weights_N, error_rate, sign=-1)


def fitted_thresholds(statistics: ClipStatistics, *, without_events: float = 0.5) -> Floats:
    """Each class's threshold of the highest F1, fitted on one split to be used on another, (C,).

    A class without reference events has nothing to fit: it gets ``without_events``.
    """
    return np.where(statistics.num_reference_C() > 0, best_f1(statistics).thresholds_C, without_events)


Rate = Callable[[Floats, Floats, Floats | float], Floats]


def f1(hits: Floats, false_alarms: Floats, num_reference: Floats | float) -> Floats:
    """``2 TP / (reference + estimated)``; NaN without reference events."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(num_reference) > 0, 2 * hits / (num_reference + hits + false_alarms), np.nan)


def error_rate(hits: Floats, false_alarms: Floats, num_reference: Floats | float) -> Floats:
    """``(reference - TP + FP) / reference``; NaN without reference events."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(num_reference) > 0, (num_reference - hits + false_alarms) / num_reference, np.nan)


def mean_of_defined(values_C: Floats) -> float:
    """Their mean without NaN; NaN where all are."""
    defined = values_C[~np.isnan(values_C)]
    return float(defined.mean()) if len(defined) else float("nan")


def _spread(statistics: ClipStatistics, thresholds: float | Sequence[float] | Floats) -> Floats:
    return np.broadcast_to(np.asarray(thresholds, dtype=np.float64), len(statistics.classes)).copy()


def _at(statistics: ClipStatistics, thresholds_C: Floats, weights_N: Floats | None, rate: Rate) -> ClassRates:
    counts_NC2 = statistics.at(thresholds_C)[..., : FALSE_POSITIVES + 1]
    sums_C2 = weighted_sum(counts_NC2.reshape(len(counts_NC2), -1), weights_N).reshape(counts_NC2.shape[1:])
    return _rates(sums_C2, statistics.num_reference_C(weights_N), thresholds_C, rate)


def _best(statistics: ClipStatistics, weights_N: Floats | None, rate: Rate, *, sign: int) -> ClassRates:
    """Each class at its highest rate (``sign`` 1) or its lowest (-1); classes without reference events at inf."""
    num_reference_C = statistics.num_reference_C(weights_N)
    thresholds_C, sums_C2 = np.full(len(num_reference_C), np.inf), np.zeros((len(num_reference_C), 2))
    for column in np.flatnonzero(num_reference_C > 0):
        changes = statistics.changes[column]
        scores_J, counts_JS = changes.points(weights_N)
        counts_J2 = counts_JS[:, : FALSE_POSITIVES + 1]
        hits_J, false_J = counts_J2[:, TRUE_POSITIVES], counts_J2[:, FALSE_POSITIVES]
        best = int(np.argmax(sign * rate(hits_J, false_J, num_reference_C[column])))
        below = scores_J[best + 1] if best + 1 < len(scores_J) else -np.inf
        thresholds_C[column], sums_C2[column] = _between(float(scores_J[best]), float(below)), counts_J2[best]
    return _rates(sums_C2, num_reference_C, thresholds_C, rate)


def _rates(sums_C2: Floats, num_reference_C: Floats, thresholds_C: Floats, rate: Rate) -> ClassRates:
    hits_C, false_C = sums_C2[:, TRUE_POSITIVES], sums_C2[:, FALSE_POSITIVES]
    by_class = rate(hits_C, false_C, num_reference_C)
    micro = rate(hits_C.sum(keepdims=True), false_C.sum(keepdims=True), num_reference_C.sum(keepdims=True))
    return ClassRates(by_class, mean_of_defined(by_class), float(micro[0]), thresholds_C)


def _between(score: float, below: float) -> float:
    """The middle, unless rounding makes it the score itself, which a threshold must stay below."""
    middle = (score + below) / 2
    return middle if middle < score or score == np.inf else below
