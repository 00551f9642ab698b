"""What each threshold of a class's raw curves would give: F1 of events by threshold, and the PSD-ROC.

The ROC has false positives an hour against the share of reference events found, by the intersection criterion of PSDS1;
at each rate the best share of any threshold that stays within it, as PSDS takes it.
"""

from __future__ import annotations

import numpy as np

from lightning_modules.metrics.curves.clip_statistics import FALSE_POSITIVES, TRUE_POSITIVES, ClipStatistics
from lightning_modules.metrics.curves.f_scores import f1

THRESHOLDS = np.arange(1, 100) / 100
RATES_AN_HOUR = np.arange(0.0, 101.0)
F1, ROC = "f1", "roc"


def score_curve_rows(collar: ClipStatistics, psds1: ClipStatistics) -> list[dict[str, object]]:
    """Lines of ``score_curves.csv``: ``at`` is a threshold of the curve ``f1``, or a rate an hour of ``roc``.

    A class without reference events has none.
    """
    rows: list[dict[str, object]] = []
    for column, label in enumerate(collar.classes):
        num_reference = float(collar.num_reference_NC[:, column].sum())
        if num_reference:
            values = _f1_by_threshold(collar, column, num_reference)
            rows += _lines(label, F1, THRESHOLDS, values)
            rows += _lines(label, ROC, RATES_AN_HOUR, _found_by_rate(psds1, column, num_reference))
    return rows


def _lines(label: str, curve: str, at: np.ndarray, values: np.ndarray) -> list[dict[str, object]]:
    pairs = zip(at.tolist(), values.tolist(), strict=True)
    return [{"class": label, "curve": curve, "at": f"{x:g}", "value": f"{y:.4f}"} for x, y in pairs]


def _f1_by_threshold(statistics: ClipStatistics, column: int, num_reference: float) -> np.ndarray:
    scores_J, counts_JS = statistics.changes[column].points()
    above = np.searchsorted(-scores_J, -THRESHOLDS) - 1  # the last score above each threshold
    counts_XS = counts_JS[above]
    return f1(counts_XS[:, TRUE_POSITIVES], counts_XS[:, FALSE_POSITIVES], num_reference)


def _found_by_rate(statistics: ClipStatistics, column: int, num_reference: float) -> np.ndarray:
    counts_JS = statistics.changes[column].points().counts_JS
    hours = float(statistics.duration_seconds_N.sum()) / 3600
    rates_J, found_J = counts_JS[:, FALSE_POSITIVES] / hours, counts_JS[:, TRUE_POSITIVES] / num_reference
    order_J = np.argsort(rates_J, kind="stable")
    best_J = np.maximum.accumulate(found_J[order_J])
    within = np.searchsorted(rates_J[order_J], RATES_AN_HOUR, side="right") - 1  # the first point has no detection
    return best_J[within]
