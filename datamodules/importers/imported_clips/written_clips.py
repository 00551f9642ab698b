"""Writes clips that stay where they are as a corpus in the layout of ``datamodules/corpora/clip_corpus.py``.

    manifests/{train,validation}_strong.jsonl.gz, manifests/test.jsonl.gz    every clip with all that is known of it
    manifests/{train,validation}.jsonl.gz                                    the same without events
    SPLIT_strong.tsv, SPLIT_weak.tsv    DCASE lists of the clips with events, and of those with tags
    SPLIT_unlabelled.tsv                the clips of which nothing is known, where there are any
    sources.json                        recordings by split and class
    files.json, dropped.json, corpus.json

A cut's ``custom`` has ``tags``, ``label_kind``, ``group`` (its recording) and, where there are folds, ``fold``. The
digest covers the lists, and of each clip what its cut says and the bytes of its file, not where that lies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lhotse import AudioSource, CutSet, MonoCut, MultiCut, Recording, SupervisionSegment

from datamodules.clips.dcase_tsv import write_events, write_tags
from datamodules.corpora.card_digest import card_digest
from datamodules.corpora.clip_corpus import SPLITS, CorpusFacts
from datamodules.corpus_files import FileFacts, record_files
from datamodules.corpus_folder import CorpusCard
from datamodules.importers.imported_clips.placed_clips import Named, PlacedClip

LIST_SUFFIX = ".wav"  # of the names in the lists, which are matched by clip id


def write_placed_clips(
    folder: Path,
    *,
    facts: CorpusFacts,
    clips: Mapping[str, Sequence[PlacedClip]],
    audio: Mapping[str, FileFacts],
    dropped: Mapping[str, Named],
) -> CorpusCard:
    """Write every split into an empty ``folder`` and return the card that was written last.

    ``audio`` are facts of the files, with digests, by path; ``dropped`` is what was left out: clips or events, reason,
    places. Raises ``OSError``.
    """
    (folder / "manifests").mkdir()
    for split in SPLITS:
        _write_manifests(folder / "manifests", split, clips[split])
        _write_lists(folder, split, clips[split])
    _write_json(folder / "sources.json", {split: _recordings(clips[split], facts.classes) for split in SPLITS})
    _write_json(folder / "dropped.json", dropped)
    record_files(folder, known=audio)
    card = CorpusCard(
        name=facts.name,
        digest=card_digest(folder, has_classes=True, audio=audio),
        classes=facts.classes,
        sample_rate_hz=facts.sample_rate_hz,
        synthetic=facts.synthetic,
        licences=facts.licences,
        num_clips={split: len(clips[split]) for split in SPLITS},
        description=facts.description,
    )
    card.write(folder)
    return card


def _write_manifests(folder: Path, split: str, clips: Iterable[PlacedClip]) -> None:
    cuts = [_cut(clip) for clip in clips]
    CutSet.from_cuts(cuts).to_file(folder / ("test.jsonl.gz" if split == "test" else f"{split}_strong.jsonl.gz"))
    if split != "test":
        CutSet.from_cuts(map(_weak, cuts)).to_file(folder / f"{split}.jsonl.gz")


def _cut(clip: PlacedClip) -> MonoCut | MultiCut:
    """The clip's cut: of one channel, or of all, of which reading takes the mean."""
    channels = list(range(clip.header.num_channels))
    recording = Recording(
        id=str(clip.audio),
        sources=[AudioSource(type="file", channels=channels, source=str(clip.audio))],
        sampling_rate=clip.header.sample_rate_hz,
        num_samples=clip.header.num_samples,
        duration=clip.header.duration_seconds,
        channel_ids=channels,
    )
    channel = 0 if clip.channel is None and len(channels) == 1 else clip.channel
    custom = {"tags": sorted(clip.tags), "label_kind": clip.kind, "group": clip.recording}
    fields: dict[str, Any] = {
        "id": clip.clip_id,
        "start": clip.start_seconds,
        "duration": clip.duration_seconds,
        "recording": recording,
        "supervisions": _supervisions(clip, channels if channel is None else channel),
        "custom": custom | ({} if clip.fold is None else {"fold": clip.fold}),
    }
    return MultiCut(channel=channels, **fields) if channel is None else MonoCut(channel=channel, **fields)


def _supervisions(clip: PlacedClip, channel: int | list[int]) -> list[SupervisionSegment]:
    return [
        SupervisionSegment(
            id=f"{clip.clip_id}-{index}",
            recording_id=str(clip.audio),
            start=event.onset_seconds,
            duration=round(event.duration_seconds, 3),
            channel=channel,
            custom={"label": event.label},
        )
        for index, event in enumerate(clip.events)
    ]


def _weak(cut: MonoCut | MultiCut) -> MonoCut | MultiCut:
    """The cut as who must not see events may have it."""
    without = cut.drop_supervisions()
    without.custom = dict(cut.custom)
    if cut.custom["label_kind"] == "strong":
        without.custom["label_kind"] = "weak"
    return without


def _write_lists(folder: Path, split: str, clips: Sequence[PlacedClip]) -> None:
    write_events(
        folder / f"{split}_strong.tsv",
        {f"{clip.clip_id}{LIST_SUFFIX}": clip.events for clip in clips if clip.kind == "strong"},
    )
    labelled = {f"{clip.clip_id}{LIST_SUFFIX}": clip.tags for clip in clips if clip.kind != "unlabelled"}
    write_tags(folder / f"{split}_weak.tsv", labelled)
    if unlabelled := sorted(f"{clip.clip_id}{LIST_SUFFIX}" for clip in clips if clip.kind == "unlabelled"):
        lines = "".join(f"{name}\n" for name in ("filename", *unlabelled))
        (folder / f"{split}_unlabelled.tsv").write_text(lines, encoding="utf-8")


def _recordings(clips: Sequence[PlacedClip], classes: Sequence[str]) -> dict[str, list[str]]:
    return {label: sorted({clip.recording for clip in clips if label in clip.tags}) for label in classes}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
