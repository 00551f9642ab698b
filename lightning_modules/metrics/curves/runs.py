"""All events that a curve has at any threshold: its runs, each with the range of thresholds at which it exists.

At one threshold the events of a class are the longest stretches of scores above it. Over all thresholds a curve of T
intervals has T of them at most, nested in each other: a run exists while the threshold lies below its lowest score and
not below the higher of its two neighbours, where it melts into a longer one. Every count of a criterion that looks at
one event at a time is therefore a sum over runs, with no threshold left to choose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True)
class Runs:
    """R runs of one class. A run is an event at thresholds in [``merges_R``, ``level_R``)."""

    clips_R: NDArray[np.int64]
    first_R: NDArray[np.int64]  # positions of ``ScoredClips``: from first to just before past
    past_R: NDArray[np.int64]
    onsets_R: NDArray[np.float64]  # seconds
    offsets_R: NDArray[np.float64]
    level_R: NDArray[np.float64]
    merges_R: NDArray[np.float64]  # -inf: never

    @property
    def seconds_R(self) -> NDArray[np.float64]:
        """Lengths."""
        return self.offsets_R - self.onsets_R


def runs_of(scores_E: NDArray[np.float64], *, edges_E: NDArray[np.float64], clips_E: NDArray[np.int64]) -> Runs:
    """The runs of one class's curves, a shorter run before those around it. Linear in the number of intervals.

    >>> scores = np.array([0.4, 1.0, 0.6, 1.0, 0.4, -np.inf])
    >>> runs = runs_of(scores, edges_E=np.arange(6.0), clips_E=np.zeros(6, dtype=np.int64))
    >>> list(zip(runs.onsets_R.tolist(), runs.offsets_R.tolist(), runs.level_R.tolist(), runs.merges_R.tolist()))
    [(1.0, 2.0, 1.0, 0.6), (3.0, 4.0, 1.0, 0.6), (1.0, 4.0, 0.6, 0.4), (0.0, 5.0, 0.4, -inf)]
    """
    first_R, past_R, level_R, merges_R = _nested_runs(scores_E)
    return Runs(clips_E[first_R], first_R, past_R, edges_E[first_R], edges_E[past_R], level_R, merges_R)


@njit(cache=True, nogil=True)
def _nested_runs(
    scores_E: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """First and past position, level and merging level of each run; ``scores_E`` ends with -inf."""
    num_positions = len(scores_E)
    first_R, past_R = np.empty(num_positions, np.int64), np.empty(num_positions, np.int64)
    level_R, merges_R = np.empty(num_positions), np.empty(num_positions)
    open_first, open_level = np.empty(num_positions, np.int64), np.empty(num_positions)  # open runs, levels rising
    num_runs, num_open = 0, 0
    for position in range(num_positions):
        score, first = scores_E[position], position
        while num_open and open_level[num_open - 1] > score:  # that run ends here
            num_open -= 1
            first = open_first[num_open]
            first_R[num_runs], past_R[num_runs], level_R[num_runs] = first, position, open_level[num_open]
            merges_R[num_runs] = max(score, open_level[num_open - 1]) if num_open else score
            num_runs += 1
        if score > -np.inf and not (num_open and open_level[num_open - 1] == score):
            open_first[num_open], open_level[num_open] = first, score
            num_open += 1
    return first_R[:num_runs], past_R[:num_runs], level_R[:num_runs], merges_R[:num_runs]
