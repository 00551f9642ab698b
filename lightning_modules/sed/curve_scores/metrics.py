"""A run's metrics that are made of curves: their names, of which clip statistics they are, and by which figure.

*Ranked* metrics look at every threshold: they are no rate of summed counts, but a figure of statistics that clips may
weigh in (``metrics/curves/clip_statistics.py``). *Cut* metrics are macro F1 at one threshold a class: ``at_half`` is
0.5, ``fitted`` the best one on validation events, for rows that see them. ``best`` is the best one on the test split
itself, a bound that nobody would have reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.f_scores import best_error_rate, best_f1, mean_of_defined
from lightning_modules.metrics.curves.psds import PSDS1, PSDS2, psds
from lightning_modules.metrics.curves.ranking import average_precision, partial_auc

Floats = NDArray[np.float64]
IOU_PERCENTS = (30, 50, 70)
MAX_FPR = 0.1  # of mpAUC


class Ranked(NamedTuple):
    """``figure`` of the named statistics, for (N,) weights of clips (None: 1 each)."""

    statistics: tuple[str, ...]
    figure: Callable[[Sequence[ClipStatistics], Floats | None], float]


def _psds1(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return psds(of[0], PSDS1, weights_N).value


def _psds1_without_st(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return psds(of[0], PSDS1, weights_N).without_st


def _psds2(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return psds(of[0], PSDS2, weights_N).value


def _psds2_without_st(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return psds(of[0], PSDS2, weights_N).without_st


def _best_f1(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return best_f1(of[0], weights_N).macro


def _best_error_rate(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return best_error_rate(of[0], weights_N).macro


def _event_map(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    """The mean over classes of each IoU, and of these the mean."""
    by_iou = [mean_of_defined(average_precision(one, weights_N, interpolated=True)) for one in of]
    return float(np.mean(by_iou))


def _map(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return mean_of_defined(average_precision(of[0], weights_N))


def _mpauc(of: Sequence[ClipStatistics], weights_N: Floats | None) -> float:
    return mean_of_defined(partial_auc(of[0], weights_N, max_fpr=MAX_FPR))


RANKED = {
    "test/psds1": Ranked(("raw/psds1",), _psds1),
    "test/psds1_without_st": Ranked(("raw/psds1",), _psds1_without_st),
    "test/psds2": Ranked(("raw/psds2",), _psds2),
    "test/psds2_without_st": Ranked(("raw/psds2",), _psds2_without_st),
    "test/psds1_processed": Ranked(("processed/psds1",), _psds1),
    "test/psds2_processed": Ranked(("processed/psds2",), _psds2),
    "test/event_map": Ranked(tuple(f"raw/iou_{iou}" for iou in IOU_PERCENTS), _event_map),
    "test/intersection_f1_best": Ranked(("raw/intersection",), _best_f1),
    "test/collar_f1_best": Ranked(("raw/collar",), _best_f1),
    "test/segment_f1_best": Ranked(("raw/segment",), _best_f1),
    "test/segment_er_best": Ranked(("raw/segment",), _best_error_rate),
    "test/segment_mpauc": Ranked(("raw/segment",), _mpauc),
    "test/tagging_map": Ranked(("clip/tags",), _map),
    "test/tagging_mpauc": Ranked(("clip/tags",), _mpauc),
}
CUT = {  # metric -> the statistics, and at which thresholds
    f"test/{criterion}_f1_{at}": (f"raw/{criterion}", at)
    for criterion in ("intersection", "collar", "segment")
    for at in ("at_half", "fitted")
}
SEGMENT_ER = "test/segment_er_at_half"  # of errors and active segments by clip
