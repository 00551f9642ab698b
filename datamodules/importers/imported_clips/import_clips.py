"""A user's labels of sound events become a corpus folder in the layout of all corpora of clips; the audio stays put.

Lists are read and joined, clips fitted to their audio, cut into stretches if asked, dealt into splits where those are
not given, and written. What is left out, cut or guessed is said with a count and a name, or refused.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from datamodules.corpora.clip_corpus import SPLITS, CorpusFacts
from datamodules.corpora.whole_folder import whole_folder
from datamodules.corpus_files import FileFacts, facts_of, write_facts
from datamodules.corpus_folder import CorpusCard
from datamodules.importers.audio_headers import DamagedAudioError
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.clip_source import ClipSource, refuse_twice
from datamodules.importers.imported_clips.dealt_splits import BySplit, dealt_splits
from datamodules.importers.imported_clips.placed_clips import Noted, PlacedClip, Placing
from datamodules.importers.imported_clips.stretches import LEAST_PIECE_SECONDS, stretches
from datamodules.importers.imported_clips.written_clips import write_placed_clips
from datamodules.importers.imported_manifests import IMPORTED_FROM, manifest_facts
from datamodules.importers.new_corpus import new_corpus
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.run_warning import RunWarning, first_names


@dataclass(frozen=True)
class ClipRules:
    """How clips are taken over.

    ``sample_rate_hz`` is that at which they are served. ``clip_seconds`` cuts longer ones. ``whole_clip_events`` makes
    each tag of a weak clip an event from its beginning to its end. ``drop_damaged`` leaves out clips without readable
    audio and events that their clip cannot have, instead of refusing them.
    """

    sample_rate_hz: int = 16_000
    clip_seconds: float | None = None
    whole_clip_events: bool = False
    drop_damaged: bool = False


def import_clips(
    name: str, source: ClipSource, rules: ClipRules, *, licence: str = "not stated", rebuild: bool = False
) -> CorpusCard:
    """Write ``DATA_ROOT/NAME`` and return its card.

    Raises ``ManifestError`` for a list that cannot be read, a clip that stands twice, damaged audio, events outside
    their clip and a split that is left empty; ``ValueError`` for a name that is taken or none.
    """
    with new_corpus(name, rebuild=rebuild) as target:
        label_files = manifest_facts(source.label_files())
        entries = _read(source)
        placing = Placing(whole_clip_events=rules.whole_clip_events)
        by_list = {split: _placed(of, placing, rules) for split, of in entries.items()}
        _refuse_noted(placing.noted, rules)
        by_split, dealt = dealt_splits(by_list, name=name)
        classes = _classes(by_split, placing.noted)
        for line in (*_says(placing.noted), dealt, *_lacking(by_split, classes)):
            _say(line)
        files = sorted({clip.audio for clips in by_split.values() for clip in clips})
        facts = CorpusFacts(
            name=name,
            classes=classes,
            sample_rate_hz=rules.sample_rate_hz,
            synthetic=False,
            licences={"imported": licence},
            description=source.description(),
        )
        with whole_folder(target) as folder:
            write_facts(folder, label_files, IMPORTED_FROM)
            noted = placing.noted
            dropped = {"clips": noted.damaged_clips, "events": noted.wrong_events}
            return write_placed_clips(
                folder, facts=facts, clips=by_split, audio=_audio_facts(files, name), dropped=dropped
            )


def _read(source: ClipSource) -> dict[str, list[ClipEntry]]:
    by_split = {split: source.read(split) for split in SPLITS if split in source.lists}
    refuse_twice(by_split)
    return by_split


def _placed(entries: Sequence[ClipEntry], placing: Placing, rules: ClipRules) -> list[PlacedClip]:
    """The clips whose audio can be read, cut into stretches."""
    clips: list[PlacedClip] = []
    for entry in entries:
        try:
            clip = placing.placed(entry)
        except DamagedAudioError as error:
            place = f"{entry.place}: {entry.audio}: {error.sentence()}"
            placing.noted.damaged_clips[str(error)].append(place)
            continue
        if rules.clip_seconds is None:
            clips.append(clip)
        else:
            clips += stretches(clip, rules.clip_seconds, slivers=placing.noted.slivers)
    return clips


def _refuse_noted(noted: Noted, rules: ClipRules) -> None:
    """Raise ``ManifestError`` for the first of what may only be left out by choice."""
    if rules.drop_damaged:
        return
    faults = [place for places in noted.damaged_clips.values() for place in places]
    faults += [f"{place}: {reason}" for reason, places in noted.wrong_events.items() for place in places]
    if faults:
        others = f" ({len(faults) - 1} more of this kind)" if len(faults) > 1 else ""
        raise ManifestError(
            f"{faults[0]}{others}; allowed: audio that can be read and events within their clip, or --drop-damaged "
            "(earmark data check finds all that are not)"
        )


def _classes(by_split: BySplit, noted: Noted) -> tuple[str, ...]:
    """All labels, sorted. Raises ``ManifestError`` where a split has no clip, or nothing is labelled."""
    for split in SPLITS:
        if not by_split[split]:
            counts = {reason: len(places) for reason, places in noted.damaged_clips.items()}
            left_out = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none"
            raise ManifestError(f"split {split!r} has no clip (left out: {left_out}), allowed: --{split} of its own")
    classes = tuple(sorted({label for clips in by_split.values() for clip in clips for label in clip.tags}))
    if not classes:
        raise ManifestError("no clip has a label, allowed: lists of events or of tags")
    return classes


def _says(noted: Noted) -> list[str]:
    """What was left out, cut or stands twice, a line each."""
    lines = [f"left out clips: {_named(reason, places)}" for reason, places in noted.damaged_clips.items()]
    lines += [f"left out events: {_named(reason, places)}" for reason, places in noted.wrong_events.items()]
    if noted.cut_events:
        lines.append(f"cut to their clip, which they left by rounding: {_named('events', noted.cut_events)}")
    if noted.twice:
        lines.append(f"taken once: {_named('events that stand twice', noted.twice)}")
    if noted.slivers:
        what = f"pieces of events below {LEAST_PIECE_SECONDS:g} s at the edge of a clip"
        lines.append(f"left out: {_named(what, noted.slivers)}")
    return lines


def _named(what: str, names: Sequence[str]) -> str:
    return f"{len(names)} {what} ({first_names(names)})"


def _lacking(by_split: BySplit, classes: Sequence[str]) -> list[str]:
    """Classes without a training or a test clip, recordings in several splits, files that are converted."""
    counts = {split: Counter(label for clip in clips for label in clip.tags) for split, clips in by_split.items()}
    lines = []
    for split in ("train", "test"):
        if without := [label for label in classes if not counts[split][label]]:
            lines.append(f"{len(without)} of {len(classes)} classes have no {split} clip: {first_names(without, 10)}")
    return lines + _shared(by_split) + _converted(by_split)


def _shared(by_split: BySplit) -> list[str]:
    """Recordings that lists of the user have put into several splits."""
    splits: dict[str, set[str]] = defaultdict(set)
    for split, clips in by_split.items():
        for clip in clips:
            splits[clip.recording].add(split)
    shared = [f"{name}: {', '.join(sorted(of))}" for name, of in splits.items() if len(of) > 1]
    return [f"{_named('recordings in more than one split', shared)}"] if shared else []


def _converted(by_split: Mapping[str, Sequence[PlacedClip]]) -> list[str]:
    mixed = {clip.audio.name: None for of in by_split.values() for clip in of if _is_mean(clip)}
    return [f"the mean of all channels is taken: {_named('files with several channels', list(mixed))}"] if mixed else []


def _is_mean(clip: PlacedClip) -> bool:
    return clip.channel is None and clip.header.num_channels > 1


def _audio_facts(files: Sequence[Path], name: str) -> dict[str, FileFacts]:
    return {str(path): facts_of(path) for path in track(files, name, console=Console(stderr=True))}


def _say(line: str | None) -> None:
    if line is not None:
        warnings.warn(line, category=RunWarning, stacklevel=2)
