"""Where a user's clips are and how they are read: lists by split, joined, each clip's id and audio its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.joined_lists import joined
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.read import read_clips
from datamodules.run_warning import first_names

_LABEL_FILES = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".jams", ".gz")


@dataclass(frozen=True)
class ClipSource:
    """Lists and folders by split (``train`` at least, which may be of all clips) and how to read them."""

    lists: Mapping[str, Sequence[Path]]
    format_name: str = "auto"
    audio_root: Path | None = None

    def read(self, split: str) -> list[ClipEntry]:
        """The clips of one split's lists, as written but joined. Raises ``ManifestError``."""
        return joined(
            entry
            for path in self.lists.get(split, ())
            for entry in read_clips(path, format_name=self.format_name, audio_root=self.audio_root)
        )

    def label_files(self) -> list[Path]:
        """The files that the labels stand in."""
        return [file for paths in self.lists.values() for path in paths for file in _files(path)]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [file for file in sorted(path.rglob("*")) if file.suffix.lower() in _LABEL_FILES and file.is_file()]


def refuse_twice(by_split: Mapping[str, Iterable[ClipEntry]]) -> None:
    """Raise ``ManifestError`` for clips of one id, and for a stretch of audio that two splits or lists have."""
    ids: dict[str, ClipEntry] = {}
    stretches: dict[object, ClipEntry] = {}
    for split, entries in by_split.items():
        for entry in entries:
            stretch = (entry.audio, entry.start_seconds, entry.duration_seconds, entry.channel)
            if (other := stretches.setdefault(stretch, entry)) is not entry:
                raise ManifestError(f"{entry.place}: {entry.audio.name} of {split} stands at {other.place} too")
            if (other := ids.setdefault(entry.clip_id, entry)) is not entry:
                raise ManifestError(
                    f"{entry.place}: clips {entry.audio} and {other.audio} (at {other.place}) are both "
                    f"{entry.clip_id!r}, allowed: names that differ in letters, digits, _ . or -"
                )


def without_commas(entries: Sequence[ClipEntry]) -> tuple[list[ClipEntry], str | None]:
    """Labels with ``;`` for every comma, which separates tags in all our lists; and what was renamed in a line.

    Raises ``ManifestError`` where a label is so written already.
    """
    labels = {label for entry in entries for label in entry.labels}
    renamed = {label: label.replace(",", ";") for label in sorted(labels) if "," in label}
    if taken := sorted(labels & set(renamed.values())):
        raise ManifestError(f"labels {taken[0].replace(';', ',')!r} and {taken[0]!r} would be one, allowed: rename one")
    if not renamed:
        return list(entries), None
    counts = Counter(label for entry in entries for label in entry.labels if label in renamed)
    names = [f"{new} ({counts[old]} clips)" for old, new in renamed.items()]
    says = (
        f"{len(renamed)} labels have a comma, which separates tags, and are written with ; here: {first_names(names)}"
    )
    return [_renamed(entry, renamed) for entry in entries], says


def _renamed(entry: ClipEntry, names: Mapping[str, str]) -> ClipEntry:
    def one(label: str) -> str:
        return names.get(label, label)

    events = None if entry.events is None else tuple(Event(on, off, one(label)) for on, off, label in entry.events)
    return replace(entry, events=events, tags=None if entry.tags is None else frozenset(map(one, entry.tags)))
