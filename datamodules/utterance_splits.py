"""What the data modules of speech and of its texts share: a corpus' splits, read when asked for, and its vocabulary.

Recogniser and language model of one corpus take their token ids from here, which is why they are the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from datamodules.corpus_folder import data_root
from datamodules.tokenizer import Tokenizer, Unit, character_tokenizer, word_tokenizer
from datamodules.utterance_store import UtteranceStore

Split = Literal["train", "validation", "test"]
ScoredSplit = Literal["validation", "test"]


class UtteranceSplits:
    """Base of the two; a subclass's constructor sets the attributes."""

    corpus: str
    languages: tuple[str, ...] | None
    sample_rate_hz: int
    unit: Unit
    word_min_count: int

    @cached_property
    def _train(self) -> UtteranceStore:
        return self._read("train")

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
        if self.unit == "character":
            return character_tokenizer(self._training_texts)
        return word_tokenizer(self._training_texts, min_count=self.word_min_count)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The vocabulary: ``symbols[token]`` is a token's text."""
        return self._tokenizer.symbols

    def _read(self, split: Split) -> UtteranceStore:
        return UtteranceStore(
            folder=data_root() / self.corpus,
            split=split,
            sample_rate_hz=self.sample_rate_hz,
            languages=self.languages,
        )
