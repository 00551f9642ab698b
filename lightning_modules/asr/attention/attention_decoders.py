"""Rungs of recognisers with an attention decoder: beam search alone, with the CTC output, with a language model.

They read a run's encoded utterances and its stored speller (``stored_decoder``). Batches of utterances of about equal
length are searched together; everything is computed in float64, so that the answers do not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.attention.attention_pictures import Alignment, draw_alignments
from lightning_modules.asr.attention.attention_recogniser import MAX_TOKENS_PER_SECOND, max_tokens
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.attention.stored_decoder import load_speller
from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.ctc.fused_decoders import read_language_model
from lightning_modules.asr.ctc.shallow_fusion import LM_WEIGHTS, TOKEN_BONUSES, check_lm_weights, read_character_model
from lightning_modules.asr.encoded_batches import batches, in_order
from lightning_modules.asr.predictions import (
    EncodedPredictions,
    HybridPredictions,
    PosteriorPredictions,
    load_hybrid,
    spelled,
)
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.attention.attention_beam import attention_beam_search
from lightning_modules.decoding.attention.attention_objective import Objective
from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.language_models.rescoring import NBestScores, language_model_scores
from lightning_modules.decoding.texts import tag_tokens
from lightning_modules.layers.speller import BoundSpeller, Speller
from lightning_modules.metrics.attention_shape import attention_shape


class AttentionBeam(Decoder[EncodedPredictions]):
    """Beam search without a language model: ``(1-λ) log p_att + λ log p_ctc + β |tokens|`` (``attention_objective``).

    Args:
        beam_size: hypotheses of an utterance.
        ctc_weights: candidates of λ; above 0 the system must have a CTC output.
        token_bonuses: candidates of β. Validation chooses both.
        length_normalised: rank by the score per token, the end counted.
        end_threshold: log p(end) must be at least so many times the best other token's (Hannun et al. 2019), 1 or more;
            1 lets a text end only where its end is the likeliest.
        max_tokens_per_second: a text that is longer ends.

    Raises:
        ValueError: a setting out of range; a CTC weight and no CTC output.

    """

    SYSTEMS = (EncoderDecoder,)

    def __init__(
        self,
        *,
        beam_size: int = 8,
        ctc_weights: Sequence[float] = (0.0,),
        token_bonuses: Sequence[float] = (0.0,),
        length_normalised: bool = True,
        end_threshold: float | None = None,
        max_tokens_per_second: float = MAX_TOKENS_PER_SECOND,
    ) -> None:
        if beam_size < 1 or not max_tokens_per_second > 0:
            raise ValueError(
                f"beam_size {beam_size} must be 1 or more, and max_tokens_per_second {max_tokens_per_second} above 0"
            )
        if not token_bonuses or not ctc_weights:
            raise ValueError(
                f"ctc_weights {list(ctc_weights)} and token_bonuses {list(token_bonuses)} need one number or more each"
            )
        for ctc_weight, token_bonus in product(ctc_weights, token_bonuses):  # raises now, not after the training
            Objective(ctc_weight, 0.0, token_bonus, length_normalised, end_threshold)
        self.beam_size = beam_size
        self.length_normalised = length_normalised
        self.end_threshold = end_threshold
        self.max_tokens_per_second = max_tokens_per_second
        self._grid = {"ctc_weight": tuple(ctc_weights), "token_bonus": tuple(token_bonuses)}
        self._speller: Speller | None = None
        self._model: LanguageModel | None = None

    def read(self, folder: Path, split: str, references: UtteranceReferences) -> EncodedPredictions:
        """See ``Decoder.read``; CTC posteriors come along where there are some."""
        predictions = load_hybrid(folder, split, references)
        if max(self._grid["ctc_weight"]) > 0 and not isinstance(predictions, HybridPredictions):
            raise ValueError(
                f"ctc_weights {list(self._grid['ctc_weight'])}: {folder} is of a system without CTC output"
            )
        return predictions

    def prepare(
        self, *, folders: Mapping[str, Path], validation: EncodedPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        self._speller = load_speller(folders["own"], symbols=references.symbols)

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Decoder.weight_grid``."""
        return self._grid

    def decode(self, predictions: EncodedPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        return [n_best[0] for n_best in self.search(predictions, weights)]

    def search(self, predictions: EncodedPredictions, weights: Weights, *, n_best: int = 1) -> list[list[Hypothesis]]:
        """The ``n_best`` of every utterance, in the predictions' order."""
        assert self._speller is not None
        found = []
        for batch in batches(predictions):
            ctc_weight = weights["ctc_weight"]
            ctc = CtcPrefixScorer(batch.log_probs_BTV, batch.num_frames_B) if ctc_weight else None
            limits_B = max_tokens(
                batch.num_frames_B, hop_seconds=predictions.hop_seconds, per_second=self.max_tokens_per_second
            )
            hypotheses = attention_beam_search(
                BoundSpeller(self._speller, self._speller.memory(batch.encoded_BTH, batch.num_frames_B)),
                max_tokens_B=limits_B,
                beam_size=self.beam_size,
                n_best=n_best,
                ctc=ctc,
                ctc_weight=ctc_weight,
                language_model=self._model,
                lm_weight=weights.get("lm_weight", 0.0),
                token_bonus=weights["token_bonus"],
                tags=tag_tokens(predictions.symbols),
                length_normalised=self.length_normalised,
                end_threshold=self.end_threshold,
            )
            found.append((batch, hypotheses))
        return in_order(found)

    def alignments(self, predictions: EncodedPredictions, hypotheses: Sequence[Hypothesis]) -> dict[str, Alignment]:
        """Where the speller looks while it writes ``hypotheses``; empty for a system without attention."""
        assert self._speller is not None
        if not self._speller.core.attention.has_weights:
            return {}
        found = {}
        for batch in batches(predictions):
            tokens = [hypotheses[row].tokens for row in batch.rows.tolist()]
            tokens_BU = torch.nn.utils.rnn.pad_sequence([torch.tensor(of_one).long() for of_one in tokens], True)
            memory = self._speller.memory(batch.encoded_BTH, batch.num_frames_B)
            weights_BUT = self._speller(tokens_BU, memory).weights_BUT.numpy()
            for row, of_one, frames, weights_UT in zip(
                batch.rows.tolist(), tokens, batch.num_frames_B.tolist(), weights_BUT, strict=True
            ):
                own_UT = weights_UT[: len(of_one) + 1, :frames]
                found[predictions.utterance_ids[row]] = Alignment(of_one, own_UT, predictions.hop_seconds)
        return found

    def measures(self, predictions: EncodedPredictions, hypotheses: Sequence[Hypothesis]) -> dict[str, float]:
        """How diagonal and how wide the attention is (``metrics.attention_shape``)."""
        found = self.alignments(predictions, hypotheses)
        return attention_shape(alignment.weights_UT for alignment in found.values())

    def posteriors(self, predictions: EncodedPredictions) -> PosteriorPredictions | None:
        """Those of a hybrid system."""
        return predictions.posteriors if isinstance(predictions, HybridPredictions) else None

    def draw(
        self,
        predictions: EncodedPredictions,
        hypotheses: Sequence[Hypothesis],
        references: UtteranceReferences,
        *,
        count: int,
        folder: Path,
    ) -> None:
        """Attention under the spectrogram, and CTC's spikes between them where there are some."""
        found = self.alignments(predictions, hypotheses)
        if found:
            texts = spelled(predictions, hypotheses)
            posteriors = self.posteriors(predictions)
            draw_alignments(found, texts, references, count=count, folder=folder, posteriors=posteriors)


class FusedAttentionBeam(AttentionBeam):
    """The same with a language model of its symbols inside: ``+ γ log p_lm`` (shallow fusion), γ from validation."""

    def __init__(
        self,
        *,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        token_bonuses: Sequence[float] = TOKEN_BONUSES,
        length_normalised: bool = False,
        **beam: Any,
    ) -> None:
        super().__init__(token_bonuses=token_bonuses, length_normalised=length_normalised, **beam)
        check_lm_weights(lm_weights)
        self._grid = {**self._grid, "lm_weight": tuple(lm_weights)}

    def prepare(
        self, *, folders: Mapping[str, Path], validation: EncodedPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        super().prepare(folders=folders, validation=validation, references=references)
        self._model = read_character_model(folders, references.symbols)


class RescoredAttention(AttentionBeam):
    """The beam's ``n_best``, reordered by ``log P(y|x)/|y| + λ log P_LM(y)`` (Chan et al. 2015, section 3.3)."""

    def __init__(self, *, n_best: int = 8, lm_weights: Sequence[float] = LM_WEIGHTS, **beam: Any) -> None:
        super().__init__(**beam)
        check_lm_weights(lm_weights)
        if not 2 <= n_best <= self.beam_size:
            raise ValueError(f"n_best {n_best} must lie within 2 and beam_size {self.beam_size}")
        self.n_best = n_best
        self._grid = {**self._grid, "lm_weight": tuple(lm_weights)}
        self._rescorer: LanguageModel | None = None
        self._split: EncodedPredictions | None = None
        self._scored: dict[tuple[float, float], NBestScores] = {}  # of the split

    def prepare(
        self, *, folders: Mapping[str, Path], validation: EncodedPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``; any language model can be asked."""
        super().prepare(folders=folders, validation=validation, references=references)
        self._rescorer = read_language_model(folders, references.symbols)
        self._split = None

    def decode(self, predictions: EncodedPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``. A split is searched once for each CTC weight and token bonus."""
        assert self._rescorer is not None
        if self._split is not predictions:
            self._split, self._scored = predictions, {}
        place = weights["ctc_weight"], weights["token_bonus"]
        if place not in self._scored:
            beam_weights = {**weights, "lm_weight": 0.0}
            n_best = self.search(predictions, beam_weights, n_best=self.n_best)
            self._scored[place] = language_model_scores(n_best, self._rescorer, symbols=predictions.symbols)
        combined = self._scored[place].combine(lm_weight=weights["lm_weight"], per_token=True)
        return [hypotheses[0] for hypotheses in combined]
