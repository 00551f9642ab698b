"""Where label lists and the folders of their audio differ, and how the lists' own columns stand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from datamodules.checks.checked_clips import CheckedClip
from datamodules.checks.findings import NUM_EXAMPLES, Finding, share
from datamodules.clips.dcase_tsv import EVENT_COLUMNS, SYNONYMS, TAG_COLUMNS
from datamodules.importers.entry import lines_of
from datamodules.importers.sound_events.audio_files import is_audio

_TABLES = (".tsv", ".csv", ".txt")
_NUMBER = re.compile(r"-?\d+([.,]\d*)?")


def unlisted_audio(clips: Sequence[CheckedClip]) -> Finding | None:
    """Audio that no list names, in the folders of those that are named."""
    listed = {one.entry.audio.absolute() for one in clips}
    there = [
        path
        for folder in sorted({path.parent for path in listed if path.is_file()})
        for path in sorted(folder.iterdir())
        if is_audio(path) and not path.name.startswith(".")
    ]
    unlisted = [path for path in there if path not in listed]
    if not unlisted:
        return None
    what = f"audio that no label names, beside audio that is named: {share(len(unlisted), len(there))}"
    return Finding("unlisted_audio", "warning", len(unlisted), what, tuple(map(str, unlisted[:NUM_EXAMPLES])))


def heading_orders(lists: Iterable[Path]) -> Finding | None:
    """Lists whose columns stand in another order than DCASE's, or than in most lists with the same columns.

    They are read by name, and so rightly; a tool that reads them by place would not.
    """
    orders: dict[frozenset[str], dict[tuple[str, ...], list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in dict.fromkeys(lists):
        columns = _heading(path)
        standard = next((names for names in (EVENT_COLUMNS, TAG_COLUMNS) if set(names) <= set(columns)), columns)
        orders[frozenset(standard)][tuple(name for name in columns if name in standard)].append(path)
    examples = []
    for kind, by_order in orders.items():
        most = max(by_order, key=lambda order: len(by_order[order]))
        usual = next((names for names in (EVENT_COLUMNS, TAG_COLUMNS) if kind == set(names)), most)
        others = [(order, path) for order, paths in by_order.items() for path in paths if order != usual]
        examples += [f"{path}, line 1: {' '.join(order)}, not {' '.join(usual)}" for order, path in others]
    if not examples:
        return None
    what = "columns in another order than usual: read by their names, and so rightly"
    return Finding("heading_order", "warning", len(examples), what, tuple(examples[:NUM_EXAMPLES]))


def _heading(path: Path) -> tuple[str, ...]:
    """The names of a table's columns, in order; empty where its first line is data."""
    first = next((line for _, line in lines_of(path)), "") if path.suffix.lower() in _TABLES else ""
    fields = [field.strip().strip('"').lower() for field in first.split("\t" if "\t" in first else ",")]
    if len(set(fields)) < len(fields) or any(is_audio(Path(field)) or _NUMBER.fullmatch(field) for field in fields):
        return ()
    return tuple(SYNONYMS.get(field, field) for field in fields)
