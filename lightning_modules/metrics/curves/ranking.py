"""Figures of a whole ranking: average precision and the area below the first part of the ROC.

``average_precision`` of tags is ``Σ (R_n - R_{n-1}) P_n`` over the distinct scores. Of events it is the area below the
interpolated curve of ActivityNet's detection task (Caba Heilbron et al., CVPR 2015; PASCAL VOC's since 2010): precision
at a recall is the best at that recall or more. There detections carry a score each; here a curve's events at one
threshold are one list of detections, matched one to one with the reference, and every threshold gives a point.
``partial_auc`` is the area below the staircase ROC up to a false positive rate, divided by it: DCASE 2024 task 4's
mpAUC with segments of 1 s and a rate of 0.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import (
    FALSE_POSITIVES,
    TRUE_POSITIVES,
    ClipStatistics,
    weighted_sum,
)

Floats = NDArray[np.float64]


def average_precision(
    statistics: ClipStatistics, weights_N: Floats | None = None, *, interpolated: bool = False
) -> Floats:
    """By class (C,), NaN without reference. ``interpolated`` for events, whose recall may fall with the threshold."""
    values = []
    for changes, num_reference in zip(statistics.changes, statistics.num_reference_C(weights_N), strict=True):
        if not num_reference:
            values.append(float("nan"))
            continue
        counts_JS = changes.points(weights_N).counts_JS
        hits_J, false_J = counts_JS[:, TRUE_POSITIVES], counts_JS[:, FALSE_POSITIVES]
        if interpolated:
            hits_J, false_J = _best_of_each(hits_J, false_J)
        recall_J, precision_J = hits_J / num_reference, hits_J / np.maximum(hits_J + false_J, 1)
        if interpolated:
            precision_J = np.maximum.accumulate(precision_J[::-1])[::-1]
        values.append(float(np.diff(recall_J) @ precision_J[1:]))
    return np.array(values)


def _best_of_each(hits_J: Floats, false_J: Floats) -> tuple[Floats, Floats]:
    """Rising numbers of hits, each once, and the fewest false alarms that each comes with."""
    first_L = np.flatnonzero(np.append(True, hits_J[1:] != hits_J[:-1]))  # few: most points change false alarms alone
    fewest_L, hits_L = np.minimum.reduceat(false_J, first_L), hits_J[first_L]
    order_L = np.lexsort((fewest_L, hits_L))
    hits_L, fewest_L = hits_L[order_L], fewest_L[order_L]
    is_new_L = np.append(True, hits_L[1:] != hits_L[:-1])
    return hits_L[is_new_L], fewest_L[is_new_L]


def partial_auc(statistics: ClipStatistics, weights_N: Floats | None = None, *, max_fpr: float = 0.1) -> Floats:
    """By class (C,), NaN where nothing or everything has the class."""
    num_negative_C = weighted_sum(statistics.num_negative_NC, weights_N)
    values = []
    for changes, num_reference, num_negative in zip(
        statistics.changes, statistics.num_reference_C(weights_N), num_negative_C, strict=True
    ):
        if not (num_reference and num_negative):
            values.append(float("nan"))
            continue
        counts_JS = changes.points(weights_N).counts_JS
        fpr_J, tpr_J = counts_JS[:, FALSE_POSITIVES] / num_negative, counts_JS[:, TRUE_POSITIVES] / num_reference
        kept = int(np.searchsorted(fpr_J, max_fpr, side="right"))
        values.append(float(np.diff(np.append(fpr_J[:kept], max_fpr)) @ tpr_J[:kept]) / max_fpr)
    return np.array(values)
