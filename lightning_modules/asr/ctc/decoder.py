"""A rung of the decoding ladder: from stored predictions to hypotheses, with weights that validation chooses.

The algorithms are functions of ``lightning_modules.decoding``; a rung binds one of them to its settings, so that a
table can name it. This file has the rungs of CTC without a language model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.pictures import draw_utterances
from lightning_modules.asr.predictions import FramePredictions, PosteriorPredictions, load_predictions, spelled
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.asr.tuning import Weights, Within
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.ctc.prefix_search import prefix_search_batch

Predictions = TypeVar("Predictions", bound=FramePredictions)


class Decoder(ABC, Generic[Predictions]):
    """Base of the rungs. A subclass's constructor arguments are the table's ``scoring.decoder`` keys.

    ``SYSTEMS`` are the recognisers whose predictions it reads; ``WITHIN`` says of which weights the candidates may grow
    where the best is at their edge, and how far.
    """

    WITHIN: ClassVar[Mapping[str, Within]] = {
        "lm_weight": Within(low=0.0, is_above=True),
        "ctc_weight": Within(low=0.0, high=1.0),
        "prior_scale": Within(low=0.0),
        "word_bonus": Within(),
        "token_bonus": Within(),
    }
    SYSTEMS: ClassVar[tuple[type[Recogniser], ...]]

    @abstractmethod
    def read(self, folder: Path, split: str, references: UtteranceReferences) -> Predictions:
        """A split's stored predictions, of the kind that this rung decodes.

        Raises ``ValueError`` where they are not there, or not those of ``references``' corpus.
        """

    def prepare(self, *, folders: Mapping[str, Path], validation: Predictions, references: UtteranceReferences) -> None:
        """Load what decoding needs before its time is taken: language models out of ``folders``, graphs, priors.

        ``references`` are validation's. Without a language model there is nothing to load.
        """

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """Candidates of each weight that is fitted on validation; empty where nothing is."""
        return {}

    @abstractmethod
    def decode(self, predictions: Predictions, weights: Weights) -> list[Hypothesis]:
        """The best hypothesis of every utterance, in the predictions' order."""

    def measures(self, predictions: Predictions, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        """Figures of the last ``decode``, which gave ``hypotheses``, by name: what was cut, how it attended."""
        return {}

    def judge(
        self, predictions: Predictions, weights: Weights, references: UtteranceReferences, *, folder: Path
    ) -> dict[str, float]:
        """Figures of test beside its error rates that need its texts, by name; pictures and lists go to ``folder``."""
        return {}

    def posteriors(self, predictions: Predictions) -> PosteriorPredictions | None:
        """The CTC posteriors among the predictions, where there are some: their spikes are measured and drawn."""
        return None

    def draw(
        self,
        predictions: Predictions,
        hypotheses: Sequence[Hypothesis],
        references: UtteranceReferences,
        *,
        count: int,
        folder: Path,
    ) -> None:
        """Draw ``count`` utterances under ``folder``, with what the rung knows of them; nothing by default."""


class PosteriorDecoder(Decoder[PosteriorPredictions]):
    """Base of the rungs that read CTC posteriors and nothing else."""

    SYSTEMS = (CtcOutput,)

    def read(self, folder: Path, split: str, references: UtteranceReferences) -> PosteriorPredictions:
        """See ``Decoder.read``."""
        return load_predictions(PosteriorPredictions, folder, split, references)

    def posteriors(self, predictions: PosteriorPredictions) -> PosteriorPredictions:
        """All that there is."""
        return predictions

    def draw(
        self,
        predictions: PosteriorPredictions,
        hypotheses: Sequence[Hypothesis],
        references: UtteranceReferences,
        *,
        count: int,
        folder: Path,
    ) -> None:
        """Posteriors under the spectrogram."""
        texts = spelled(predictions, hypotheses)
        draw_utterances(predictions, texts, references, count=count, folder=folder)


class Greedy(PosteriorDecoder):
    """The best symbol of each frame."""

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        return greedy(predictions.padded(), predictions.num_frames_N)


class PrefixSearch(PosteriorDecoder):
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

    def measures(self, predictions: PosteriorPredictions, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        """Sections of the utterances, and those that were not searched to their end."""
        return self._counts


class PrefixBeam(PosteriorDecoder):
    """Prefix beam search without a language model."""

    def __init__(self, *, beam_size: int = 100) -> None:
        if beam_size < 1:
            raise ValueError(f"beam_size must be 1 or more, got {beam_size}")
        self.beam_size = beam_size

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        return prefix_beam_search(predictions.padded(), predictions.num_frames_N, beam_size=self.beam_size)
