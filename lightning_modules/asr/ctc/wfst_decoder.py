"""The rung of the weighted finite-state transducer: lexicon and word n-gram in one graph (Eesen, Miao 2015).

The lexicon is the n-gram's own words, the label priors are the mean posteriors of validation's frames (no text of
validation is needed for them); how much they count is fitted with the other two weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.ctc.decoder import PosteriorDecoder
from lightning_modules.asr.ctc.fused_decoders import check_weights, read_language_model
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.word_ngram import UNKNOWN
from lightning_modules.decoding.wfst.label_priors import label_log_priors
from lightning_modules.decoding.wfst.wfst import WfstDecoder


class Wfst(PosteriorDecoder):
    """T∘L∘G through Kaldi's decoder (``pip install 'earmark[wfst]'``).

    ``beam`` is in nats. Raises ``ValueError`` where the packages are missing or the model is no n-gram over words.
    """

    def __init__(
        self,
        *,
        beam: float = 12.0,
        lm_weights: Sequence[float] = (0.3, 0.5, 0.8, 1.2, 2.0),
        word_bonuses: Sequence[float] = (-2.0, -1.0, 0.0, 1.0, 2.0),
        prior_scales: Sequence[float] = (0.0, 0.3, 0.6, 0.9),
    ) -> None:
        check_weights(beam_size=beam, lm_weights=lm_weights, word_bonuses=word_bonuses)
        self.beam = beam
        self._grid = {
            "lm_weight": tuple(lm_weights), "word_bonus": tuple(word_bonuses), "prior_scale": tuple(prior_scales)
        }  # fmt: skip
        self._decoder: WfstDecoder | None = None
        self._log_priors_V: NDArray[np.float32] | None = None

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Decoder.weight_grid``."""
        return self._grid

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        model = read_language_model(folders, references.symbols)
        if not (isinstance(model, NgramLanguageModel) and model.ngrams.unit == "word"):
            raise ValueError("a WFST needs an n-gram over words; from.language_model names another kind")
        if references.unit == "subword":
            raise ValueError("a WFST spells words in characters, and this recogniser writes subwords; rescore instead")
        words = [word for word in model.symbols[1:] if word != UNKNOWN]
        self._decoder = WfstDecoder(symbols=references.symbols, words=words, ngrams=model.ngrams)
        self._log_priors_V = label_log_priors(validation.padded(), validation.num_frames_N)

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        assert self._decoder is not None
        return self._decoder.decode(
            predictions.padded(),
            predictions.num_frames_N,
            lm_weight=weights["lm_weight"],
            word_bonus=weights["word_bonus"],
            log_priors_V=self._log_priors_V,
            prior_scale=weights["prior_scale"],
            beam=self.beam,
        )

    def measures(self, predictions: PosteriorPredictions, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        """Utterances that needed a wider beam, and those that got no whole sentence."""
        assert self._decoder is not None
        return {"wfst_widened": self._decoder.num_widened, "wfst_unfinished": self._decoder.num_unfinished}
