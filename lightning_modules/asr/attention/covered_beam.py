"""Beam search with a language model for attention alone: it pays for hearing again what it has heard.

An attention decoder may read an utterance's end twice, and a bonus a token rewards it for that. In a hybrid CTC forbids
it; for attention alone the coverage of its own weights makes it dear (``covered_speller``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.attention.attention_decoders import FusedAttentionBeam
from lightning_modules.asr.predictions import EncodedPredictions
from lightning_modules.asr.tuning import Weights, Within
from lightning_modules.layers.covered_speller import CoveredSpeller

COVERAGE_WEIGHTS = (0.0, 0.5, 1.0, 2.0, 4.0)


class CoveredAttentionBeam(FusedAttentionBeam):
    """``FusedAttentionBeam − κ over``, with κ from validation.

    Args:
        coverage_weights: candidates of κ; the grid grows where the best lies at its edge.
        coverage_limit: τ, how many tokens' attention a frame may have at no cost.
        beam: see ``FusedAttentionBeam``.

    Raises:
        ValueError: a setting out of range; a system that attends to no frames.

    """

    WITHIN: ClassVar[Mapping[str, Within]] = {**FusedAttentionBeam.WITHIN, "coverage_weight": Within(low=0.0)}

    def __init__(
        self, *, coverage_weights: Sequence[float] = COVERAGE_WEIGHTS, coverage_limit: float = 1.0, **beam: Any
    ) -> None:
        super().__init__(**beam)
        if not coverage_weights or min(coverage_weights) < 0 or not coverage_limit >= 0:
            raise ValueError(
                f"coverage_weights {list(coverage_weights)} need one number or more, and coverage_limit "
                f"{coverage_limit}; all 0 or more"
            )
        self.coverage_limit = coverage_limit
        self._grid = {**self._grid, "coverage_weight": tuple(coverage_weights)}

    def prepare(
        self, *, folders: Mapping[str, Path], validation: EncodedPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        super().prepare(folders=folders, validation=validation, references=references)
        assert self._speller is not None
        self._speller = CoveredSpeller(self._speller, limit=self.coverage_limit)

    def search(self, predictions: EncodedPredictions, weights: Weights, *, n_best: int = 1) -> list[list[Hypothesis]]:
        """See ``AttentionBeam.search``."""
        assert isinstance(self._speller, CoveredSpeller)
        self._speller.weight = weights["coverage_weight"]
        return super().search(predictions, weights, n_best=n_best)
