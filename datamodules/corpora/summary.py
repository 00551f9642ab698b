"""What a prepared corpus holds, in a few lines of text: clips, minutes, events and families by class, short events."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import read_events
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.corpora.sounds.soundbank import read_recordings
from datamodules.corpora.text_table import align
from datamodules.corpus_folder import CorpusCard

SHORT_BELOW_SECONDS = 1.0


def summarise_bank() -> list[str]:
    """Recordings, families and minutes of the soundbank by class."""
    recordings = read_recordings()
    rows: list[tuple[str, ...]] = [("class", "recordings", "families", "minutes")]
    for label in sorted({recording.label for recording in recordings}):
        of_label = [recording for recording in recordings if recording.label == label]
        minutes = sum(recording.num_samples for recording in of_label) / SAMPLE_RATE_HZ / 60
        families = len({recording.family for recording in of_label})
        rows.append((label, str(len(of_label)), str(families), f"{minutes:.1f}"))
    return align(rows)


def summarise_clips(folder: Path, card: CorpusCard) -> list[str]:
    """Clips and minutes by split, events by class and split, share of short events of a corpus of clips."""
    events = {split: read_events(folder / f"{split}_strong.tsv") for split in SPLITS}
    families = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
    rows: list[tuple[str, ...]] = [("", *SPLITS)]
    rows.append(("clips", *(str(card.num_clips[split]) for split in SPLITS)))
    rows.append(("minutes", *(f"{_minutes(folder, split):.1f}" for split in SPLITS)))
    rows.append(
        ("event-free clips", *(str(sum(not of_clip for of_clip in events[split].values())) for split in SPLITS))
    )
    for label in card.classes:
        counts = [sum(event.label == label for event in _flat(events[split].values())) for split in SPLITS]
        cells = (f"{count} of {len(families[split][label])}" for count, split in zip(counts, SPLITS, strict=True))
        rows.append((label, *cells))
    rows.append(("short (< 1 s)", *(_short_share(_flat(events[split].values())) for split in SPLITS)))
    return [*align(rows), "(events of families: no family is in two splits)"]


def _flat(clips: Iterable[Sequence[Event]]) -> list[Event]:
    return [event for of_clip in clips for event in of_clip]


def _short_share(events: Sequence[Event]) -> str:
    num_short = sum(event.duration_seconds < SHORT_BELOW_SECONDS for event in events)
    return f"{num_short / len(events):.0%}" if events else "no events"


def _minutes(folder: Path, split: str) -> float:
    with gzip.open(folder / "manifests" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as manifest:
        return sum(float(json.loads(line)["duration"]) for line in manifest) / 60
