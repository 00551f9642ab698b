"""Curves and reference of the same clips side by side, laid out so that a class is scored in one go over all clips.

All clips' curves lie one after the other in one array, each followed by one row of -inf: position p of it is an
interval from ``edges_E[p]`` to ``edges_E[p + 1]`` seconds, and no run of high scores reaches from a clip into the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event
from lightning_modules.metrics.curves.clip_statistics import ClipStatistics
from lightning_modules.metrics.curves.runs import Runs, runs_of
from lightning_modules.metrics.curves.score_curves import CurveError, ScoreCurves


@dataclass(frozen=True)
class Events:
    """G reference events, sorted by clip, then by onset; ``classes_G`` are columns of the curves."""

    clips_G: NDArray[np.int64]
    onsets_G: NDArray[np.float64]
    offsets_G: NDArray[np.float64]
    classes_G: NDArray[np.int64]

    @property
    def seconds_G(self) -> NDArray[np.float64]:
        """Lengths."""
        return self.offsets_G - self.onsets_G

    def of(self, column: int) -> Events:
        """Those of one class."""
        own_G = self.classes_G == column
        return Events(self.clips_G[own_G], self.onsets_G[own_G], self.offsets_G[own_G], self.classes_G[own_G])

    def sums_NC(
        self, num_clips: int, num_classes: int, values_G: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Events, or their values, summed by clip and class."""
        places_G = self.clips_G * num_classes + self.classes_G
        sums = np.bincount(places_G, weights=values_G, minlength=num_clips * num_classes)
        return sums.reshape(num_clips, num_classes).astype(np.float64)


class ScoredClips:
    """N clips that have curves and a reference.

    ``reference`` has the events of every clip, ``duration_seconds`` its length (default: where its curves or, if that
    is later, its reference ends).
    ``CurveError`` where the clips of the curves and of the reference differ, an event is of no class of the curves or
    lasts no time.
    """

    def __init__(
        self,
        curves: ScoreCurves,
        reference: Mapping[str, Sequence[Event]],
        *,
        duration_seconds: Mapping[str, float] | None = None,
    ) -> None:
        _refuse_differing_clips(curves, reference)
        self.curves = curves
        self.classes = curves.classes
        self.clips = tuple(sorted(curves.by_clip))
        ends = {
            clip: max([float(curves.by_clip[clip].edges[-1]), *(event.offset_seconds for event in reference[clip])])
            for clip in self.clips
        }
        given = ends if duration_seconds is None else duration_seconds
        without = [clip for clip in self.clips if clip not in given]
        if without:
            raise CurveError(f"{len(without)} clips have no duration: {', '.join(without[:3])}")
        self.duration_seconds_N = np.array([given[clip] for clip in self.clips], dtype=np.float64)
        self.reference = {clip: tuple(sorted(reference[clip])) for clip in self.clips}
        self.events = _events_of(self.classes, self.clips, self.reference)
        self._runs: dict[int, Runs] = {}

    def without_counts(self) -> ClipStatistics:
        """The statistics of these clips with no class's changes yet, for criteria that count events."""
        shape = len(self.clips), len(self.classes)
        return ClipStatistics(
            classes=self.classes,
            clips=self.clips,
            changes=(),
            num_reference_NC=self.events.sums_NC(*shape),
            num_negative_NC=np.zeros(shape),
            reference_seconds_NC=self.events.sums_NC(*shape, self.events.seconds_G),
            duration_seconds_N=self.duration_seconds_N,
        )

    @cached_property
    def edges_E(self) -> NDArray[np.float64]:
        """Edges of all clips in seconds."""
        return np.concatenate([self.curves.by_clip[clip].edges for clip in self.clips])

    @cached_property
    def clips_E(self) -> NDArray[np.int64]:
        """The clip of each position."""
        lengths = [len(self.curves.by_clip[clip].edges) for clip in self.clips]
        return np.repeat(np.arange(len(self.clips)), lengths)

    @cached_property
    def starts_N(self) -> NDArray[np.int64]:
        """The first position of each clip, and the number of positions at the end: (N + 1,)."""
        lengths = [len(self.curves.by_clip[clip].edges) for clip in self.clips]
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def scores_E(self, column: int) -> NDArray[np.float64]:
        """One class's curves, each clip's followed by -inf."""
        rows = [part for clip in self.clips for part in (self.curves.by_clip[clip].scores_TC[:, column], [-np.inf])]
        return np.concatenate(rows).astype(np.float64)

    def runs(self, column: int) -> Runs:
        """All events that one class has at any threshold."""
        if column not in self._runs:
            self._runs[column] = runs_of(self.scores_E(column), edges_E=self.edges_E, clips_E=self.clips_E)
        return self._runs[column]


def _refuse_differing_clips(curves: ScoreCurves, reference: Mapping[str, Sequence[Event]]) -> None:
    for kind, other, missing in (
        ("the reference", "curves", sorted(reference.keys() - curves.by_clip.keys())),
        ("the curves", "reference", sorted(curves.by_clip.keys() - reference.keys())),
    ):
        if missing:
            named = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
            raise CurveError(f"{len(missing)} clips of {kind} have no {other}: {named}")
    known = frozenset(curves.classes)
    for clip, events in reference.items():
        for event in events:
            if event.label not in known:
                raise CurveError(
                    f"clip {clip}: event of class {event.label!r}, allowed: the curves' {', '.join(curves.classes)}"
                )
            if not event.offset_seconds > event.onset_seconds:
                raise CurveError(
                    f"clip {clip}: event of {event.label} from {event.onset_seconds} to {event.offset_seconds} s, "
                    "allowed: an offset after the onset"
                )


def _events_of(classes: tuple[str, ...], clips: tuple[str, ...], reference: Mapping[str, tuple[Event, ...]]) -> Events:
    columns = {label: column for column, label in enumerate(classes)}
    rows = [
        (number, event.onset_seconds, event.offset_seconds, columns[event.label])
        for number, clip in enumerate(clips)
        for event in reference[clip]
    ]
    rows_G4 = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return Events(rows_G4[:, 0].astype(np.int64), rows_G4[:, 1], rows_G4[:, 2], rows_G4[:, 3].astype(np.int64))
