"""The data module of sound event detection: a corpus folder in, batches of clips and references for scoring out.

Strong labels leave it by two doors that have to be opened by name: ``train_labels: strong`` for the upper bound, and
``selection: strong`` for post-processing that is fitted on validation events. Otherwise the files that hold strong
labels of training and validation are not even read. A ``deal`` needs what those files say of recordings, and takes that
alone: the clips go on without their events.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Literal

import pytorch_lightning as pl
from lhotse.cut import MonoCut
from pytorch_lightning.utilities import rank_zero_warn
from torch.utils.data import DataLoader

from datamodules.annotations import ClipReferences
from datamodules.clips.clip_store import ClipStore
from datamodules.corpus_folder import data_root, read_card
from datamodules.dealing.deal import Deal, Split
from datamodules.dealing.dealt_cuts import DealtCuts, read_cuts
from datamodules.dealing.recorded_sources import sources_by_kind
from datamodules.run_warning import RunWarning
from datamodules.samplers import EpochBatchSampler, ShardSampler, local_batch_size, rank_and_world

Labels = Literal["weak", "strong"]
WITH_SOURCES = ("train_strong", "validation_strong", "test")  # the manifests that say what clips were recorded from
ScoredSplit = Literal["validation", "test"]


class SoundEventClips(pl.LightningDataModule):
    """Clips of one prepared corpus.

    Args:
        corpus: folder under the data root, such as ``soundscapes/demo``.
        batch_size: clips of one optimiser step over *all* processes; it must be a multiple of their number.
        train_labels: what training sees; ``strong`` makes its batches ``StrongClipBatch``.
        selection: whether ``references("validation")`` has events.
        num_workers: loader processes; of the machine, without any effect on what is learnt.
        seed: order of the training clips.
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
        train_labels: Labels = "weak",
        selection: Labels = "weak",
        num_workers: int = 0,
        seed: int = 0,
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
        self.seed = seed
        self._dealt = None if deal is None else DealtCuts(corpus, deal, manifests=WITH_SOURCES, labels=_tags)
        self._has_said = False

    def setup(self, stage: str) -> None:
        """Says once what was dealt."""
        if self._dealt is not None and stage != "score" and not self._has_said:
            rank_zero_warn(self._dealt.says(), category=RunWarning)
            self._has_said = True

    @property
    def _folder(self) -> Path:
        return data_root() / self.corpus

    @cached_property
    def _train(self) -> ClipStore:
        return self._store("train", strong=self.train_labels == "strong")

    @cached_property
    def _validation(self) -> ClipStore:
        return self._store("validation", strong=self.selection == "strong")

    @cached_property
    def _test(self) -> ClipStore:
        return self._store("test", strong=True)

    def train_dataloader(self) -> DataLoader[int]:
        """``ClipBatch`` or, with ``train_labels: strong``, ``StrongClipBatch``; every rank has equally many."""
        store = self._train
        return DataLoader(
            store,
            batch_sampler=EpochBatchSampler(num_clips=len(store), batch_size=self.batch_size, seed=self.seed),
            collate_fn=store.collate_strong if self.train_labels == "strong" else store.collate_weak,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def val_dataloader(self) -> DataLoader[int]:
        """Each validation clip once, as ``ClipBatch``."""
        return self.evaluation_dataloader("validation")

    def evaluation_dataloader(self, split: ScoredSplit) -> DataLoader[int]:
        """Each clip of a split once over all ranks, as ``ClipBatch``: tags, and no strong label."""
        store = self._scored(split)
        return DataLoader(
            store,
            batch_size=local_batch_size(self.batch_size, world=rank_and_world()[1]),
            sampler=ShardSampler(num_clips=len(store)),
            collate_fn=store.collate_weak,
            num_workers=self.num_workers,
        )

    def clip_ids(self, split: ScoredSplit) -> tuple[str, ...]:
        """The clips of a split, from its manifest."""
        return self._scored(split).clip_ids

    def references(self, split: ScoredSplit) -> ClipReferences:
        """What scoring may know of a split; validation has events only under ``selection: strong``."""
        store = self._scored(split)
        index = {clip_id: number for number, clip_id in enumerate(store.clip_ids)}
        return ClipReferences(
            classes=self.classes,
            sample_rate_hz=self.sample_rate_hz,
            tags=dict(zip(store.clip_ids, store.tags, strict=True)),
            events=None if store.events is None else dict(zip(store.clip_ids, store.events, strict=True)),
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

    def _store(self, split: Split, *, strong: bool) -> ClipStore:
        if self._dealt is not None:
            path = self._folder / "manifests"
            cuts = [cut if strong else cut.drop_supervisions() for cut in self._dealt.of(split)]
        else:
            manifest = f"{split}_strong" if strong and split != "test" else split
            path, cuts = self._folder / "manifests" / f"{manifest}.jsonl.gz", read_cuts(self._folder, manifest)
        return ClipStore(cuts, path=path, classes=self.classes, sample_rate_hz=self.sample_rate_hz, strong=strong)


def _tags(cut: MonoCut) -> Collection[str]:
    tags: list[str] = cut.custom["tags"]
    return tags
