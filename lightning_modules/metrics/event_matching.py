"""One clip's events against its reference, by sed_eval's conditions and to sed_eval's very matching, in sparse steps.

sed_eval looks at every pair of events; here each reference event looks at the estimates whose onsets lie within its
collar. The matching of the candidates that remain is sed_eval's (Hopcroft & Karp after Eppstein, by way of mir_eval):
which of several largest matchings it is decides how many substitutions are left to count.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event

Left = TypeVar("Left", bound=Hashable)
Right = TypeVar("Right", bound=Hashable)


def match_events(
    reference: Sequence[Event],
    estimated: Sequence[Event],
    *,
    collar_seconds: float = 0.2,
    offset_fraction: float = 0.2,
) -> list[tuple[int, int]]:
    """One clip's largest matching as (index in reference, index in estimated), one-to-one, by sed_eval's conditions.

    >>> match_events([Event(1.0, 2.0, "dog"), Event(1.3, 2.3, "dog")], [Event(1.2, 2.2, "dog"), Event(0.9, 1.9, "dog")])
    [(0, 1), (1, 0)]
    """
    candidates: dict[int, list[int]] = {}
    for i, j in pairs_within_collars(
        reference, estimated, collar_seconds=collar_seconds, offset_fraction=offset_fraction
    ):
        if reference[i].label == estimated[j].label:
            candidates.setdefault(j, []).append(i)
    return sorted(largest_matching(candidates).items())


def count_substitutions(
    reference: Sequence[Event],
    estimated: Sequence[Event],
    matching: Sequence[tuple[int, int]],
    *,
    collar_seconds: float = 0.2,
    offset_fraction: float = 0.2,
) -> int:
    """sed_eval's: what a matching leaves of both lists, paired in order where only the class is wrong.

    >>> count_substitutions([Event(1.0, 2.0, "dog")], [Event(1.1, 2.1, "cat")], [])
    1
    """
    matched, used = {i for i, _ in matching}, {j for _, j in matching}
    num_matched = len(used)
    for i, j in pairs_within_collars(
        reference, estimated, collar_seconds=collar_seconds, offset_fraction=offset_fraction
    ):
        if i not in matched and j not in used:
            matched.add(i)
            used.add(j)
    return len(used) - num_matched


def pairs_within_collars(
    reference: Sequence[Event], estimated: Sequence[Event], *, collar_seconds: float, offset_fraction: float
) -> Iterator[tuple[int, int]]:
    """Indices of a reference event and an estimate of any class whose onsets and offsets agree, in rising order."""
    onsets_R, offsets_R = _times(reference)
    onsets_E, offsets_E = _times(estimated)
    order_E = np.argsort(onsets_E, kind="stable")
    room = collar_seconds * (1 + 1e-9) + 1e-9  # the search may take in too much: the condition itself follows
    from_R = np.searchsorted(onsets_E[order_E], onsets_R - room)
    counts_R = np.searchsorted(onsets_E[order_E], onsets_R + room, side="right") - from_R
    refs_P = np.repeat(np.arange(len(reference)), counts_R)
    ests_P = order_E[np.arange(len(refs_P)) + np.repeat(from_R - (np.cumsum(counts_R) - counts_R), counts_R)]
    onset_P = np.abs(onsets_R[refs_P] - onsets_E[ests_P]) <= collar_seconds
    allowed_R = np.maximum(collar_seconds, offset_fraction * (offsets_R - onsets_R))
    right_P = onset_P & (np.abs(offsets_R[refs_P] - offsets_E[ests_P]) <= allowed_R[refs_P])
    refs_P, ests_P = refs_P[right_P], ests_P[right_P]
    order_P = np.lexsort((ests_P, refs_P))
    yield from zip(refs_P[order_P].tolist(), ests_P[order_P].tolist(), strict=True)


def _times(events: Sequence[Event]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    times_E2 = np.array([event[:2] for event in events], dtype=np.float64).reshape(-1, 2)
    return times_E2[:, 0], times_E2[:, 1]


def largest_matching(graph: Mapping[Left, Sequence[Right]]) -> dict[Right, Left]:
    """A largest one-to-one matching, as the left vertex of each matched right one; ``graph`` lists rights by left.

    The one that ``sed_eval.util.bipartite_match`` finds, for the same order of ``graph``; that one recurses along
    alternating paths, which a long chain of overlapping events makes deeper than Python allows.

    >>> largest_matching({"a": [1, 2], "b": [1]})
    {1: 'b', 2: 'a'}
    """
    matching: dict[Right, Left] = {}
    for left, rights in graph.items():
        for right in rights:
            if right not in matching:
                matching[right] = left
                break
    while True:
        # Layers of alternating paths from unmatched lefts: before_left is the right before a left (None: it is free),
        # lefts_before the lefts before a right.
        before_left: dict[Left, Right | None] = dict.fromkeys(graph)
        for left in matching.values():
            del before_left[left]
        lefts_before: dict[Right, list[Left]] = {}
        unmatched: list[Right] = []
        layer = list(before_left)
        while layer and not unmatched:
            found: dict[Right, list[Left]] = {}
            for left in layer:
                for right in graph[left]:
                    if right not in lefts_before:
                        found.setdefault(right, []).append(left)
            layer = []
            for right, lefts in found.items():
                lefts_before[right] = lefts
                if right in matching:
                    layer.append(matching[right])
                    before_left[matching[right]] = right
                else:
                    unmatched.append(right)
        if not unmatched:
            return matching
        for right in unmatched:
            _augment(right, matching, before_left, lefts_before)


def _augment(
    end: Right,
    matching: dict[Right, Left],
    before_left: dict[Left, Right | None],
    lefts_before: dict[Right, list[Left]],
) -> None:
    """Match along a path back from an unmatched right to a free left, if one is left; vertices are used once."""
    path, chosen = [(end, iter(lefts_before.pop(end)))], []
    while path:
        _, lefts = path[-1]
        for left in lefts:
            if left not in before_left:
                continue
            right = before_left.pop(left)
            chosen.append(left)
            if right is None:
                matching.update(zip((vertex for vertex, _ in path), chosen, strict=True))
                return
            if right in lefts_before:
                path.append((right, iter(lefts_before.pop(right))))
                break
            chosen.pop()
        else:
            path.pop()
            if chosen:
                chosen.pop()
