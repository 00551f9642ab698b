"""What each clip of a corpus was recorded from: a speaker, a family of recordings, a session.

A manifest says it of a segment (``speaker``, ``family``) or of a clip. Where clips mix several sources of a kind, no
two clips that share one may be told apart: the clips' sources are then the connected groups of what is mixed. A clip in
which nothing was recorded (no event, over noise that was made for it) is a source of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from datamodules.audio.cuts import Cut
from datamodules.dealing.deal import DEALT_BY, KINDS
from datamodules.dealing.soundscape_backgrounds import backgrounds

UNKNOWN_SPEAKER = "unknown"  # a speaker of whom an imported manifest says nothing


def recorded_sources(cuts: Sequence[Cut], folder: Path, *, by: str, where: str) -> dict[str, str]:
    """The source of each cut of the corpus in ``folder``, of the kind ``by``, for a deal.

    Raises ``ValueError``, which begins with ``where``, where a cut has none, naming the kinds that are recorded.
    """
    mixed = _mixed(cuts, folder, by)
    if lacking := [clip_id for clip_id, of in mixed.items() if not of]:
        eventless = {cut.id for cut in cuts if not cut.supervisions}
        if by != "family" or not any(mixed.values()) or not eventless.issuperset(lacking):
            known = ", ".join(kind for kind in DEALT_BY if any(_mixed(cuts, folder, kind).values())) or "nothing"
            without = f"no {by} is recorded of {len(lacking)} clips ({lacking[0]} and on)"
            raise ValueError(f"{where}: {without}; recorded is {known}")
        mixed |= {clip_id: {f"nothing in {clip_id}"} for clip_id in lacking}
    return _connected(mixed)


def sources_by_kind(cuts: Sequence[Cut], folder: Path) -> dict[str, dict[str, str]]:
    """The sources of each kind that is recorded of all the cuts, for blocks of a test: a clip of nothing has none."""
    mixed = {kind: _mixed(cuts, folder, kind) for kind in KINDS}
    return {kind: _connected(of) for kind, of in mixed.items() if of and all(of.values())}


def _mixed(cuts: Sequence[Cut], folder: Path, kind: str) -> dict[str, set[str]]:
    """The sources of one kind that each cut mixes; those under a soundscape are a family too."""
    mixed = {cut.id: _recorded(cut, kind) for cut in cuts}
    if kind in ("family", "background"):
        for clip_id, family in backgrounds(mixed, folder).items():
            mixed[clip_id].add(family)
    return mixed


def _recorded(cut: Cut, kind: str) -> set[str]:
    said = [(cut.custom or {}).get(kind)]
    if kind == "family":  # what lies under a mixture was recorded in a family too
        said.append((cut.custom or {}).get("background"))
    for segment in cut.supervisions:
        said += [(segment.custom or {}).get(kind), segment.speaker if kind == "speaker" else None]
    return {str(name) for name in said if name not in (None, "", UNKNOWN_SPEAKER)}


def _connected(mixed: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The group of each clip, named by the first of its sources and how many more it has.

    >>> _connected({"x": {"dog", "rain"}, "y": {"rain"}, "z": {"cat"}})
    {'x': 'dog and 1 more', 'y': 'dog and 1 more', 'z': 'cat'}
    """
    parent: dict[str, str] = {}

    def root(source: str) -> str:
        while parent.setdefault(source, source) != source:
            parent[source] = source = parent[parent[source]]
        return source

    for sources in mixed.values():
        first, *others = sorted(sources)
        top = root(first)
        for other in others:
            parent[root(other)] = top
    groups: dict[str, list[str]] = {}
    for source in sorted(parent):
        groups.setdefault(root(source), []).append(source)
    names = {top: of[0] + (f" and {len(of) - 1} more" if len(of) > 1 else "") for top, of in groups.items()}
    return {clip_id: names[root(min(sources))] for clip_id, sources in mixed.items()}
