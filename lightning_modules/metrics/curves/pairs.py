"""Which runs meet which reference events, without looking at every pair of a clip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_modules.metrics.curves.runs import Runs
from lightning_modules.metrics.curves.scored_clips import Events, ScoredClips

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Pairs(NamedTuple):
    """P pairs of a run and an event of one clip, by number, and the seconds that both share."""

    runs_P: Integers
    events_P: Integers
    shared_P: Floats

    def where(self, kept_P: NDArray[np.bool_]) -> Pairs:
        """Those that are kept."""
        return Pairs(self.runs_P[kept_P], self.events_P[kept_P], self.shared_P[kept_P])


def overlapping(runs: Runs, events: Events) -> Pairs:
    """Pairs that share time, run by run, a run's events by onset.

    A run meets its events by a search and a walk: about as many steps as there are pairs.
    """
    num_clips = int(max(runs.clips_R.max(initial=-1), events.clips_G.max(initial=-1))) + 1
    starts_N = np.searchsorted(events.clips_G, np.arange(num_clips + 1))
    arguments = (runs.clips_R, runs.onsets_R, runs.offsets_R, starts_N, events.onsets_G, events.offsets_G)
    runs_P, events_P = _overlaps(*arguments, _reach(starts_N, events.offsets_G))
    ends_P = np.minimum(runs.offsets_R[runs_P], events.offsets_G[events_P])
    return Pairs(runs_P, events_P, ends_P - np.maximum(runs.onsets_R[runs_P], events.onsets_G[events_P]))


def near_onset(scored: ScoredClips, runs: Runs, events: Events, *, within_seconds: float) -> Pairs:
    """Pairs whose onsets are about as near as ``within_seconds`` (a little more is let in, nothing less is lost)."""
    room = within_seconds + 1e-3
    low_G, high_G = positions_between(
        scored.edges_E, scored.starts_N, events.clips_G, events.onsets_G - room, events.onsets_G + room
    )
    order_R = np.argsort(runs.first_R, kind="stable")
    from_G = np.searchsorted(runs.first_R[order_R], low_G)
    counts_G = np.searchsorted(runs.first_R[order_R], high_G) - from_G
    events_P = np.repeat(np.arange(len(counts_G)), counts_G)
    within_P = np.arange(len(events_P)) - np.repeat(np.cumsum(counts_G) - counts_G, counts_G)
    runs_P = order_R[from_G[events_P] + within_P]
    ends_P = np.minimum(runs.offsets_R[runs_P], events.offsets_G[events_P])
    shared_P = ends_P - np.maximum(runs.onsets_R[runs_P], events.onsets_G[events_P])
    return Pairs(runs_P, events_P, np.maximum(shared_P, 0.0))


@njit(cache=True, nogil=True)
def positions_between(
    times_E: Floats, starts_N: Integers, clips_G: Integers, low_G: Floats, high_G: Floats
) -> tuple[Integers, Integers]:
    """Of each G, the first position of its clip whose time is >= low, and the first whose time is > high.

    ``times_E`` rise within a clip; a clip's positions are from ``starts_N[clip]`` to before ``starts_N[clip + 1]``.
    """
    from_G, to_G = np.empty(len(clips_G), np.int64), np.empty(len(clips_G), np.int64)
    for g in range(len(clips_G)):
        start = starts_N[clips_G[g]]
        times = times_E[start : starts_N[clips_G[g] + 1]]
        from_G[g] = start + np.searchsorted(times, low_G[g])
        to_G[g] = start + np.searchsorted(times, high_G[g], side="right")
    return from_G, to_G


@njit(cache=True, nogil=True)
def _reach(starts_N: Integers, offsets_G: Floats) -> Floats:
    """The latest offset of a clip's events so far: events before the first that reaches past a time are over."""
    reach_G = offsets_G.copy()
    for n in range(len(starts_N) - 1):
        for g in range(starts_N[n] + 1, starts_N[n + 1]):
            reach_G[g] = max(reach_G[g], reach_G[g - 1])
    return reach_G


@njit(cache=True, nogil=True)
def _overlaps(
    clips_R: Integers,
    onsets_R: Floats,
    offsets_R: Floats,
    starts_N: Integers,
    onsets_G: Floats,
    offsets_G: Floats,
    reach_G: Floats,
) -> tuple[Integers, Integers]:
    runs_P, events_P = np.empty(0, np.int64), np.empty(0, np.int64)
    for fills in (False, True):  # count, then fill
        num_pairs = 0
        for r in range(len(clips_R)):
            start, stop = starts_N[clips_R[r]], starts_N[clips_R[r] + 1]
            g = start + np.searchsorted(reach_G[start:stop], onsets_R[r], side="right")
            while g < stop and onsets_G[g] < offsets_R[r]:
                if offsets_G[g] > onsets_R[r]:
                    if fills:
                        runs_P[num_pairs], events_P[num_pairs] = r, g
                    num_pairs += 1
                g += 1
        if not fills:
            runs_P, events_P = np.empty(num_pairs, np.int64), np.empty(num_pairs, np.int64)
    return runs_P, events_P
