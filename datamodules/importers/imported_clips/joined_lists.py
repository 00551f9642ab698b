"""Several lists of one split that describe the same clips: strong and weak lists, lists of files.

A clip is a stretch of a file. Lists may add to each other (events to a clip that a list of files names, tags to no
label); they may not contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.clip_entry import ClipEntry


def joined(entries: Iterable[ClipEntry]) -> list[ClipEntry]:
    """One entry a clip, in the order in which they are first named.

    Raises ``ManifestError`` for a clip with two lists of events, for tags that are not those of its events, and for a
    list of durations that no list of events explains.
    """
    by_clip: dict[object, list[ClipEntry]] = {}
    for entry in entries:
        stretch = (entry.audio, entry.start_seconds, entry.duration_seconds, entry.channel)
        by_clip.setdefault(stretch, []).append(entry)
    have_events = any(entry.events is not None for of in by_clip.values() for entry in of)
    return [_one(of, have_events=have_events) for of in by_clip.values()]


def _one(entries: Sequence[ClipEntry], *, have_events: bool) -> ClipEntry:
    strong = [entry for entry in entries if entry.events is not None]
    weak = [entry for entry in entries if entry.events is None and entry.tags is not None]
    if len(strong) > 1:
        raise ManifestError(
            f"{strong[1].place}: the events of {strong[1].audio.name} stand at {strong[0].place} too, allowed: one list"
        )
    tags = frozenset(tag for entry in weak for tag in entry.tags or ())
    if strong:
        if weak and tags != strong[0].labels:
            differing = ", ".join(sorted(tags ^ strong[0].labels))
            raise ManifestError(
                f"{weak[0].place}: tags of {weak[0].audio.name} are not those of its events at {strong[0].place} "
                f"({differing}), allowed: the same, or one of the two lists"
            )
        return strong[0]
    if weak:
        return replace(weak[0], tags=tags)
    if listed := [entry for entry in entries if entry.is_listed_only]:
        if not have_events:
            raise ManifestError(
                f"{listed[0].place}: a list of durations says nothing of labels, allowed: beside a list of events of "
                "its split"
            )
        return replace(listed[0], events=(), is_listed_only=False)
    return entries[0]
