"""One-to-one matching of runs with reference events at every operating point: collars, and overlap by IoU.

Which pairs may match is a question of one run and one event. How many match at a threshold is the size of the largest
matching among the runs that exist there. Nearly always an event's candidates are no other event's: then it is found
while any of them exists. Where events share candidates, the largest matching is carried from score to score, a path of
changes for each run that appears or merges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lightning_modules.metrics.curves.clip_statistics import FALSE_POSITIVES, TRUE_POSITIVES, Changes, ClipStatistics
from lightning_modules.metrics.curves.intersection import found_events, rounded
from lightning_modules.metrics.curves.pairs import Pairs, near_onset, overlapping
from lightning_modules.metrics.curves.runs import Runs
from lightning_modules.metrics.curves.scored_clips import Events, ScoredClips


@dataclass(frozen=True)
class CollarCriterion:
    """A detection may match an event of which it misses neither end by more than a collar.

    The onset's is ``collar_seconds``, the offset's that or ``offset_fraction`` of the event's length, whichever is
    more. ``unrounded`` compares as sed_eval does, where 2.2 - 2.0 is above 0.2 by 2e-16; without it differences are
    rounded to a microsecond, as in sed_scores_eval.
    """

    collar_seconds: float = 0.2
    offset_fraction: float = 0.2
    unrounded: bool = False


@dataclass(frozen=True)
class OverlapCriterion:
    """A detection may match an event with which its intersection over union is ``iou`` or more, in (0, 1]."""

    iou: float


def one_to_one_statistics(scored: ScoredClips, criterion: CollarCriterion | OverlapCriterion) -> ClipStatistics:
    """True positives: the largest one-to-one matching; false positives: the other detections."""
    changes = tuple(_class_changes(scored, column, criterion) for column in range(len(scored.classes)))
    return replace(scored.without_counts(), changes=changes)


def _class_changes(scored: ScoredClips, column: int, criterion: CollarCriterion | OverlapCriterion) -> Changes:
    runs, events = scored.runs(column), scored.events.of(column)
    if isinstance(criterion, CollarCriterion):
        pairs = near_onset(scored, runs, events, within_seconds=criterion.collar_seconds)
        allowed_P = _within_collars(runs, events, pairs, criterion)
    else:
        pairs = overlapping(runs, events)
        union_P = runs.seconds_R[pairs.runs_P] + events.seconds_G[pairs.events_P] - pairs.shared_P
        allowed_P = rounded(pairs.shared_P) >= rounded(criterion.iou * union_P)
    matched_R = _matched(runs, len(events.clips_G), pairs.where(allowed_P))
    deltas_RS = np.zeros((len(matched_R), 2), dtype=np.int64)
    deltas_RS[:, TRUE_POSITIVES] = matched_R
    deltas_RS[:, FALSE_POSITIVES] = runs.events_R - matched_R
    return runs.changes(deltas_RS)


def _within_collars(runs: Runs, events: Events, pairs: Pairs, criterion: CollarCriterion) -> NDArray[np.bool_]:
    onset_P = np.abs(runs.onsets_R[pairs.runs_P] - events.onsets_G[pairs.events_P])
    offset_P = np.abs(runs.offsets_R[pairs.runs_P] - events.offsets_G[pairs.events_P])
    collars_G = np.maximum(criterion.collar_seconds, criterion.offset_fraction * events.seconds_G)
    collars_P = collars_G[pairs.events_P]
    if criterion.unrounded:
        return (onset_P <= criterion.collar_seconds) & (offset_P <= collars_P)
    return (rounded(onset_P - criterion.collar_seconds) <= 0) & (rounded(offset_P - collars_P) <= 0)


def _matched(runs: Runs, num_events: int, pairs: Pairs) -> NDArray[np.int64]:
    """How much the largest matching of pairs that may match grows below the level of each run."""
    num_runs = len(runs.level_R)
    graph = coo_array(
        (np.ones(len(pairs.runs_P)), (pairs.runs_P, num_runs + pairs.events_P)),
        shape=(num_runs + num_events, num_runs + num_events),
    )
    _, groups_X = connected_components(graph, directed=False)
    groups_G = groups_X[num_runs:]
    shared_P = (np.bincount(groups_G, minlength=1) > 1)[groups_G[pairs.events_P]]
    # Of an event with candidates of its own: found while one of them exists.
    alone = Pairs(pairs.runs_P[~shared_P], pairs.events_P[~shared_P], np.ones((~shared_P).sum()))
    matched_R = found_events(runs, alone, targets_G=np.ones(num_events))
    members: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for run, event in zip(pairs.runs_P[shared_P].tolist(), pairs.events_P[shared_P].tolist(), strict=True):
        members[int(groups_G[event])].append((run, event))
    for group in members.values():
        for run, growth in _matched_together(runs, group):
            matched_R[run] += growth
    return matched_R


def _matched_together(runs: Runs, group: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same for events that share candidates, as runs and growths."""
    matching = _Matching(group)
    coming: dict[float, list[int]] = defaultdict(list)
    going: dict[float, list[int]] = defaultdict(list)
    below: dict[float, int] = {}  # a run of each level
    for run in matching.events_of:
        parent = int(runs.parent_R[run])
        coming[float(runs.level_R[run])].append(run)
        below[float(runs.level_R[run])] = run
        if parent >= 0:
            going[float(runs.level_R[parent])].append(run)
            below[float(runs.level_R[parent])] = parent
    size = 0
    for score in sorted(below, reverse=True):
        for run in going[score]:
            matching.remove(run)
        for run in coming[score]:
            matching.add(run)
        yield below[score], len(matching.run_of) - size
        size = len(matching.run_of)


