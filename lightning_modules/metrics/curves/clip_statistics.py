"""How a class's counts change as the threshold falls, clip by clip: the layer between curves and every figure.

A criterion (``intersection.py``, ``collar.py``, ``overlap.py``, ``segments.py``, ``tags.py``) looks once at each clip
and writes down, for each class, where on the scale of scores a count of the clip changes: "when the threshold falls
below 0.83, clip 17 has one true positive more". From then on no figure needs curves, events or matches:

* counts at *every* operating point are a cumulative sum of changes from the highest score down (``points``);
* counts at a given threshold are a sum of those above it (``at``), by clip;
* a resample of clips is a weight for each clip (how often it was drawn), ``weights_N``, which every function from here
  to ``curve_scores.py`` takes: a bootstrap over 1,000 resamples sums the same changes 1,000 times and matches nothing.

After Ebbers, Serizel & Haeb-Umbach, "Threshold-independent evaluation of sound event detection scores" (ICASSP 2022).
An event is detected where its score is *above* the threshold, as in sed_scores_eval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

TRUE_POSITIVES, FALSE_POSITIVES, CROSS_TRIGGERS = 0, 1, 2  # columns of counts; cross triggers with class c are 2 + c
Floats = NDArray[np.float64]


class Points(NamedTuple):
    """Every operating point of one class, from the highest threshold down; the first (inf) detects nothing.

    Row j holds for thresholds in [``scores_J[j + 1]``, ``scores_J[j]``).
    """

    scores_J: Floats
    counts_JS: Floats


@dataclass(frozen=True)
class Changes:
    """K changes of one class's S counts: below ``scores_K[k]``, clip ``clips_K[k]`` gains ``deltas_KS[k]``.

    Scores fall; a clip has one change a score at most. Columns: true positives, false positives and, under a
    criterion with cross triggers, one a class (0 for the class itself).
    """

    scores_K: Floats
    clips_K: NDArray[np.int64]
    deltas_KS: NDArray[np.int32]

    def points(self, weights_N: Floats | None = None, *, mixed_SM: Floats | None = None) -> Points:
        """Counts at every operating point, over all clips or over a resample that has clip n ``weights_N[n]`` times.

        With ``mixed_SM`` the M sums ``counts @ mixed_SM`` instead of the S counts.
        """
        last_J = self._last_of_each_score
        weights_N = np.ones(int(self.clips_K.max(initial=-1)) + 1) if weights_N is None else weights_N
        mixed_SM = None if mixed_SM is None else np.ascontiguousarray(mixed_SM, dtype=np.float64)
        counts_JM = _summed(self.deltas_KS, self.clips_K, weights_N.astype(np.float64), mixed_SM, last_J)
        return Points(np.append(np.inf, self.scores_K[last_J]), counts_JM)

    def at(self, threshold: float, *, num_clips: int) -> Floats:
        """Counts by clip at one threshold, (N, S)."""
        above = int(np.searchsorted(-self.scores_K, -threshold))  # scores fall
        columns = self.deltas_KS[:above].T
        return np.stack([np.bincount(self.clips_K[:above], c, minlength=num_clips) for c in columns], axis=1)

    @cached_property
    def _last_of_each_score(self) -> NDArray[np.int64]:
        if not len(self.scores_K):
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.append(self.scores_K[1:] != self.scores_K[:-1], True))


@njit(cache=True, nogil=True)
def _summed(  # type: ignore[no-untyped-def]
    deltas_KS, clips_K, weights_N, mixed_SM, last_J
):
    """Cumulative sums of weighted and mixed deltas up to each of ``last_J``, zeros before them: (J + 1, M)."""
    num_counts = deltas_KS.shape[1]
    num_sums = num_counts if mixed_SM is None else mixed_SM.shape[1]
    counts_JM, sums_M, point = np.zeros((len(last_J) + 1, num_sums)), np.zeros(num_sums), 0
    for k in range(len(clips_K)):
        weight = weights_N[clips_K[k]]
        for s in range(num_counts):
            if mixed_SM is None:
                sums_M[s] += weight * deltas_KS[k, s]
            elif deltas_KS[k, s] != 0:
                sums_M += weight * deltas_KS[k, s] * mixed_SM[s]
        if k == last_J[point]:
            point += 1
            counts_JM[point] = sums_M
    return counts_JM


@dataclass(frozen=True)
class ClipStatistics:
    """One criterion's changes of C classes over N clips, and what rates divide by.

    ``num_reference_NC`` are the reference's events (segments, tags), ``num_negative_NC`` what is there and not in the
    reference where that can be counted (segments, tags; else zeros), ``reference_seconds_NC`` the reference events'
    summed lengths, ``duration_seconds_N`` the clips'.
    """

    classes: tuple[str, ...]
    clips: tuple[str, ...]
    changes: tuple[Changes, ...]  # by class
    num_reference_NC: Floats
    num_negative_NC: Floats
    reference_seconds_NC: Floats
    duration_seconds_N: Floats
    _counts_at: dict[bytes, Floats] = field(default_factory=dict, repr=False, compare=False)

    def num_reference_C(self, weights_N: Floats | None = None) -> Floats:
        """Reference events by class, over all clips or over a resample."""
        return weighted_sum(self.num_reference_NC, weights_N)

    def at(self, thresholds_C: Sequence[float] | Floats) -> Floats:
        """Counts by clip and class at a threshold a class, (N, C, S); kept, as resamples ask for them again."""
        key = np.asarray(thresholds_C, dtype=np.float64).tobytes()
        if key not in self._counts_at:
            pairs = zip(self.changes, thresholds_C, strict=True)
            counts = [changes.at(float(threshold), num_clips=len(self.clips)) for changes, threshold in pairs]
            self._counts_at[key] = np.stack(counts, axis=1)
        return self._counts_at[key]


def weighted_sum(values_NX: Floats, weights_N: Floats | None) -> Floats:
    """The sum over clips, (X,)."""
    summed: Floats = values_NX.sum(axis=0) if weights_N is None else weights_N @ values_NX
    return summed


def merged_changes(scores_K: Floats, clips_K: NDArray[np.int64], deltas_KS: NDArray[np.integer]) -> Changes:
    """``Changes`` of changes in any order: those of one clip and score together, without those that cancel out.

    Changes at -inf are left out: no threshold falls below it.

    >>> merged_changes(np.array([0.2, 0.9, 0.2]), np.array([1, 0, 1]), np.array([[1], [1], [-1]])).points()
    Points(scores_J=array([inf, 0.9]), counts_JS=array([[0.],
           [1.]]))
    """
    kept_K = scores_K > -np.inf
    scores_K, clips_K, deltas_KS = scores_K[kept_K], clips_K[kept_K], deltas_KS[kept_K]
    order_K = np.lexsort((clips_K, -scores_K))
    scores_K, clips_K, sorted_KS = scores_K[order_K], clips_K[order_K], deltas_KS[order_K].astype(np.int32)
    if not len(scores_K):
        return Changes(scores_K, clips_K, sorted_KS)
    first_K = np.flatnonzero(np.append(True, (scores_K[1:] != scores_K[:-1]) | (clips_K[1:] != clips_K[:-1])))
    summed_KS = np.add.reduceat(sorted_KS, first_K, axis=0)
    changed_K = summed_KS.any(axis=1)
    return Changes(scores_K[first_K][changed_K], clips_K[first_K][changed_K], summed_KS[changed_K])
