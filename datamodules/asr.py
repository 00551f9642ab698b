"""The data module of speech recognition: a speech corpus in, batches of utterances and references for scoring out.

Training batches are of similar length and hold at most ``batch_seconds`` of padded audio (``duration_buckets.py``), an
epoch's are a pure function of (seed, epoch, rank, world), and speeds are of (seed, epoch, utterance id). Symbols come
from the training texts alone. Everything that a user's corpus can have wrong is said in ``setup``, before training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from torch.utils.data import DataLoader

from datamodules.annotations import Unit, UtteranceReferences
from datamodules.audio.audio_place import CACHE_GIGABYTES, Audio, AudioPlace
from datamodules.audio.room_and_noise import RoomAndNoise
from datamodules.batches import UtteranceLength
from datamodules.dealing.deal import Deal, Split
from datamodules.joined_corpora import read_cards
from datamodules.run_warning import RunWarning, first_names
from datamodules.speech.corpus_languages import Languages, Some
from datamodules.speech.duration_buckets import DurationBuckets, EvaluationBatches
from datamodules.speech.joined_utterances import JoinedUtterances
from datamodules.speech.language_sampling import (
    LanguageSampling,
    SampledUtterances,
    check_sampling,
    counts_an_epoch,
    says_sampling,
)
from datamodules.speech.speed_perturbation import Draw, samples_at_speed
from datamodules.speech.utterance_collator import UtteranceCollator
from datamodules.speech.utterance_splits import SCORED_SPLITS, UtteranceSplits
from datamodules.speech.utterance_store import UtteranceStore

SpokenSplit = Literal["validation", "test", "test_joined"]


class SpeechDataModule(UtteranceSplits, pl.LightningDataModule):
    """Utterances of one prepared corpus, or of several, each with its own splits.

    Args:
        corpus: folder under the data root, such as ``prompts``, or a list of them.
        batch_seconds: the most padded audio of one optimiser step over *all* processes.
        languages: ISO 639-1 codes to keep, in all splits; None keeps every language. Of several corpora a list is of
            all of them, or it is said by corpus: ``{prompts: all, fillets: [cs]}``.
        language_sampling: ``natural`` takes each training utterance once an epoch, ``balanced`` hears every language
            for the same time, a temperature above 1 lies between (``language_sampling.py``).
        apart_from: corpora and their languages, said as above, whose validation and test texts are not trained on:
            those of a training that is to start from this one. Shared texts are left out, shared voices are said.
        language_tags: texts are written with their language first, ``<nl>``, a symbol for each training language.
        train_minutes: train on so many minutes (``training_minutes.py``) of the languages, and know no other text; None
            takes all. Whichever the seed they are the same ones, and fewer minutes are among more.
        unit: what a token is; words also get ``<unk>`` for what training does not have, subwords are learnt from the
            training texts (``subwords.py``).
        word_min_count: words that the training texts have less often are ``<unk>``.
        vocabulary_size: symbols of ``unit: subword``, the blank among them; null for the others.
        speed_factors: speed perturbation of training utterances, each factor equally likely; (0.9, 1, 1.1) is Ko 2015.
        augmentation: rooms and noises of training utterances (``room_and_noise.py``); None leaves them as recorded.
        max_seconds: training utterances that are longer are left out; scored splits keep theirs.
        max_tokens_per_second: training utterances of more tokens a second at their own speed are left out, after
            ``train_minutes`` were chosen: CTC has no frames for them where it subsamples.
        test_joined: beside the test split, score so many of its utterances one after the other
            (``joined_utterances.py``), under the name ``test_joined``; None does not.
        sorted_first_epoch: the first epoch goes from short to long (SortaGrad, Amodei et al. 2015).
        num_workers: loader processes; of the machine, without any effect on what is learnt. So are the next two:
        audio, cache_gigabytes: whether audio is decoded into memory or read when needed (``audio_place.py``).
        seed: order and speeds of the training utterances.
        deal: splits other than the corpus's own, dealt from all of its utterances by what they were recorded from.

    Raises:
        CorpusMissingError: the corpus is not prepared.
        ValueError: a setting that is out of range, a language that the corpus does not have, a deal that it does not
            allow.

    """

    def __init__(
        self,
        *,
        corpus: str | Sequence[str],
        batch_seconds: float,
        languages: Languages = None,
        language_sampling: LanguageSampling = "natural",
        language_tags: bool = False,
        train_minutes: float | None = None,
        unit: Unit = "character",
        word_min_count: int = 1,
        vocabulary_size: int | None = None,
        speed_factors: Sequence[float] = (1.0,),
        augmentation: RoomAndNoise | None = None,
        max_seconds: float | None = None,
        max_tokens_per_second: float | None = None,
        test_joined: int | None = None,
        sorted_first_epoch: bool = False,
        num_workers: int = 0,
        audio: Audio = "auto",
        cache_gigabytes: float = CACHE_GIGABYTES,
        seed: int = 0,
        deal: Deal | None = None,
        apart_from: Mapping[str, Some] | None = None,
    ) -> None:
        super().__init__()
        self.sample_rate_hz = read_cards(corpus).sample_rate_hz
        if not speed_factors or not all(0.5 <= factor <= 2 for factor in speed_factors):
            raise ValueError(f"speed_factors {list(speed_factors)} must be at least one number, each within 0.5 and 2")
        limits = {"batch_seconds": batch_seconds, "max_seconds": max_seconds}
        for name, value in {**limits, "max_tokens_per_second": max_tokens_per_second}.items():
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name} must be a positive number, got {value}")
        self.corpus = corpus
        self.batch_seconds = batch_seconds
        self.languages = languages
        self.language_tags = language_tags
        self.train_minutes = train_minutes
        self.unit: Unit = unit
        self.word_min_count = word_min_count
        self.vocabulary_size = vocabulary_size
        self.speed_factors = tuple(speed_factors)
        self.augmentation = augmentation
        self.max_seconds = max_seconds
        self.max_tokens_per_second = max_tokens_per_second
        self.test_joined = test_joined
        self.sorted_first_epoch = sorted_first_epoch
        self.num_workers = num_workers
        self.audio: Audio = audio
        self.cache_gigabytes = cache_gigabytes
        AudioPlace(audio, cache_gigabytes)  # refuses what is none
        self.seed = seed
        self.deal = deal
        self.apart_from = apart_from
        self.language_sampling: LanguageSampling = language_sampling
        check_sampling(language_sampling)
        self._has_warned = False
        self._check_selection()
        if test_joined is not None:
            _ = self._joined  # refuses what cannot be joined

    @property
    def more_splits(self) -> tuple[SpokenSplit, ...]:
        """What is predicted and scored beside validation and test."""
        return () if self.test_joined is None else ("test_joined",)

    @cached_property
    def _joined(self) -> JoinedUtterances:
        if self.test_joined is None:
            raise ValueError("split 'test_joined', allowed: validation, test, since data.test_joined is null")
        return JoinedUtterances(self._test, count=self.test_joined)

    @cached_property
    def _short_enough(self) -> tuple[int, ...]:
        """Numbers of the training utterances that are not too long."""
        longest = float("inf") if self.max_seconds is None else self.max_seconds
        return tuple(i for i, utterance in enumerate(self._train.utterances) if utterance.duration_seconds <= longest)

    @cached_property
    def _kept(self) -> tuple[int, ...]:
        """Those of them that are not too fast either: what is trained on."""
        fastest = float("inf") if self.max_tokens_per_second is None else self.max_tokens_per_second
        utterances, pieces = self._train.utterances, self._tokenizer.pieces
        return tuple(
            i for i in self._short_enough if len(pieces(utterances[i].text)) <= fastest * utterances[i].duration_seconds
        )

    def setup(self, stage: str) -> None:
        """Read manifests and, unless ``stage`` is ``score`` or it stays in its files, all audio; checks training texts.

        Warns once of utterances that are left out as too long or too fast, and of characters that training texts
        lack. Raises ``ValueError`` naming the utterance (and the file) for an unreadable file, an empty training text
        and a language without a tag, and where nothing is left to train on.
        """
        if stage == "score":
            return  # texts are enough; pictures decode the few utterances that they show
        for utterance in self._train.utterances:
            if not self._tokenizer.encode(utterance.text):
                raise ValueError(f"{self._train.path}: utterance {utterance.utterance_id!r} has an empty text")
        if not self._kept:
            limits = f"max_seconds {self.max_seconds}, max_tokens_per_second {self.max_tokens_per_second}"
            raise ValueError(f"{self._train.path}: no training utterance ({limits})")
        self._check_tags()
        if not self._has_warned:  # Lightning calls this again
            self._warn()
            self._has_warned = True
        for store in (self._train, self._validation, self._test):
            self._opened(store)

    def train_dataloader(self) -> DataLoader[Draw]:
        """``UtteranceBatch`` of at most ``batch_seconds``; every rank has equally many."""
        store, kept = self._opened(self._train), list(self._kept)
        if self.augmentation is not None:
            self.augmentation.open(sample_rate_hz=self.sample_rate_hz)
        buckets = DurationBuckets(
            indices=kept,
            utterance_ids=[store.utterances[index].utterance_id for index in kept],
            num_samples=store.num_samples[kept],
            batch_samples=int(self.batch_seconds * self.sample_rate_hz),
            speed_factors=self.speed_factors,
            sorted_first_epoch=self.sorted_first_epoch,
            seed=self.seed,
            sampled=self._sampled(),
        )
        return DataLoader(
            store,
            batch_sampler=buckets,
            collate_fn=UtteranceCollator(store, self._tokenizer, self.augmentation),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def _sampled(self) -> SampledUtterances | None:
        """How an epoch's utterances are chosen by their languages, said; None where each is taken once."""
        utterances = [self._train.utterances[number] for number in self._kept]
        languages = [utterance.language for utterance in utterances]
        seconds = [utterance.duration_seconds for utterance in utterances]
        counts = counts_an_epoch(languages, seconds, self.language_sampling)
        if counts is None:
            return None
        rank_zero_info(says_sampling(languages, seconds, counts))
        return SampledUtterances(
            languages=languages, num_samples=self._train.num_samples[list(self._kept)], counts=counts
        )

    def val_dataloader(self) -> DataLoader[Draw]:
        """Each validation utterance once."""
        return self.evaluation_dataloader("validation")

    def evaluation_dataloader(self, split: SpokenSplit) -> DataLoader[Draw]:
        """Each utterance of a split once over all ranks, at its own speed, longest first."""
        store = self._opened(self._scored(split))
        batches = EvaluationBatches(store.num_samples, batch_samples=int(self.batch_seconds * self.sample_rate_hz))
        # A sampler of whole batches and no batch sampler: Lightning re-makes the latter for prediction, and fails.
        return DataLoader(
            store,
            batch_size=None,
            sampler=batches,
            collate_fn=UtteranceCollator(store, self._tokenizer),
            num_workers=self.num_workers,
        )

    def clip_ids(self, split: SpokenSplit) -> tuple[str, ...]:
        """The utterances of a split, from its manifest."""
        return tuple(utterance.utterance_id for utterance in self._scored(split).utterances)

    def lengths(self, split: Split) -> tuple[UtteranceLength, ...]:
        """Samples and tokens of each utterance; training ones at the fastest speed, without those left out."""
        store = self._train if split == "train" else self._scored(split)
        numbers = self._kept if split == "train" else range(len(store))
        fastest = max(self.speed_factors) if split == "train" else 1.0
        num_samples = store.num_samples.tolist()
        return tuple(
            UtteranceLength(
                utterance_id=store.utterances[number].utterance_id,
                num_samples=samples_at_speed(num_samples[number], fastest),
                tokens=self._tokenizer.encode_in(store.utterances[number].text, store.utterances[number].language),
            )
            for number in numbers
        )

    def references(self, split: SpokenSplit) -> UtteranceReferences:
        """What scoring may know of a split."""
        store = self._scored(split)
        index = {utterance.utterance_id: number for number, utterance in enumerate(store.utterances)}
        return UtteranceReferences(
            symbols=self.symbols,
            unit=self.unit,
            sample_rate_hz=self.sample_rate_hz,
            texts={utterance.utterance_id: utterance.text for utterance in store.utterances},
            languages={utterance.utterance_id: utterance.language for utterance in store.utterances},
            speakers={utterance.utterance_id: utterance.speaker for utterance in store.utterances},
            duration_seconds={utterance.utterance_id: utterance.duration_seconds for utterance in store.utterances},
            training_texts=self._training_texts,
            load_waveform=lambda utterance_id: store.waveform(index[utterance_id]),
            sources=store.sources(),
            corpora={} if split == "test_joined" else self.corpora(split),  # joined ones are scored as a whole
        )

    def _scored(self, split: SpokenSplit) -> UtteranceStore:
        match split:
            case "validation":
                return self._validation
            case "test":
                return self._test
            case "test_joined":
                return self._joined
            case _:
                raise ValueError(f"split {split!r} is not one of validation, test, test_joined")

    @cached_property
    def _audio_place(self) -> AudioPlace:
        place = AudioPlace(self.audio, self.cache_gigabytes)
        place.settle([store.waveforms for store in (self._train, self._validation, self._test)])
        return place

    def _opened(self, store: UtteranceStore) -> UtteranceStore:
        """The store with its audio ready for a loader."""
        self._audio_place.open(store.waveforms, num_workers=self.num_workers)
        return store

    def _check_tags(self) -> None:
        """Raise ``ValueError`` for a scored utterance whose language no training utterance has."""
        tagged = self._tokenizer.languages
        for store in (self._validation, self._test):
            for utterance in store.utterances:
                if self.language_tags and utterance.language not in tagged:
                    raise ValueError(
                        f"{store.path}: utterance {utterance.utterance_id!r} is in {utterance.language!r}, which no "
                        f"training utterance is and which has no tag; language_tags allows {', '.join(tagged)}"
                    )

    def _warn(self) -> None:
        """Say what was dealt, which utterances are left out and which characters nobody can write."""
        if dealt := self._says_deal():
            rank_zero_warn(dealt, category=RunWarning)
        if self._audio_place.in_memory:
            rank_zero_info(self._audio_place.says)
        else:
            rank_zero_warn(self._audio_place.says, category=RunWarning)
        if self.test_joined is not None and (alone := self._joined.left_out):
            rank_zero_warn(
                f"{self._test.path}: {len(alone)} of {len(self._test)} test utterances are in no joined one, since "
                f"their speakers say fewer than {self.test_joined}: {first_names(alone)}",
                category=RunWarning,
            )
        if apart := self._says_apart():
            rank_zero_warn(apart, category=RunWarning)
        if too_long := self._left_out_as_too_long():
            rank_zero_warn(too_long, category=RunWarning)
        if too_fast := sorted(set(self._short_enough) - set(self._kept)):
            names = first_names(self._train.utterances[number].utterance_id for number in too_fast)
            rank_zero_warn(
                f"{self._train.path}: {len(too_fast)} of {len(self._short_enough)} training utterances have more than "
                f"max_tokens_per_second {self.max_tokens_per_second:g} and are left out: {names}",
                category=RunWarning,
            )
        if self.unit != "word":  # unknown words are many, and have a symbol
            listed = [
                f"{split} {', '.join(f'{piece!r} ({count})' for piece, count in unknown.most_common())}"
                for split in SCORED_SPLITS
                if (unknown := self.unknown_pieces(split))
            ]
            if listed:
                what = "; ".join(listed)
                rank_zero_warn(
                    f"{self._train.path}: its texts lack characters, each an error: {what}", category=RunWarning
                )
