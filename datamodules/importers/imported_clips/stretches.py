"""``--clip-seconds``: long clips cut into stretches of equal length, their events cut with them."""

from __future__ import annotations

import bisect
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.placed_clips import PlacedClip

LEAST_PIECE_SECONDS = 0.1  # of an event that an edge cuts: less is hardly heard, and its other piece stays
LEAST_REST = 0.1  # of a stretch: a shorter rest of a clip belongs to the stretch before


def stretches(clip: PlacedClip, clip_seconds: float, *, slivers: list[str]) -> Iterator[PlacedClip]:
    """A clip as stretches of ``clip_seconds``, the last one longer by up to a tenth or shorter; itself if it is no
    longer.

    An event over an edge is in both stretches; pieces of less than ``LEAST_PIECE_SECONDS`` are left out where another
    piece is not, and named in ``slivers``. Raises ``ManifestError`` for a clip with tags alone.
    """
    edges = _edges(clip.duration_seconds, clip_seconds)
    if len(edges) == 2:
        yield clip
        return
    if clip.kind == "weak":
        raise ManifestError(
            f"{clip.place}: {clip.audio.name} has {clip.duration_seconds:g} s and tags without times, which cannot be "
            f"cut with it, allowed: clips of up to {clip_seconds:g} s, events, or no --clip-seconds"
        )
    pieces: dict[int, list[Event]] = defaultdict(list)
    for event in clip.events:
        for number, piece in _pieces(event, edges, where=clip.clip_id, slivers=slivers).items():
            pieces[number].append(piece)
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        events = tuple(sorted(pieces[number]))
        start_seconds = clip.start_seconds + start
        yield replace(
            clip,
            clip_id=f"{clip.clip_id}-{round(start_seconds * 1000):07d}",
            start_seconds=start_seconds,
            duration_seconds=end - start,
            events=events,
            tags=frozenset(event.label for event in events),
        )


def _edges(duration_seconds: float, clip_seconds: float) -> list[float]:
    """Where stretches begin and end, in seconds from the clip's start."""
    number = max(1, math.ceil(duration_seconds / clip_seconds - LEAST_REST))
    return [*(index * clip_seconds for index in range(number)), duration_seconds]


def _pieces(event: Event, edges: list[float], *, where: str, slivers: list[str]) -> dict[int, Event]:
    """The pieces of an event by the number of the stretch, in seconds from its start."""
    of_all: dict[int, Event] = {}
    number = bisect.bisect_right(edges, event.onset_seconds) - 1
    while number < len(edges) - 1 and edges[number] < event.offset_seconds:
        start, end = edges[number], edges[number + 1]
        onset, offset = max(event.onset_seconds, start), min(event.offset_seconds, end)
        piece = Event(round(onset - start, 3), round(offset - start, 3), event.label)
        if piece.duration_seconds > 0:
            of_all[number] = piece
        number += 1
    longest = max(piece.duration_seconds for piece in of_all.values())
    kept = {
        number: piece for number, piece in of_all.items() if piece.duration_seconds >= min(LEAST_PIECE_SECONDS, longest)
    }
    slivers += [f"{where}: {event.label} {piece.duration_seconds:g} s" for n, piece in of_all.items() if n not in kept]
    return kept
