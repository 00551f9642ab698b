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
    merged_changes,
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
    own = Pairs(*(values_P[own_P] for values_P in pairs))
    filled_R = np.bincount(own.runs_P, weights=own.shared_P, minlength=len(runs.level_R))
    counts_R = rounded(filled_R) >= rounded(criterion.dtc * runs.seconds_R)

    parts = [while_it_exists(runs, np.flatnonzero(~counts_R), FALSE_POSITIVES)]
    in_counting_P = counts_R[own.runs_P]
    counting = Pairs(*(values_P[in_counting_P] for values_P in own))
    targets_G = rounded(criterion.gtc * events.seconds_G)
    parts.append(found_events(runs, counting, events.clips_G, targets_G=targets_G))
    num_counts = CROSS_TRIGGERS
    if criterion.cttc is not None:
        num_counts += len(scored.classes)
        others = Pairs(*(values_P[~own_P & ~counts_R[pairs.runs_P]] for values_P in pairs))
        parts.append(_cross_triggers(runs, others, events.classes_G, criterion.cttc, len(scored.classes)))
    return changes_of(parts, num_counts=num_counts)


ChangeParts = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Scores, clips, columns and deltas of changes of one count each."""


def changes_of(parts: list[ChangeParts], *, num_counts: int) -> Changes:
    """All parts' changes with a column a count."""
    scores_K, clips_K, columns_K, deltas_K = (np.concatenate(values) for values in zip(*parts, strict=True))
    deltas_KS = np.zeros((len(scores_K), num_counts), dtype=np.int32)
    deltas_KS[np.arange(len(scores_K)), columns_K] = deltas_K
    return merged_changes(scores_K, clips_K, deltas_KS)


def while_it_exists(runs: Runs, numbers: NDArray[np.int64], column: int | NDArray[np.int64]) -> ChangeParts:
    """One count of ``column`` (or of a column a run) for each of these runs, from its level down to where it merges."""
    scores_K = np.concatenate([runs.level_R[numbers], runs.merges_R[numbers]])
    deltas_K = np.repeat(np.array([1, -1]), len(numbers))
    columns_K = np.tile(np.broadcast_to(column, len(numbers)), 2)
    return scores_K, np.tile(runs.clips_R[numbers], 2), columns_K, deltas_K


def found_events(
    runs: Runs, pairs: Pairs, clips_G: NDArray[np.int64], *, targets_G: NDArray[np.float64]
) -> ChangeParts:
    """A true positive for each event while its existing runs share at least its target with it, in sum."""
    events_K = np.tile(pairs.events_P, 2)
    scores_K = np.concatenate([runs.level_R[pairs.runs_P], runs.merges_R[pairs.runs_P]])
    shared_K = np.concatenate([pairs.shared_P, -pairs.shared_P])
    order_K = np.lexsort((-scores_K, events_K))
    events_K, scores_K, shared_K = events_K[order_K], scores_K[order_K], shared_K[order_K]
    if not len(events_K):
        nothing = np.zeros(0, dtype=np.int64)
        return np.zeros(0), nothing, nothing, nothing
    is_new_K = np.append(True, events_K[1:] != events_K[:-1])
    is_last_K = np.append(is_new_K[1:] | (scores_K[1:] != scores_K[:-1]), True)  # of its event and score
    sums_K = np.cumsum(shared_K)
    before_K = np.maximum.accumulate(np.where(is_new_K, np.arange(len(sums_K)), 0))
    sums_K = sums_K - (sums_K - shared_K)[before_K]  # within the event
    events_L, scores_L, sums_L = events_K[is_last_K], scores_K[is_last_K], sums_K[is_last_K]
    found_L = (rounded(sums_L) >= targets_G[events_L]).astype(np.int64)
    was_found_L = np.append(0, found_L[:-1]) * np.append(False, events_L[1:] == events_L[:-1])
    columns_L = np.full(len(events_L), TRUE_POSITIVES)
    return scores_L, clips_G[events_L], columns_L, found_L - was_found_L


def _cross_triggers(
    runs: Runs, others: Pairs, classes_G: NDArray[np.int64], cttc: float, num_classes: int
) -> ChangeParts:
    """A cross trigger with each class that fills a share of a false positive."""
    keys_P = others.runs_P * num_classes + classes_G[others.events_P]
    keys_Q, places_P = np.unique(keys_P, return_inverse=True)
    filled_Q = np.bincount(places_P, weights=others.shared_P, minlength=len(keys_Q))
    runs_Q, classes_Q = np.divmod(keys_Q, num_classes)
    triggers_Q = rounded(filled_Q) >= rounded(cttc * runs.seconds_R[runs_Q])
    return while_it_exists(runs, runs_Q[triggers_Q], CROSS_TRIGGERS + classes_Q[triggers_Q])


def rounded(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """To a microsecond, so that a share that is met exactly is met in floating point too."""
    return np.round(seconds, TIME_DECIMALS)