class _Matching:
    """A largest one-to-one matching that is kept largest while runs come and go."""

    def __init__(self, group: list[tuple[int, int]]) -> None:
        self.events_of: dict[int, list[int]] = defaultdict(list)
        self.runs_of: dict[int, list[int]] = defaultdict(list)
        for run, event in group:
            self.events_of[run].append(event)
            self.runs_of[event].append(run)
        self.exists: set[int] = set()
        self.run_of: dict[int, int] = {}  # the matched run of an event
        self.event_of: dict[int, int] = {}

    def add(self, run: int) -> None:
        self.exists.add(run)
        reached: dict[int, int] = {}  # event -> the run from which it was reached
        queue = [run]
        for other in queue:
            for event in self.events_of[other]:
                if event in reached:
                    continue
                reached[event] = other
                if event not in self.run_of:
                    self._shift(event, reached)
                    return
                queue.append(self.run_of[event])

    def _shift(self, event: int, reached: dict[int, int]) -> None:
        """Give ``event`` to the run it was reached from, that run's former event to the one before it, and so on."""
        free: int | None = event
        while free is not None:
            run = reached[free]
            former = self.event_of.get(run)
            self.run_of[free], self.event_of[run] = run, free
            free = former

    def remove(self, run: int) -> None:
        self.exists.discard(run)
        event = self.event_of.pop(run, None)
        if event is None:
            return
        del self.run_of[event]
        reached: dict[int, int] = {}  # run -> the event from which it was reached
        queue = [event]
        for other in queue:
            for candidate in self.runs_of[other]:
                if candidate not in self.exists or candidate in reached:
                    continue
                reached[candidate] = other
                if candidate not in self.event_of:
                    self._take(candidate, reached)
                    return
                queue.append(self.event_of[candidate])

    def _take(self, run: int, reached: dict[int, int]) -> None:
        """Give ``run`` to the event it was reached from, that event's former run to the one before it, and so on."""
        free: int | None = run
        while free is not None:
            event = reached[free]
            former = self.run_of.get(event)
            self.run_of[event], self.event_of[free] = free, event
            free = former
