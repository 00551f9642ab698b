"""What the data modules of speech and of its texts share: a corpus' splits, read when asked for, and its vocabulary.

Recogniser and language model of one corpus take their token ids from here, which is why they are the same. Where only
some minutes are trained on, no text of the rest is known to either: not its characters, not its words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from datamodules.annotations import Unit
from datamodules.audio.cuts import Cut
from datamodules.corpus_folder import data_root
from datamodules.dealing.deal import Deal, Split
from datamodules.dealing.dealt_cuts import SPLITS, DealtCuts, read_cuts
from datamodules.joined_corpora import corpus_names, joined_name
from datamodules.run_warning import first_names
from datamodules.speech.corpus_languages import Languages, Some, selected_languages, spoken
from datamodules.speech.joined_cuts import joined_cuts, own_name
from datamodules.speech.shared_speech import Said, Shared, held_out_speech, shared_speech
from datamodules.speech.training_minutes import first_minutes, total_minutes
from datamodules.speech.utterance_store import Utterance, UtteranceStore
from datamodules.texts.tokenizer import Tokenizer, character_tokenizer, subword_tokenizer, word_tokenizer

ScoredSplit = Literal["validation", "test"]
SCORED_SPLITS: tuple[ScoredSplit, ...] = ("validation", "test")


class UtteranceSplits:
    """Base of the two; a subclass's constructor sets the attributes and calls ``_check_selection``.

    Of several corpora each keeps its own splits, and its own deal where there is one.
    """

    corpus: str | Sequence[str]
    languages: Languages
    sample_rate_hz: int
    unit: Unit
    word_min_count: int
    vocabulary_size: int | None
    train_minutes: float | None
    max_seconds: float | None  # longer training utterances are none of the minutes
    language_tags: bool = False
    deal: Deal | None = None
    apart_from: Mapping[str, Some] | None = None
    _too_long: tuple[str, ...]  # ids of training utterances above max_seconds, known once ``_train`` was read
    _num_offered: int  # training utterances before any were left out
    _shared: Shared  # with what is to be kept apart, known then too

    @cached_property
    def _train(self) -> UtteranceStore:
        store = self._read("train")
        longest = math.inf if self.max_seconds is None else self.max_seconds
        self._too_long = tuple(one.utterance_id for one in store.utterances if one.duration_seconds > longest)
        self._num_offered = len(store)
        if self.apart_from:
            self._shared = shared_speech(self._said(store.utterances, "train"), held_out_speech(self.apart_from))
            texts = set(self._shared.texts.values())
            store.keep({one.utterance_id for one in store.utterances if one.text not in texts})
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

    def corpora(self, split: Split) -> Mapping[str, str]:
        """The corpus of each utterance of a split, by its id."""
        self._store(split)
        return self._corpora_of[split]

    def _store(self, split: Split) -> UtteranceStore:
        match split:
            case "train":
                return self._train
            case "validation":
                return self._validation
            case _:
                return self._test

    def said(self, split: Split) -> list[Said]:
        """The utterances of a split as they are compared with those of another training."""
        return self._said(self._store(split).utterances, split)

    def _said(self, utterances: Sequence[Utterance], split: Split) -> list[Said]:
        corpora = self._corpora_of[split]
        return [
            Said(corpus, own_name(one.utterance_id, corpus), one.text, own_name(one.speaker, corpus))
            for one in utterances
            for corpus in [corpora[one.utterance_id]]
        ]

    def _says_apart(self) -> str | None:
        """What training shares with the speech that it is kept apart from, and that the texts are left out."""
        if not self.apart_from:
            return None
        count = f"{len(self._shared.texts)} training utterances are left out"
        return f"{joined_name(self.corpus)}, apart from {spoken(self.apart_from)[4:]}: {self._shared.says()}; {count}"

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

    def _check_selection(self) -> None:
        """Raise ``ValueError`` for a language or a unit's size that is not there, and minutes that are not."""
        self._check_unit()
        offered = self._train.utterances  # refuses languages that are not there
        if self.train_minutes is None:
            return
        if not 0 < self.train_minutes < math.inf:
            raise ValueError(f"train_minutes must be a positive number, got {self.train_minutes}")
        there = total_minutes(offered)
        if there < self.train_minutes:
            up_to = "" if self.max_seconds is None else f" of utterances up to {self.max_seconds:g} s"
            raise ValueError(
                f"train_minutes {self.train_minutes:g}: corpus {joined_name(self.corpus)!r} has {there:.2f} training "
                f"minutes{spoken(self.languages)}{up_to}, allowed: null, or as many or fewer"
            )

    @cached_property
    def _dealt(self) -> Mapping[str, DealtCuts]:
        """Each corpus's deal, none without one: of all languages together, so that rows of some of them, and what they
        stand on, have one deal.
        """
        if self.deal is None:
            return {}
        corpora = corpus_names(self.corpus)
        return {name: DealtCuts(name, self.deal, manifests=SPLITS, labels=_languages) for name in corpora}

    @cached_property
    def _training_cuts(self) -> Mapping[str, list[Cut]]:
        """Of each corpus, in all of its languages."""
        return {name: self._cuts(name, "train") for name in corpus_names(self.corpus)}

    @cached_property
    def _selected(self) -> Mapping[str, Collection[str] | None]:
        """The languages that are kept of each corpus, None for all. Raises ``ValueError``."""
        said = {
            name: {segment.language for cut in cuts for segment in cut.supervisions}
            for name, cuts in self._training_cuts.items()
        }
        return selected_languages(self.languages, {name: sorted(filter(None, of)) for name, of in said.items()})

    @cached_property
    def _corpora_of(self) -> dict[Split, Mapping[str, str]]:
        """What ``_read`` found of the splits that were read."""
        return {}

    def _cuts(self, corpus: str, split: Split) -> list[Cut]:
        return self._dealt[corpus].of(split) if self._dealt else read_cuts(data_root() / corpus, split)

    def _read(self, split: Split) -> UtteranceStore:
        parts = self._training_cuts if split == "train" else {name: self._cuts(name, split) for name in self._selected}
        kept = {name: [cut for cut in cuts if _is_kept(cut, self._selected[name])] for name, cuts in parts.items()}
        cuts, self._corpora_of[split] = joined_cuts(kept)
        folder = data_root() / joined_name(self.corpus)
        manifest = "" if self._dealt else f"{split}.jsonl.gz"
        return UtteranceStore(
            folder=folder,
            split=split,
            sample_rate_hz=self.sample_rate_hz,
            cuts=cuts,
            path=folder / "manifests" / manifest if len(kept) == 1 else Path(joined_name(self.corpus)) / split,
        )

    def _says_deal(self) -> str | None:
        """What was dealt, and how many held-out texts training has too; None without a deal."""
        if not self._dealt:
            return None
        known, says = set(self._training_texts), []
        for split, store in (("validation", self._validation), ("test", self._test)):
            if shared := sum(utterance.text in known for utterance in store.utterances):
                says.append(f"; {shared} of {len(store)} {split} texts are said in training too")
        return "; ".join(dealt.says() for dealt in self._dealt.values()) + "".join(says)


def _languages(cut: Cut) -> list[str]:
    return [str(segment.language) for segment in cut.supervisions]


def _is_kept(cut: Cut, languages: Collection[str] | None) -> bool:
    """A cut that says no language stays: the store refuses it by its name."""
    said = {segment.language for segment in cut.supervisions}
    return languages is None or not all(said) or not said.isdisjoint(languages)
