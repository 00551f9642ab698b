"""All events that a curve has at any threshold: its runs, each with the range of thresholds at which it exists.

At one threshold the events of a class are the longest stretches of scores above it. Over all thresholds a curve of T
intervals has T of them at most, nested in each other: a run exists while the threshold lies below its lowest score
(its level) and not below that of the run around it, its parent, with which it merges there. Every count of a criterion
that looks at one event at a time is therefore a sum over runs, with no threshold left to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_modules.metrics.curves.clip_statistics import Changes

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """R runs of one class, by falling level, then by clip.

    A run is an event at thresholds in [its parent's level, ``level_R``); a run without a parent (-1) at all below.
    """

    clips_R: Integers
    first_R: Integers  # positions of ``ScoredClips``
    onsets_R: Floats  # seconds
    offsets_R: Floats
    level_R: Floats
    parent_R: Integers

    @cached_property
    def seconds_R(self) -> Floats:
        """Lengths."""
        return self.offsets_R - self.onsets_R

    @cached_property
    def events_R(self) -> Integers:
        """How many events more a clip has below the level of each run: one, less those that merge into it."""
        return self.net(np.ones(len(self.level_R), dtype=np.bool_))

    def net(self, flags_R: NDArray[np.bool_]) -> Integers:
        """How many flagged runs more exist below the level of each: itself, less those that merge into it."""
        merging = self.parent_R[flags_R]
        return flags_R - np.bincount(merging[merging >= 0], minlength=len(flags_R))

    def changes(self, deltas_RS: NDArray[np.integer]) -> Changes:
        """Changes of S counts below the level of each run, those of one clip and level summed."""
        kept_R = np.flatnonzero(deltas_RS.any(axis=1))
        scores_K, clips_K, deltas_KS = self.level_R[kept_R], self.clips_R[kept_R], deltas_RS[kept_R]
        is_new_K = np.append(True, (scores_K[1:] != scores_K[:-1]) | (clips_K[1:] != clips_K[:-1]))[: len(kept_R)]
        if is_new_K.all():
            return Changes(scores_K, clips_K, deltas_KS.astype(np.int32))
        summed_KS = np.add.reduceat(deltas_KS, np.flatnonzero(is_new_K), axis=0).astype(np.int32)
        changed_K = summed_KS.any(axis=1)
        return Changes(scores_K[is_new_K][changed_K], clips_K[is_new_K][changed_K], summed_KS[changed_K])


def runs_of(scores_E: Floats, *, edges_E: Floats, clips_E: Integers) -> Runs:
    """The runs of one class's curves, each clip's followed by -inf. As long as sorting its scores.

    >>> scores = np.array([0.4, 1.0, 0.6, 0.9, 0.4, -np.inf])
    >>> runs = runs_of(scores, edges_E=np.arange(6.0), clips_E=np.zeros(6, dtype=np.int64))
    >>> list(zip(runs.onsets_R.tolist(), runs.offsets_R.tolist(), runs.level_R.tolist(), runs.parent_R.tolist()))
    [(1.0, 2.0, 1.0, 2), (3.0, 4.0, 0.9, 2), (1.0, 4.0, 0.6, 3), (0.0, 5.0, 0.4, -1)]
    >>> runs.events_R
    array([ 1,  1, -1,  0])
    """
    first_R, past_R, level_R, parent_R = _nested_runs(scores_E)
    order_R = np.argsort(-level_R, kind="stable")
    place_R = np.empty_like(order_R)
    place_R[order_R] = np.arange(len(order_R))
    parent_R = np.where(parent_R >= 0, place_R[parent_R], -1)[order_R]
    first_R, past_R = first_R[order_R], past_R[order_R]
    return Runs(clips_E[first_R], first_R, edges_E[first_R], edges_E[past_R], level_R[order_R], parent_R)


@njit(cache=True, nogil=True)
def _nested_runs(scores_E: Floats) -> tuple[Integers, Integers, Floats, Integers]:
    """First position, position past the end, level and parent of each run, in the order of positions."""
    num_positions = len(scores_E)
    first_R, past_R = np.empty(num_positions, np.int64), np.empty(num_positions, np.int64)
    level_R, parent_R = np.empty(num_positions), np.empty(num_positions, np.int64)
    open_runs = np.empty(num_positions, np.int64)  # those that are not over yet, levels rising
    num_runs, num_open = 0, 0
    for position in range(num_positions):
        score, first = scores_E[position], position
        while num_open and level_R[open_runs[num_open - 1]] > score:  # that run ends here
            num_open -= 1
            run = open_runs[num_open]
            first, past_R[run] = first_R[run], position
            if num_open and level_R[open_runs[num_open - 1]] >= score:
                parent_R[run] = open_runs[num_open - 1]
            else:
                parent_R[run] = num_runs if score > -np.inf else -1  # the run that opens below
        if score > -np.inf and not (num_open and level_R[open_runs[num_open - 1]] == score):
            first_R[num_runs], level_R[num_runs] = first, score
            open_runs[num_open] = num_runs
            num_open, num_runs = num_open + 1, num_runs + 1
    return first_R[:num_runs], past_R[:num_runs], level_R[:num_runs], parent_R[:num_runs]
