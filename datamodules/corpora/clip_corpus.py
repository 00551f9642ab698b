"""Writes a corpus of labelled clips in the layout that every detection system reads.

    audio/SPLIT/ID.flac                 mono, 16 bit
    SPLIT_weak.tsv, SPLIT_strong.tsv    DCASE lists; train_strong.tsv is for the upper bound alone
    manifests/SPLIT.jsonl.gz, manifests/{train,validation}_strong.jsonl.gz    Lhotse cuts, paths relative to the folder
    sources.json                        recording families by split and class
    files.json                          what every file was when it was made (``datamodules/corpus_files.py``)
    corpus.json                         the card, written last

Weak manifests hold no supervision, only ``custom={"tags": [...]}`` (with ``background``, the family of recordings under
the events, where there is one); strong ones hold one supervision an event with ``custom={"label", "family"}``; the test
manifest is always strong. Times are whole milliseconds. The digest covers the
lists and the 16-bit samples, not the FLAC bytes, which differ between encoder versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from lhotse import AudioSource, CutSet, MonoCut, Recording, SupervisionSegment
from numpy.typing import NDArray

from datamodules.annotations import Event
from datamodules.clips.dcase_tsv import write_events, write_tags
from datamodules.corpora.sound_files import write_flac
from datamodules.corpus_files import record_files
from datamodules.corpus_folder import CorpusCard

SPLITS = ("train", "validation", "test")


class SourcedEvent(NamedTuple):
    """An event and the recording family that its sound came from."""

    event: Event
    family: str


@dataclass(frozen=True)
class LabelledClip:
    """One clip: mono samples in [-1, 1] and its strong labels, from which the weak ones follow.

    ``background`` is the recording family under the events, where one was recorded; ``num_crowded_out`` counts the
    events that were drawn and found no room.
    """

    clip_id: str
    waveform_S: NDArray[np.float32]
    events: tuple[SourcedEvent, ...]
    background: str | None = None
    num_crowded_out: int = 0


@dataclass(frozen=True)
class CorpusFacts:
    """What the card says beside the counts and the digest."""

    name: str
    classes: tuple[str, ...]
    sample_rate_hz: int
    synthetic: bool
    licences: dict[str, str]
    description: str


def write_clip_corpus(
    folder: Path, *, facts: CorpusFacts, clips: Mapping[str, Iterable[LabelledClip]], sources: object
) -> CorpusCard:
    """Write every split into an empty ``folder`` and return the card that was written last.

    ``clips`` maps each of ``SPLITS`` to its clips, which are consumed one at a time; ``sources`` is stored as
    ``sources.json``. Raises ``ValueError`` for a label outside ``facts.classes`` and for a repeated clip id.
    """
    digest = hashlib.sha256()
    num_clips: dict[str, int] = {}
    seen: set[str] = set()
    (folder / "manifests").mkdir()
    for split in SPLITS:
        cuts = []
        (folder / "audio" / split).mkdir(parents=True)
        for clip in clips[split]:
            _check(clip, classes=facts.classes, seen=seen)
            digest.update(_write_audio(folder / _audio_path(split, clip), clip, facts.sample_rate_hz))
            cuts.append(_strong_cut(split, clip, facts.sample_rate_hz))
        num_clips[split] = len(cuts)
        for tsv in _write_lists(folder, split, cuts):
            digest.update(tsv.read_bytes())
    (folder / "sources.json").write_text(json.dumps(sources, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    card = CorpusCard(
        name=facts.name,
        digest=digest.hexdigest(),
        classes=facts.classes,
        sample_rate_hz=facts.sample_rate_hz,
        synthetic=facts.synthetic,
        licences=facts.licences,
        num_clips=num_clips,
        description=facts.description,
    )
    record_files(folder)
    card.write(folder)
    return card


def _check(clip: LabelledClip, *, classes: tuple[str, ...], seen: set[str]) -> None:
    if clip.clip_id in seen:
        raise ValueError(f"clip id {clip.clip_id!r} occurs twice")
    seen.add(clip.clip_id)
    for event, _ in clip.events:
        if event.label not in classes:
            raise ValueError(f"clip {clip.clip_id!r} has an event of class {event.label!r}, allowed: {classes}")


def _audio_path(split: str, clip: LabelledClip) -> str:
    return f"audio/{split}/{clip.clip_id}.flac"


def _write_audio(path: Path, clip: LabelledClip, sample_rate_hz: int) -> bytes:
    """Write the clip and return its little-endian 16-bit samples."""
    samples_S = np.clip(np.round(clip.waveform_S * 32767.0), -32768, 32767).astype("<i2")
    write_flac(path, samples_S, sample_rate_hz)
    return samples_S.tobytes()


def _strong_cut(split: str, clip: LabelledClip, sample_rate_hz: int) -> MonoCut:
    duration_seconds = len(clip.waveform_S) / sample_rate_hz
    recording = Recording(
        id=clip.clip_id,
        sources=[AudioSource(type="file", channels=[0], source=_audio_path(split, clip))],
        sampling_rate=sample_rate_hz,
        num_samples=len(clip.waveform_S),
        duration=duration_seconds,
    )
    supervisions = [
        SupervisionSegment(
            id=f"{clip.clip_id}-{index}",
            recording_id=clip.clip_id,
            start=round(event.onset_seconds, 3),
            duration=round(round(event.offset_seconds, 3) - round(event.onset_seconds, 3), 3),
            custom={"label": event.label, "family": family},
        )
        for index, (event, family) in enumerate(sorted(clip.events))
    ]
    tags = sorted({event.label for event, _ in clip.events})
    return MonoCut(
        id=clip.clip_id,
        start=0.0,
        duration=duration_seconds,
        channel=0,
        recording=recording,
        supervisions=supervisions,
        custom={"tags": tags} | ({} if clip.background is None else {"background": clip.background}),
    )


def _write_lists(folder: Path, split: str, cuts: list[MonoCut]) -> tuple[Path, Path]:
    """Manifests and DCASE lists of one split; returns the two lists."""
    strong, weak = folder / f"{split}_strong.tsv", folder / f"{split}_weak.tsv"
    write_events(strong, {f"{cut.id}.flac": [_event(segment) for segment in cut.supervisions] for cut in cuts})
    write_tags(weak, {f"{cut.id}.flac": frozenset(cut.custom["tags"]) for cut in cuts})
    manifests = folder / "manifests"
    if split == "test":  # scored only, and always with its strong labels
        CutSet.from_cuts(cuts).to_file(manifests / "test.jsonl.gz")
    else:
        CutSet.from_cuts(cuts).to_file(manifests / f"{split}_strong.jsonl.gz")
        weak_cuts = [cut.drop_supervisions() for cut in cuts]
        CutSet.from_cuts(weak_cuts).to_file(manifests / f"{split}.jsonl.gz")
    return strong, weak


def _event(segment: SupervisionSegment) -> Event:
    return Event(segment.start, round(segment.start + segment.duration, 3), segment.custom["label"])
