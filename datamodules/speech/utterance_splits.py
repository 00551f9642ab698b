"""What the data modules of speech and of its texts share: a corpus' splits, read when asked for, and its vocabulary.

Recogniser and language model of one corpus take their token ids from here, which is why they are the same. Where only
some minutes are trained on, no text of the rest is known to either: not its characters, not its words.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cached_property
from typing import Literal

from datamodules.annotations import Unit
from datamodules.audio.cuts import Cut
from datamodules.corpus_folder import data_root
from datamodules.dealing.deal import Deal, Split
from datamodules.dealing.dealt_cuts import SPLITS, DealtCuts
from datamodules.run_warning import first_names
from datamodules.speech.training_minutes import first_minutes, total_minutes
from datamodules.speech.utterance_store import UtteranceStore
from datamodules.texts.tokenizer import Tokenizer, character_tokenizer, subword_tokenizer, word_tokenizer

ScoredSplit = Literal["validation", "test"]
SCORED_SPLITS: tuple[ScoredSplit, ...] = ("validation", "test")


class UtteranceSplits:
    """Base of the two; a subclass's constructor sets the attributes and calls the two checks of them."""

    corpus: str
    languages: tuple[str, ...] | None
    sample_rate_hz: int
    unit: Unit
    word_min_count: int
    vocabulary_size: int | None
    train_minutes: float | None
    max_seconds: float | None  # longer training utterances are none of the minutes
    language_tags: bool = False
    deal: Deal | None = None
    _too_long: tuple[str, ...]  # ids of training utterances above max_seconds, known once ``_train`` was read
    _num_offered: int  # training utterances before any were left out

    @cached_property
    def _train(self) -> UtteranceStore:
        store = self._read("train")
        longest = math.inf if self.max_seconds is None else self.max_seconds
        self._too_long = tuple(one.utterance_id for one in store.utterances if one.duration_seconds > longest)
        self._num_offered = len(store)
        if self.train_minutes is not None:
            candidates = [utterance for utterance in store.utterances if utterance.duration_seconds <= longest]
            store.keep(first_minutes(candidates, self.train_minutes))
        return store

    @cached_property
    def _validation(self) -> UtteranceStore:
        return self._read("validation")

    @cached_property
    def _test(self) -> UtteranceStore:
        return self._read("test")

    @property
    def _training_texts(self) -> tuple[str, ...]:
        return tuple(utterance.text for utterance in self._train.utterances)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        languages = {utterance.language for utterance in self._train.utterances} if self.language_tags else set()
        if self.unit == "character":
            return character_tokenizer(self._training_texts, languages=languages)
        if self.vocabulary_size is not None:
            return subword_tokenizer(self._training_texts, size=self.vocabulary_size, languages=languages)
        return word_tokenizer(self._training_texts, min_count=self.word_min_count, languages=languages)

    def _left_out_as_too_long(self) -> str | None:
        """A warning about training utterances above ``max_seconds``; None where there are none."""
        store, names = self._train, self._too_long
        if not names:
            return None
        return (
            f"{store.path}: {len(names)} of {self._num_offered} training utterances are longer than max_seconds "
            f"{self.max_seconds:g} and are left out: {first_names(names)}"
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary: ``symbols[token]`` is a token's text, or the tag of a language."""
        return self._tokenizer.symbols

    def unknown_pieces(self, split: ScoredSplit) -> Counter[str]:
        """How often a split has each character, or word, that is no symbol: nobody can write it, each is an error."""
        store = self._validation if split == "validation" else self._test
        known = set(self.symbols)
        pieces = (piece for utterance in store.utterances for piece in self._tokenizer.pieces(utterance.text))
        return Counter(piece for piece in pieces if piece not in known)

    def _check_unit(self) -> None:
        """Raise ``ValueError`` for subwords without a size, and for a size of anything else."""
        if (self.unit == "subword") != (self.vocabulary_size is not None):
            raise ValueError(
                f"vocabulary_size {self.vocabulary_size} with unit {self.unit!r}, allowed: a number of symbols with "
                "'subword', null with 'character' and 'word'"
            )

    def _check_train_minutes(self) -> None:
        """Raise ``ValueError`` for minutes that are no positive number, or more than there are."""
        if self.train_minutes is None:
            return
        if not 0 < self.train_minutes < math.inf:
            raise ValueError(f"train_minutes must be a positive number, got {self.train_minutes}")
        there = total_minutes(self._train.utterances)
        if there < self.train_minutes:
            which = "" if self.languages is None else f" in {', '.join(self.languages)}"
            up_to = "" if self.max_seconds is None else f" of utterances up to {self.max_seconds:g} s"
            raise ValueError(
                f"train_minutes {self.train_minutes:g}: corpus {self.corpus!r} has {there:.2f} training minutes"
                f"{which}{up_to}, allowed: null, or as many or fewer"
            )

    @cached_property
    def _dealt(self) -> DealtCuts | None:
        """All languages together, so that rows of some of them, and what they stand on, have one deal."""
        if self.deal is None:
            return None
        return DealtCuts(self.corpus, self.deal, manifests=SPLITS, labels=_languages)

    def _read(self, split: Split) -> UtteranceStore:
        return UtteranceStore(
            folder=data_root() / self.corpus,
            split=split,
            sample_rate_hz=self.sample_rate_hz,
            languages=self.languages,
            cuts=None if self._dealt is None else self._dealt.of(split),
        )

    def _says_deal(self) -> str | None:
        """What was dealt, and how many held-out texts training has too; None without a deal."""
        if self._dealt is None:
            return None
        known, says = set(self._training_texts), []
        for split, store in (("validation", self._validation), ("test", self._test)):
            if shared := sum(utterance.text in known for utterance in store.utterances):
                says.append(f"; {shared} of {len(store)} {split} texts are said in training too")
        return self._dealt.says() + "".join(says)


def _languages(cut: Cut) -> list[str]:
    return [str(segment.language) for segment in cut.supervisions]
