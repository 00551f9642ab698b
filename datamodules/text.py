"""The data module of language models: the transcripts of a speech corpus, no audio.

The vocabulary is made of the training texts exactly as ``SpeechDataModule`` makes it, so that a language model and a
recogniser of one corpus, unit and choice of languages share their token ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_warn
from torch.utils.data import DataLoader

from datamodules.annotations import TextReferences, Unit
from datamodules.dealing.deal import Deal, Split
from datamodules.joined_corpora import read_cards
from datamodules.run_warning import RunWarning
from datamodules.speech.corpus_languages import Languages
from datamodules.speech.utterance_splits import ScoredSplit, UtteranceSplits
from datamodules.speech.utterance_store import UtteranceStore
from datamodules.texts.text_batches import (
    EvaluationSampler,
    SegmentSampler,
    SentenceSampler,
    TextStore,
    TextStreams,
)


class TextDataModule(UtteranceSplits, pl.LightningDataModule):
    """The texts of one prepared speech corpus.

    Args:
        corpus: folder under the data root, such as ``prompts``, or a list of them.
        batch_size: rows of one optimiser step over *all* processes: streams, or sentences.
        bptt_tokens: targets of one step in each stream (truncated BPTT); None serves each sentence on its own.
        languages: as the recogniser's: ISO 639-1 codes to keep, or which of them by corpus; None keeps all.
        train_minutes: as the recogniser's: only the texts of so many minutes of speech are trained on.
        max_seconds: the recogniser's, on which its minutes depend; None without ``train_minutes``.
        unit: what a token is; words also get ``<unk>`` for what training does not have, subwords are learnt from the
            training texts (``subwords.py``).
        word_min_count: words that the training texts have less often are ``<unk>``.
        vocabulary_size: symbols of ``unit: subword``, the blank among them; null for the others.
        num_workers: loader processes; of the machine, without any effect on what is learnt.
        seed: order of the training sentences.
        deal: the recogniser's, so that no text that it is tested on is trained on.

    Raises:
        CorpusMissingError: the corpus is not prepared.
        ValueError: a setting that is out of range, a language that the corpus does not have, a deal that it does not
            allow.

    """

    def __init__(
        self,
        *,
        corpus: str | Sequence[str],
        batch_size: int,
        bptt_tokens: int | None = None,
        languages: Languages = None,
        train_minutes: float | None = None,
        max_seconds: float | None = None,
        unit: Unit = "character",
        word_min_count: int = 1,
        vocabulary_size: int | None = None,
        num_workers: int = 0,
        seed: int = 0,
        deal: Deal | None = None,
    ) -> None:
        super().__init__()
        self.sample_rate_hz = read_cards(corpus).sample_rate_hz
        for name, value in (
            ("batch_size", batch_size),
            ("bptt_tokens", bptt_tokens),
            ("word_min_count", word_min_count),
        ):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")
        self.corpus = corpus
        self.batch_size = batch_size
        self.bptt_tokens = bptt_tokens
        self.languages = languages
        self.train_minutes = train_minutes
        self.max_seconds = max_seconds
        self.unit: Unit = unit
        self.word_min_count = word_min_count
        self.vocabulary_size = vocabulary_size
        self.num_workers = num_workers
        self.seed = seed
        self.deal = deal
        self._has_warned = False
        if max_seconds is not None and train_minutes is None:
            raise ValueError(f"max_seconds {max_seconds}, allowed: null where train_minutes is null")
        self._check_selection()

    def setup(self, stage: str) -> None:
        """Says once what was dealt, and which training texts are of utterances too long to be among the minutes."""
        if stage != "score" and not self._has_warned:
            for says in (self._says_deal(), self._left_out_as_too_long()):
                if says:
                    rank_zero_warn(says, category=RunWarning)
        self._has_warned = True

    def train_dataloader(self) -> DataLoader[Any]:
        """``TextStreamBatch``, or ``TextBatch`` where ``bptt_tokens`` is None; every rank has equally many."""
        sentences = self._encoded(self._train)
        if self.bptt_tokens is None:
            lengths = [len(tokens) for tokens in sentences]
            batches = SentenceSampler(lengths, batch_size=self.batch_size, seed=self.seed)
            return self._loader(TextStore(self.clip_ids("train"), sentences), batches)
        streams = TextStreams(sentences, batch_size=self.batch_size, bptt_tokens=self.bptt_tokens, seed=self.seed)
        return self._loader(streams, SegmentSampler(streams.num_segments))

    def val_dataloader(self) -> DataLoader[Any]:
        """Each validation sentence once."""
        return self.evaluation_dataloader("validation")

    def evaluation_dataloader(self, split: ScoredSplit) -> DataLoader[Any]:
        """Each sentence of a split once over all ranks, as ``TextBatch``."""
        sentences = self._encoded(self._store(split))
        batches = EvaluationSampler([len(tokens) for tokens in sentences], batch_size=self.batch_size)
        return self._loader(TextStore(self.clip_ids(split), sentences), batches)

    def clip_ids(self, split: Split) -> tuple[str, ...]:
        """The sentences of a split, from its manifest."""
        return tuple(utterance.utterance_id for utterance in self._store(split).utterances)

    def references(self, split: ScoredSplit) -> TextReferences:
        """What scoring may know of a split."""
        utterances = self._store(split).utterances
        return TextReferences(
            symbols=self.symbols,
            unit=self.unit,
            texts={utterance.utterance_id: utterance.text for utterance in utterances},
            languages={utterance.utterance_id: utterance.language for utterance in utterances},
            training_texts=self._training_texts,
        )

    def _encoded(self, store: UtteranceStore) -> list[tuple[int, ...]]:
        return [self._tokenizer.encode(text) for text in _texts(store)]

    def _loader(self, dataset: Any, sampler: Any) -> DataLoader[Any]:
        # A sampler of whole batches and no batch sampler: Lightning re-makes the latter for prediction, and fails.
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def _store(self, split: Split) -> UtteranceStore:
        match split:
            case "train":
                return self._train
            case "validation":
                return self._validation
            case "test":
                return self._test
            case _:
                raise ValueError(f"split {split!r} is not one of train, validation, test")


def _texts(store: UtteranceStore) -> tuple[str, ...]:
    return tuple(utterance.text for utterance in store.utterances)
