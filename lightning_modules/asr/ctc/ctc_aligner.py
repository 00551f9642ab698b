"""Alignments of a CTC output: of the system itself, or of a hybrid's CTC branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.aligner import Aligned, Aligner, TokenTime, spelling
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.predictions import PosteriorPredictions, load_predictions
from lightning_modules.asr.tuning import Weights, Within
from lightning_modules.decoding.ctc.forced_alignment import NoAlignmentError, forced_alignment
from lightning_modules.decoding.wfst.label_priors import label_log_priors


class CtcAligner(Aligner):
    """The best path of the text through the posteriors, divided by the label priors to the power ``prior_scales``.

    Priors are the network's mean posteriors on validation; the scale is fitted there too, and 0 is without. A character
    lasts from its first to its last frame, and peaks in the middle of the one with its highest posterior.
    """

    SYSTEMS = (CtcOutput,)
    WITHIN: ClassVar[Mapping[str, Within]] = {"prior_scale": Within(low=0.0)}

    def __init__(self, *, prior_scales: Sequence[float] = (0.0,)) -> None:
        if not prior_scales or min(prior_scales) < 0:
            raise ValueError(f"prior_scales {list(prior_scales)}, allowed: one number or more, 0 or above")
        self._grid = {"prior_scale": tuple(prior_scales)}
        self._splits: dict[str, tuple[PosteriorPredictions, UtteranceReferences]] = {}
        self._log_priors_V: NDArray[np.float32] | None = None

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Aligner.weight_grid``."""
        return self._grid

    def prepare(self, *, folders: Mapping[str, Path], references: Mapping[str, UtteranceReferences]) -> None:
        """See ``Aligner.prepare``."""
        self._splits = {
            split: (load_predictions(PosteriorPredictions, folders["own"], split, of_split), of_split)
            for split, of_split in references.items()
        }
        heard = self._splits["validation"][0]
        self._log_priors_V = label_log_priors(heard.log_probs_FV[None], np.array([len(heard.log_probs_FV)]))

    def align(self, split: str, weights: Weights) -> Aligned:
        """See ``Aligner.align``."""
        predictions, references = self._splits[split]
        tokens, left_out = spelling(references.texts, predictions.symbols)
        times = {}
        for utterance, log_probs_TV in predictions:
            if utterance in tokens:
                try:
                    times[utterance] = self._times(
                        log_probs_TV, tokens[utterance], weights["prior_scale"], predictions.hop_seconds
                    )
                except NoAlignmentError as error:
                    left_out[utterance] = str(error)
        return Aligned(times, left_out)

    def _times(
        self, log_probs_TV: NDArray[np.float32], tokens: Sequence[int], prior_scale: float, hop_seconds: float
    ) -> list[TokenTime]:
        alignment = forced_alignment(
            log_probs_TV, tokens, log_priors_V=self._log_priors_V if prior_scale else None, prior_scale=prior_scale
        )
        return [
            TokenTime(
                token.first_frame * hop_seconds,
                (token.last_frame + 1) * hop_seconds,
                (token.spike_frame + 0.5) * hop_seconds,
            )
            for token in alignment.tokens
        ]
