"""Of one run's stored curve statistics: what a report draws its curve metrics from.

Metrics at every threshold (PSDS, mAP, the best F1) are figures of weighted clips; those at given thresholds are F1 of
summed counts like any other. A pack has such a file where ``--curves`` asked for it: without, its columns of these
metrics have figures and no tests.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from experiments.statistics.paired_bootstrap import MacroF1, Ratio, UnitCounts, Units
from experiments.statistics.unit_statistics import Floats, UnitStatistics
from lightning_modules.metrics.curves.clip_statistics import FALSE_POSITIVES, TRUE_POSITIVES, ClipStatistics
from lightning_modules.metrics.curves.psds import PSDS1
from lightning_modules.metrics.curves.psds_on_draws import psds_on_draws
from lightning_modules.sed.curve_scores.metrics import CUT, RANKED, SEGMENT_ER
from lightning_modules.sed.curve_scores.statistics import CurveScores
from lightning_modules.sed.curve_scores.statistics_file import load

METRICS = frozenset((*RANKED, *CUT, SEGMENT_ER))
DRAWN_AT_ONCE = {
    "test/psds1": PSDS1,
    "test/psds1_without_st": replace(PSDS1, alpha_st=0.0),
    "test/psds1_processed": PSDS1,
}


def curve_counts(path: Path, metrics: Collection[str]) -> dict[str, Units]:
    """Of those of ``metrics`` that the file has something of; nothing else of it is read."""
    ranked = {metric: RANKED[metric] for metric in metrics if metric in RANKED}
    cut = [metric for metric in metrics if metric in CUT]
    names = {name for of in ranked.values() for name in of.statistics} | {CUT[metric][0] for metric in cut}
    if SEGMENT_ER in metrics:
        names.add("raw/segment")  # which says of which clips its errors are
    scores = load(path, names)
    counts: dict[str, Units] = {
        metric: _of_weights(metric, [scores.statistics[name] for name in of.statistics])
        for metric, of in ranked.items()
        if scores.statistics.keys() >= set(of.statistics)
    }
    counts |= {metric: _at(scores, metric, of) for metric in cut if (of := scores.thresholds(metric)) is not None}
    if SEGMENT_ER in metrics and scores.segment_errors_N2 is not None:
        clips = scores.statistics["raw/segment"].clips
        counts[SEGMENT_ER] = UnitCounts("clips", clips, scores.segment_errors_N2, Ratio())
    return counts


def _of_weights(metric: str, statistics: list[ClipStatistics]) -> UnitStatistics:
    seen = np.concatenate([_seen(of) for of in statistics], axis=1)
    settings = DRAWN_AT_ONCE.get(metric)
    return UnitStatistics(
        "clips", statistics[0].clips, seen, partial(RANKED[metric].figure, statistics),
        figures=None if settings is None else partial(psds_on_draws, statistics[0], settings),
    )  # fmt: skip


def _seen(statistics: ClipStatistics) -> Floats:
    """(N, C * S * 2): sums over each clip's changes that two systems share only where they score it alike."""
    columns = []
    for changes in statistics.changes:
        for deltas_K in changes.deltas_KS.T:
            for power in (1, 2):
                weights_K = deltas_K * (1 + changes.scores_K) ** power
                columns.append(np.bincount(changes.clips_K, weights=weights_K, minlength=len(statistics.clips)))
    return np.stack(columns, axis=1).astype(np.float64)


def _at(scores: CurveScores, metric: str, thresholds_C: Floats) -> UnitCounts:
    """TP, reference and estimated of each class in turn."""
    statistics = scores.statistics[CUT[metric][0]]
    counts_NCS = statistics.at(thresholds_C)
    right_NC = counts_NCS[..., TRUE_POSITIVES]
    found_NC = right_NC + counts_NCS[..., FALSE_POSITIVES]
    by_class = np.stack([right_NC, statistics.num_reference_NC, found_NC], axis=2)
    return UnitCounts("clips", statistics.clips, by_class.reshape(len(by_class), -1).astype(float), MacroF1())
