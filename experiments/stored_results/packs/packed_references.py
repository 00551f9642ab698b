"""The labels of test splits in a pack: what tests over events and tags count against, in the order of the split.

Of a speech corpus there are none: its texts stand in the runs' own scores. Sounds do not travel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from datamodules.annotations import ClipReferences, Event
from datamodules.corpus_folder import CorpusCard, CorpusMissingError
from experiments.planning.cell import Cell
from experiments.stored_results.split_references import References, TestSplits, data_name
from experiments.stored_results.stored_scores import EVENTS, TAGS, StoredScores


def packed_references(
    cells: Sequence[Cell], scores: StoredScores, splits: TestSplits
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """What is said of each data section that tests ask for, and the files with the labels.

    A section without labels here keeps the reason, which a report prints.
    """
    said: dict[str, dict[str, Any]] = {}
    files: dict[str, bytes] = {}
    for cell in cells:
        if data_name(cell) not in said and any(scores.file(cell, name) for name in (TAGS, EVENTS)):
            references = splits.of(cell)
            entry: dict[str, Any] = {"data": data_name(cell), "file": None, "why": splits.why_not(cell)}
            said[data_name(cell)] = entry
            if isinstance(references, ClipReferences):
                data = json.dumps(plain_references(references), ensure_ascii=False).encode()
                name = f"references/{hashlib.sha256(data).hexdigest()[:16]}.json"
                entry["file"], files[name] = name, data
    return list(said.values()), files


def plain_references(references: ClipReferences) -> dict[str, Any]:
    """As JSON takes them, without sounds."""
    events = references.events
    return {
        "classes": list(references.classes),
        "sample_rate_hz": references.sample_rate_hz,
        "tags": {clip: sorted(tags) for clip, tags in references.tags.items()},
        "events": None if events is None else {clip: [list(event) for event in of] for clip, of in events.items()},
        "duration_seconds": dict(references.duration_seconds),
        "more": {name: getattr(references, name) for name in _more_fields()},
    }


def _more_fields() -> list[str]:
    """Fields of plain values that references have beside (what each clip was recorded from)."""
    known = ("classes", "sample_rate_hz", "tags", "events", "duration_seconds", "load_waveform")
    return [field.name for field in fields(ClipReferences) if field.name not in known]


class PackedSplits(TestSplits):
    """Answers from a pack, without corpora and without building anything that a configuration names."""

    def __init__(
        self, said: Sequence[Mapping[str, Any]], files: Mapping[str, bytes], cards: Mapping[str, CorpusCard]
    ) -> None:
        super().__init__()
        self._cards = dict(cards)
        for entry in said:
            file, name = entry["file"], str(entry["data"])
            self._known[name] = None if file is None else references_of(json.loads(files[file]))
            if entry["why"]:
                self._unread[name] = str(entry["why"])

    def card(self, corpus: str) -> CorpusCard:
        """As it was where the pack was made."""
        if corpus not in self._cards:
            raise CorpusMissingError(f"corpus {corpus!r} was not prepared where the pack was made")
        return self._cards[corpus]

    def add(self, other: PackedSplits) -> None:
        """Answer from another pack, too."""
        self._cards = {**other._cards, **self._cards}
        self._known = {**other._known, **self._known}
        self._unread = {**other._unread, **self._unread}

    def _read(self, cell: Cell, config: Mapping[str, Any]) -> References | None:
        return None


def references_of(plain: Mapping[str, Any]) -> ClipReferences:
    """What ``plain_references`` made plain. Raises ``KeyError``, ``TypeError``, ``ValueError`` for other mappings."""
    events = plain["events"]
    return ClipReferences(
        classes=tuple(plain["classes"]),
        sample_rate_hz=int(plain["sample_rate_hz"]),
        tags={clip: frozenset(tags) for clip, tags in plain["tags"].items()},
        events=None if events is None else {clip: tuple(Event(*event) for event in of) for clip, of in events.items()},
        duration_seconds={clip: float(seconds) for clip, seconds in plain["duration_seconds"].items()},
        load_waveform=_no_sound,
        **{name: value for name, value in plain["more"].items() if name in _more_fields()},
    )


def _no_sound(clip_id: str) -> NoReturn:
    raise CorpusMissingError(f"{clip_id}: a pack of results has no sounds")
