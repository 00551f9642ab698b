"""Where a user's clips are and how they are read: lists by split, joined, each clip's id and audio its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.joined_lists import joined
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.detect import detect_layout
from datamodules.importers.sound_events.read import read_clips

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

    def description(self) -> str:
        """Which lists were read, and in what layout: of a data set with two test lists the layout says which."""
        paths = [path for of in self.lists.values() for path in of]
        named = [f"{path} ({self._layout(path)})" for path in paths]
        return f"imported from {', '.join(named)}"

    def _layout(self, path: Path) -> str:
        return detect_layout(path) if self.format_name == "auto" else self.format_name

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
