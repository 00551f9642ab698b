"""Which class is found where another one sounds: seconds of false detections by what can be heard in them.

For classes r and e: of the seconds in which r sounds and e does not, in how many e is found. A system that knows
classes from clip labels alone mixes up those that occur together, which no figure of a single class shows. On the
diagonal is r itself, found in its own seconds; the row of no class is what e is found in where nothing sounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event

Events = Mapping[str, Sequence[Event]]
NOTHING = ""  # no class has an empty name


@dataclass(frozen=True)
class CoOccurrence:
    """(C + 1, C) seconds: rows are what sounds, its last row nothing, columns what is found there."""

    classes: tuple[str, ...]
    seconds_RC: NDArray[np.float64]
    found_RC: NDArray[np.float64]

    def rows(self) -> list[dict[str, object]]:
        """Lines of ``co_occurrence.csv``; an empty ``sounding`` is nothing, an empty share one of no seconds."""
        return [
            {
                "sounding": sounding,
                "found": found,
                "seconds": f"{self.seconds_RC[r, c]:.3f}",
                "found_seconds": f"{self.found_RC[r, c]:.3f}",
                "share": f"{self.found_RC[r, c] / self.seconds_RC[r, c]:.4f}" if self.seconds_RC[r, c] else "",
            }
            for r, sounding in enumerate((*self.classes, NOTHING))
            for c, found in enumerate(self.classes)
        ]


def co_occurrence(
    reference: Events, estimated: Events, *, duration_seconds: Mapping[str, float], classes: Sequence[str]
) -> CoOccurrence:
    """Of the clips that ``reference`` lists, to the exact edges of events; ``duration_seconds`` of each clip.

    >>> found = co_occurrence({"a": [Event(0, 2, "dog"), Event(1, 4, "rain")]}, {"a": [Event(1, 5, "dog")]},
    ...     duration_seconds={"a": 10.0}, classes=("dog", "rain"))
    >>> found.seconds_RC[:, 0], found.found_RC[:, 0]  # of dog: itself, rain without dog, nothing
    (array([2., 2., 6.]), array([1., 2., 1.]))
    """
    column = {label: index for index, label in enumerate(classes)}
    seconds_RC = np.zeros((len(classes) + 1, len(classes)))
    found_RC = np.zeros_like(seconds_RC)
    for clip, true in reference.items():
        found = estimated.get(clip, ())
        times = {0.0, duration_seconds[clip]}
        times.update(time for e in (*true, *found) for time in (e.onset_seconds, e.offset_seconds))
        edges = np.array(sorted(times))
        true_IC, found_IC = (_active(events, edges, column) for events in (true, found))
        nothing_I1 = ~true_IC.any(axis=1, keepdims=True)
        sounding_IR = np.concatenate([true_IC, nothing_I1], axis=1) * np.diff(edges)[:, None]
        # where e sounds, only the diagonal asks whether it is found
        others_RC, others_found_RC = sounding_IR.T @ ~true_IC, sounding_IR.T @ (found_IC & ~true_IC)
        own_C = np.arange(len(classes))
        others_RC[own_C, own_C] = sounding_IR[:, :-1].sum(axis=0)
        others_found_RC[own_C, own_C] = (sounding_IR[:, :-1] * found_IC).sum(axis=0)
        seconds_RC += others_RC
        found_RC += others_found_RC
    return CoOccurrence(tuple(classes), seconds_RC, found_RC)


def _active(events: Sequence[Event], edges: NDArray[np.float64], column: Mapping[str, int]) -> NDArray[np.bool_]:
    """(I, C): which classes are active between neighbouring edges; events of other classes are left aside."""
    active_IC = np.zeros((len(edges) - 1, len(column)), dtype=bool)
    for event in events:
        if event.label in column:
            first, last = np.searchsorted(edges, (event.onset_seconds, event.offset_seconds))
            active_IC[first:last, column[event.label]] = True
    return active_IC
