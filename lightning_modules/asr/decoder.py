"""A rung of the decoding ladder: from stored posteriors to hypotheses, with weights that validation chooses.

The algorithms are functions of ``lightning_modules.decoding``; a rung binds one of them to its settings, so that a
table can name it. This file has the rungs without a language model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.greedy import greedy
from lightning_modules.decoding.prefix_beam import prefix_beam_search
from lightning_modules.decoding.prefix_search import prefix_search_batch


class Decoder(ABC):
    """Base of the rungs. A subclass's constructor arguments are the table's ``scoring.decoder`` keys."""

    def prepare(  # noqa: B027 - a hook: most rungs load nothing
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """Load what decoding needs before its time is taken: language models out of ``folders``, graphs, priors.

        ``references`` are validation's. Without a language model there is nothing to load.
        """

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """Candidates of each weight that is fitted on validation; empty where nothing is."""
        return {}

    @abstractmethod
    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """The best hypothesis of every utterance, in the predictions' order."""

    def counts(self) -> dict[str, float]:
        """What went wrong or was cut in the last ``decode``, by name; nothing by default."""
        return {}


class Greedy(Decoder):
    """The best symbol of each frame."""

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        return greedy(predictions.padded(), predictions.num_frames_N)


class PrefixSearch(Decoder):
    """Graves' best-first search, in sections cut where P(blank) is above ``blank_threshold``.

    A section that takes more than ``max_expansions`` prefixes is cut again and counted.
    """

    def __init__(self, *, blank_threshold: float = 0.9999, max_expansions: int = 1000) -> None:
        self.blank_threshold = blank_threshold
        self.max_expansions = max_expansions
        self._counts: dict[str, float] = {}

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        found = prefix_search_batch(
            predictions.padded(),
            predictions.num_frames_N,
            blank_threshold=self.blank_threshold,
            max_expansions=self.max_expansions,
        )
        self._counts = {"sections": found.num_sections, "sections_unfinished": found.num_unfinished}
        return found.hypotheses

    def counts(self) -> dict[str, float]:
        """Sections of the utterances, and those that were not searched to their end."""
        return self._counts


class PrefixBeam(Decoder):
    """Prefix beam search without a language model."""

    def __init__(self, *, beam_size: int = 100) -> None:
        if beam_size < 1:
            raise ValueError(f"beam_size must be 1 or more, got {beam_size}")
        self.beam_size = beam_size

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        return prefix_beam_search(predictions.padded(), predictions.num_frames_N, beam_size=self.beam_size)
