"""Gathers what the checks of sound events look at: the clips of a corpus, or of a user's label files, by split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.annotations import Event
from datamodules.audio.audio_facts import AudioFacts
from datamodules.checks.findings import rest_seconds
from datamodules.clips.label_kinds import label_kind
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.corpus_files import listed_cuts
from datamodules.corpus_folder import data_root, read_card
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.clip_source import ClipSource
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.read import read_clips


class CheckedClip(NamedTuple):
    """A clip of a split with what decoding its file said."""

    split: str
    entry: ClipEntry
    audio: AudioFacts

    @property
    def duration_seconds(self) -> float:
        """Length in seconds: that of the labels' stretch, or that of the rest of the file."""
        return rest_seconds(self.entry, self.audio)

    @property
    def name(self) -> str:
        """The clip's id."""
        return self.entry.clip_id


@dataclass(frozen=True)
class ClipEntries:
    """Clips by split; ``classes`` are those of a corpus's card, None where nobody declared any.

    ``lists`` are the files that the labels were read from, ``sample_rate_hz`` is that at which a corpus is served.
    """

    by_split: Mapping[str, Sequence[ClipEntry]]
    classes: tuple[str, ...] | None = None
    lists: tuple[Path, ...] = ()
    sample_rate_hz: int = SAMPLE_RATE_HZ

    @property
    def audio(self) -> list[Path]:
        """The files of all clips, each once."""
        return list(dict.fromkeys(entry.audio for entries in self.by_split.values() for entry in entries))

    def checked(self, facts: Mapping[Path, AudioFacts]) -> list[CheckedClip]:
        """The clips with what decoding said of their files."""
        return [
            CheckedClip(split, entry, facts[entry.audio])
            for split, entries in self.by_split.items()
            for entry in entries
        ]


def clips_of_corpus(name: str) -> ClipEntries:
    """The clips of a prepared or imported corpus of sound events.

    Raises ``CorpusMissingError``, and ``ManifestError`` for a damaged manifest.
    """
    card, folder = read_card(name), data_root() / name
    by_split = {split: _corpus_split(folder, split) for split in SPLITS}
    return ClipEntries(by_split, classes=card.classes, sample_rate_hz=card.sample_rate_hz)


def clips_of_labels(source: ClipSource) -> ClipEntries:
    """The clips of a user's label lists and folders, by the split that a layout gives, else that of its list.

    Raises ``ManifestError``.
    """
    by_split: dict[str, list[ClipEntry]] = {}
    for split, paths in source.lists.items():
        entries = [
            entry
            for path in paths
            for entry in read_clips(path, format_name=source.format_name, audio_root=source.audio_root)
        ]
        for entry in _joined(entries):
            by_split.setdefault(entry.split if entry.split in SPLITS else split, []).append(entry)
    return ClipEntries(by_split, lists=tuple(source.label_files()))


def _joined(entries: Sequence[ClipEntry]) -> list[ClipEntry]:
    """The clips of the lists of one split, of which one may give a clip's times, one its tags and one the file alone.

    What is only listed has no event where a list of times is among them. What importing refuses (``joined_lists.py``)
    stays as it is here, for the checks to find: a clip with two lists of events, and tags that contradict events.
    """
    has_times = any(entry.events is not None for entry in entries)
    joined: dict[object, ClipEntry] = {}
    again = []
    for entry in sorted(entries, key=lambda entry: entry.is_listed_only):  # stable: labelled ones first
        stretch = (entry.audio, entry.start_seconds, entry.duration_seconds, entry.channel)
        other = joined.get(stretch)
        if other is None:
            joined[stretch] = replace(entry, events=()) if entry.is_listed_only and has_times else entry
        elif other.events is None and entry.events is not None and entry.tags is None:
            joined[stretch] = replace(entry, tags=other.tags)
        elif other.tags is None and entry.tags is not None and entry.events is None:
            joined[stretch] = replace(other, tags=entry.tags)
        elif not entry.is_listed_only:
            again.append(entry)
    return [*joined.values(), *again]


def _corpus_split(folder: Path, split: str) -> list[ClipEntry]:
    """The clips of a split; where two manifests have a clip, events are the strong one's and tags the weak one's."""
    names = ("test",) if split == "test" else (f"{split}_strong", split)
    paths = [path for name in names if (path := folder / "manifests" / f"{name}.jsonl.gz").is_file()]
    if not paths:
        raise ManifestError(f"{folder / 'manifests' / f'{split}.jsonl.gz'}: no such file; make the corpus again")
    first, *others = ({entry.clip_id: entry for entry in _entries(folder, path)} for path in paths)
    for weak in others:
        for clip_id, entry in weak.items():
            first[clip_id] = replace(first[clip_id], tags=entry.tags) if clip_id in first else entry
    return list(first.values())


def _entries(folder: Path, path: Path) -> Iterator[ClipEntry]:
    try:
        for number, cut in enumerate(listed_cuts(path), start=1):
            yield _entry(
                folder, cut, place=f"{path}, line {number}", strong=path.name[:-9].endswith(("_strong", "test"))
            )
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"{path}: is damaged ({error}); make the corpus again") from error


def _entry(folder: Path, cut: Mapping[str, Any], *, place: str, strong: bool) -> ClipEntry:
    custom = cut.get("custom") or {}
    kind = label_kind(custom, strong=strong)
    return ClipEntry(
        clip_id=str(cut["id"]),
        audio=folder / str(cut["recording"]["sources"][0]["source"]),
        place=place,
        events=tuple(_events(cut.get("supervisions") or ())) if kind == "strong" else None,
        tags=None if kind == "unlabelled" else frozenset(custom["tags"]),
        start_seconds=float(cut["start"]),
        duration_seconds=float(cut["duration"]),
        channel=cut["channel"] if isinstance(cut["channel"], int) else None,
        recording=custom.get("group"),
    )


def _events(supervisions: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    for segment in supervisions:
        start = float(segment["start"])
        yield Event(start, round(start + float(segment["duration"]), 3), str(segment["custom"]["label"]))
