"""The intersection criterion: how much of a detection lies in reference events, and how much of them it covers.

Bilen, Ferroni, Tuveri, Azcarreta & Krstulović, "A framework for the robust evaluation of sound event detection"
(ICASSP 2020). A detection counts (DTC) if reference events of its class fill a share of it, else it is a false
positive; a reference event is found (GTC) if counting detections fill a share of it; a false positive is a cross
trigger (CTTC) with every other class whose reference events fill a share of it. Sums and limits are compared rounded to
a microsecond, as sed_scores_eval does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import (
    CROSS_TRIGGERS,
    FALSE_POSITIVES,
    TRUE_POSITIVES,
    Changes,
    ClipStatistics,
)
from lightning_modules.metrics.curves.pairs import Pairs, overlapping
from lightning_modules.metrics.curves.runs import Runs
from lightning_modules.metrics.curves.scored_clips import ScoredClips

TIME_DECIMALS = 6


@dataclass(frozen=True)
class IntersectionCriterion:
    """Shares in (0, 1]; without ``cttc`` no cross triggers are counted."""

    dtc: float = 0.5
    gtc: float = 0.5
    cttc: float | None = None


def intersection_statistics(scored: ScoredClips, criterion: IntersectionCriterion) -> ClipStatistics:
    """True and false positives, and cross triggers where the criterion has them."""
    changes = tuple(_class_changes(scored, column, criterion) for column in range(len(scored.classes)))
    return replace(scored.without_counts(), changes=changes)


def _class_changes(scored: ScoredClips, column: int, criterion: IntersectionCriterion) -> Changes:
    runs = scored.runs(column)
    # Without cross triggers the other classes' events are of no interest.
    events = scored.events if criterion.cttc is not None else scored.events.of(column)
    pairs = overlapping(runs, events)
    own_P = events.classes_G[pairs.events_P] == column
    own = pairs.where(own_P)
    filled_R = np.bincount(own.runs_P, weights=own.shared_P, minlength=len(runs.level_R)).astype(np.float64)
    counts_R = rounded(filled_R) >= rounded(criterion.dtc * runs.seconds_R)

    num_counts = CROSS_TRIGGERS + (len(scored.classes) if criterion.cttc is not None else 0)
    deltas_RS = np.zeros((len(runs.level_R), num_counts), dtype=np.int64)
    deltas_RS[:, FALSE_POSITIVES] = runs.net(~counts_R)
    counting = own.where(counts_R[own.runs_P])
    deltas_RS[:, TRUE_POSITIVES] = found_events(runs, counting, targets_G=rounded(criterion.gtc * events.seconds_G))
    if criterion.cttc is not None:
        others = pairs.where(~own_P & ~counts_R[pairs.runs_P])
        runs_Q, classes_Q = _cross_triggers(runs, others, events.classes_G, criterion.cttc, len(scored.classes))
        np.add.at(deltas_RS, (runs_Q, CROSS_TRIGGERS + classes_Q), 1)
        parents_Q = runs.parent_R[runs_Q]
        np.add.at(deltas_RS, (parents_Q[parents_Q >= 0], CROSS_TRIGGERS + classes_Q[parents_Q >= 0]), -1)
    return runs.changes(deltas_RS)


def found_events(runs: Runs, pairs: Pairs, *, targets_G: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many events more are found below each run's level: their existing runs share at least their target in sum."""
    parents_P = runs.parent_R[pairs.runs_P]
    merges_P = parents_P >= 0
    runs_K = np.concatenate([pairs.runs_P, parents_P[merges_P]])  # below whose level the sum changes
    events_K = np.concatenate([pairs.events_P, pairs.events_P[merges_P]])
    shared_K = np.concatenate([pairs.shared_P, -pairs.shared_P[merges_P]])
    order_K = np.lexsort((runs_K, events_K))
    runs_K, events_K, shared_K = runs_K[order_K], events_K[order_K], shared_K[order_K]
    is_new_K = np.append(True, events_K[1:] != events_K[:-1])[: len(events_K)]
    scores_K = runs.level_R[runs_K]
    is_last_K = np.append(is_new_K[1:] | (scores_K[1:] != scores_K[:-1]), True)[: len(events_K)]  # of event and score
    sums_K = np.cumsum(shared_K)
    begin_K = np.maximum.accumulate(np.where(is_new_K, np.arange(len(sums_K)), 0))
    sums_K = sums_K - (sums_K - shared_K)[begin_K]  # within the event
    runs_L, events_L = runs_K[is_last_K], events_K[is_last_K]
    found_L = rounded(sums_K[is_last_K]) >= targets_G[events_L]
    was_found_L = np.append(False, found_L[:-1])[: len(found_L)] & (
        events_L == np.append(-1, events_L[:-1])[: len(events_L)]
    )
    deltas_R = np.zeros(len(runs.level_R), dtype=np.int64)
    np.add.at(deltas_R, runs_L, found_L.astype(np.int64) - was_found_L)
    return deltas_R


def _cross_triggers(
    runs: Runs, others: Pairs, classes_G: NDArray[np.int64], cttc: float, num_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """False positives and each class that fills a share of one."""
    keys_P = others.runs_P * num_classes + classes_G[others.events_P]
    keys_Q, places_P = np.unique(keys_P, return_inverse=True)
    filled_Q = np.bincount(places_P, weights=others.shared_P, minlength=len(keys_Q)).astype(np.float64)
    runs_Q, classes_Q = np.divmod(keys_Q, num_classes)
    triggers_Q = rounded(filled_Q) >= rounded(cttc * runs.seconds_R[runs_Q])
    return runs_Q[triggers_Q], classes_Q[triggers_Q]


def rounded(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """To a microsecond, so that a share that is met exactly is met in floating point too."""
    return np.round(seconds, TIME_DECIMALS)
