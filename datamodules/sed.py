"""The data module of sound event detection: a corpus folder in, batches of clips and references for scoring out.

Strong labels leave it by doors that have to be opened by name: ``train_labels: strong`` for the upper bound or
``mixed`` for all that is known of each clip, and ``selection: strong`` for post-processing that is fitted on validation
events. Otherwise the files that hold strong labels of training and validation are not even read. A ``deal`` needs what
those files say of recordings, and takes that alone: the clips go on without their events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from torch.utils.data import DataLoader

from datamodules.annotations import ClipReferences
from datamodules.audio.audio_place import CACHE_GIGABYTES, Audio, AudioPlace
from datamodules.audio.cuts import Cut
from datamodules.clips.clip_store import ClipStore
from datamodules.clips.label_kinds import ALL_KINDS, LABELLED, LabelKind, says_left_out
from datamodules.corpus_folder import data_root, read_card
from datamodules.dealing.deal import Deal, Split
from datamodules.dealing.dealt_cuts import DealtCuts, read_cuts
from datamodules.dealing.recorded_sources import sources_by_kind
from datamodules.run_warning import RunWarning
from datamodules.samplers import (
    EpochBatchSampler,
    Sampling,
    ShardSampler,
    class_balanced,
    local_batch_size,
    rank_and_world,
)

Labels = Literal["weak", "strong"]
TrainLabels = Literal["weak", "strong", "mixed"]
TRAINED_ON: dict[TrainLabels, tuple[LabelKind, ...]] = {"weak": LABELLED, "strong": ("strong",), "mixed": ALL_KINDS}
WITH_SOURCES = ("train_strong", "validation_strong", "test")  # the manifests that say what clips were recorded from
ScoredSplit = Literal["validation", "test"]


class SoundEventClips(pl.LightningDataModule):
    """Clips of one prepared corpus.

    Args:
        corpus: folder under the data root, such as ``soundscapes/demo``.
        batch_size: clips of one optimiser step over *all* processes; it must be a multiple of their number.
        train_labels: what training sees. ``weak`` are tags, of all clips that have them; ``strong`` events, and its
            batches ``StrongClipBatch``; ``mixed`` all clips, each with what is known of it, and ``MixedClipBatch``.
        selection: whether ``references("validation")`` has events, for post-processing that is fitted on them; with
            ``train_labels: strong`` validation during training has them too.
        num_workers: loader processes; of the machine, without any effect on what is learnt. So are the next two:
        audio, cache_gigabytes: whether audio is decoded into memory or read when needed (``audio_place.py``).
        seed: order of the training clips.
        sampling: which training clips an epoch has: ``even`` each once, ``class_balanced`` as many, drawn with
            replacement so that a class is drawn evenly and then one of its clips. Clips without a tag are a class too.
        deal: splits other than the corpus's own, dealt from all of its clips by what they were recorded from.

    Raises:
        CorpusMissingError: the corpus is not prepared.
        ValueError: a setting that is out of range, a deal that this corpus does not allow.

    """

    def __init__(
        self,
        *,
        corpus: str,
        batch_size: int,
        train_labels: TrainLabels = "weak",
        selection: Labels = "weak",
        num_workers: int = 0,
        audio: Audio = "auto",
        cache_gigabytes: float = CACHE_GIGABYTES,
        seed: int = 0,
        sampling: Sampling = "even",
        deal: Deal | None = None,
    ) -> None:
        super().__init__()
        card = read_card(corpus)
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        self.corpus = corpus
        self.classes = card.classes
        self.sample_rate_hz = card.sample_rate_hz
        self.batch_size = batch_size
        self.train_labels = train_labels
        self.selection = selection
        self.num_workers = num_workers
        self.audio: Audio = audio
        self.cache_gigabytes = cache_gigabytes
        AudioPlace(audio, cache_gigabytes)  # refuses what is none
        self.seed = seed
        self.sampling = sampling
        self._dealt = None if deal is None else DealtCuts(corpus, deal, manifests=WITH_SOURCES, labels=_tags)
        self._has_said = False

    def setup(self, stage: str) -> None:
        """Says once what was dealt, and which clips are not trained on or scored for their kind of label."""
        if stage != "score" and not self._has_said:
            for says in self._says():
                rank_zero_warn(says, category=RunWarning)
            if self._audio_place.in_memory:
                rank_zero_info(self._audio_place.says)
            else:
                rank_zero_warn(self._audio_place.says, category=RunWarning)
            self._has_said = True

    @property
    def _folder(self) -> Path:
        return data_root() / self.corpus

    @cached_property
    def _train(self) -> ClipStore:
        return self._store("train", strong=self.train_labels != "weak", kinds=TRAINED_ON[self.train_labels])

    @cached_property
    def _validation(self) -> ClipStore:
        return self._store("validation", strong=self.selection == "strong", kinds=LABELLED)

    @cached_property
    def _test(self) -> ClipStore:
        return self._store("test", strong=True, kinds=LABELLED)

    @cached_property
    def _audio_place(self) -> AudioPlace:
        place = AudioPlace(self.audio, self.cache_gigabytes)
        place.settle([store.waveforms for store in (self._train, self._validation, self._test)])
        return place

    def train_dataloader(self) -> DataLoader[int]:
        """``ClipBatch``, ``StrongClipBatch`` or ``MixedClipBatch`` by ``train_labels``; every rank has equally many."""
        store = self._train
        self._audio_place.open(store.waveforms, num_workers=self.num_workers)
        collate = {"weak": store.collate_weak, "strong": store.collate_strong, "mixed": store.collate_mixed}
        return DataLoader(
            store,
            batch_sampler=EpochBatchSampler(
                num_clips=len(store),
                batch_size=self.batch_size,
                seed=self.seed,
                probabilities=class_balanced(store.tags) if self.sampling == "class_balanced" else None,
            ),
            collate_fn=collate[self.train_labels],
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def val_dataloader(self) -> DataLoader[int]:
        """Each validation clip once, as ``ClipBatch``.

        As ``MixedClipBatch`` where training has strong labels and validation may be read with them: a system that
        learns from tags alone never sees a validation event, whatever its post-processing is fitted on.
        """
        if self.train_labels == "strong" and self.selection == "strong":
            return self._evaluation(self._validation, collate=self._validation.collate_mixed)
        return self.evaluation_dataloader("validation")

    def evaluation_dataloader(self, split: ScoredSplit) -> DataLoader[int]:
        """Each clip of a split that has a label once over all ranks, as ``ClipBatch``: tags, and no strong label."""
        store = self._scored(split)
        return self._evaluation(store, collate=store.collate_weak)

    def _evaluation(self, store: ClipStore, *, collate: Callable[[Sequence[int]], Any]) -> DataLoader[int]:
        self._audio_place.open(store.waveforms, num_workers=self.num_workers)
        return DataLoader(
            store,
            batch_size=local_batch_size(self.batch_size, world=rank_and_world()[1]),
            sampler=ShardSampler(num_clips=len(store)),
            collate_fn=collate,
            num_workers=self.num_workers,
        )

    def clip_ids(self, split: ScoredSplit) -> tuple[str, ...]:
        """The clips of a split that have a label, from its manifest."""
        return self._scored(split).clip_ids

    def references(self, split: ScoredSplit) -> ClipReferences:
        """What scoring may know of a split; validation has events only under ``selection: strong``.

        Clips whose labels are weak have tags and are no key of ``events``, which is None where all of them are.
        """
        store = self._scored(split)
        index = {clip_id: number for number, clip_id in enumerate(store.clip_ids)}
        return ClipReferences(
            classes=self.classes,
            sample_rate_hz=self.sample_rate_hz,
            tags=dict(zip(store.clip_ids, store.tags, strict=True)),
            events=store.events_by_id() or None,
            duration_seconds=dict(zip(store.clip_ids, store.duration_seconds, strict=True)),
            load_waveform=lambda clip_id: store.waveform(index[clip_id]).numpy(),
            sources={} if store.events is None else sources_by_kind(store.cuts, self._folder),
            split=split,
        )

    def _scored(self, split: ScoredSplit) -> ClipStore:
        match split:
            case "validation":
                return self._validation
            case "test":
                return self._test
            case _:
                raise ValueError(f"split {split!r} is not one of validation, test")

    def _says(self) -> list[str]:
        """What a user should know of the clips that this run trains on and is scored on."""
        train = self._train
        said = [None if self._dealt is None else self._dealt.says()]
        what = f"training clips are left out (train_labels {self.train_labels})"
        said.append(says_left_out(train.left_out, num_clips=train.num_read, what=what))
        for split, store in (("validation", self._validation), ("test", self._test)):
            said.append(says_left_out(store.left_out, num_clips=store.num_read, what=f"{split} clips are not scored"))
            if store.events is not None and (weak := [i for i, of in store.kinds_by_id().items() if of == "weak"]):
                what = f"{split} clips have no events and are scored by their tags alone"
                said.append(says_left_out({"weak": weak}, num_clips=len(store), what=what))
        return [f"{self.corpus}: {one}" if number else one for number, one in enumerate(said) if one]

    def _store(self, split: Split, *, strong: bool, kinds: Collection[LabelKind]) -> ClipStore:
        if self._dealt is not None:
            path = self._folder / "manifests"
            cuts = [cut if strong else cut.drop_supervisions() for cut in self._dealt.of(split)]
        else:
            manifest = f"{split}_strong" if strong and split != "test" else split
            path, cuts = self._folder / "manifests" / f"{manifest}.jsonl.gz", read_cuts(self._folder, manifest)
        return ClipStore(
            cuts, path=path, classes=self.classes, sample_rate_hz=self.sample_rate_hz, strong=strong, kinds=kinds
        )


def _tags(cut: Cut) -> Collection[str]:
    tags: Collection[str] = (cut.custom or {}).get("tags") or ()
    return tags
