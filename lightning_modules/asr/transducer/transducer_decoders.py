"""Rungs of transducers: beam search by alignment length, alone and with a language model inside.

They read a run's encoded utterances and its stored prediction network and joiner (``stored_transducer``), in float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.ctc.shallow_fusion import LM_WEIGHTS, TOKEN_BONUSES, check_lm_weights, read_character_model
from lightning_modules.asr.encoded_batches import batches, in_order
from lightning_modules.asr.predictions import EncodedPredictions, load_predictions
from lightning_modules.asr.transducer.stored_transducer import load_transducer
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.decoding.texts import tag_tokens
from lightning_modules.decoding.transducer.transducer_beam import transducer_beam_search
from lightning_modules.layers.transducer import BoundTransducer, TransducerNetwork


class TransducerBeam(Decoder[EncodedPredictions]):
    """Beam search without a language model. Raises ``ValueError`` for a beam below 1."""

    SYSTEMS = (Transducer,)

    def __init__(self, *, beam_size: int = 8) -> None:
        if beam_size < 1:
            raise ValueError(f"beam_size must be 1 or more, got {beam_size}")
        self.beam_size = beam_size
        self._network: TransducerNetwork | None = None
        self._model: LanguageModel | None = None

    def read(self, folder: Path, split: str, references: UtteranceReferences) -> EncodedPredictions:
        """See ``Decoder.read``."""
        return load_predictions(EncodedPredictions, folder, split, references)

    def prepare(
        self, *, folders: Mapping[str, Path], validation: EncodedPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        self._network = load_transducer(folders["own"], symbols=references.symbols)

    def decode(self, predictions: EncodedPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        assert self._network is not None
        found = []
        for batch in batches(predictions):
            hypotheses = transducer_beam_search(
                BoundTransducer(self._network, batch.encoded_BTH, batch.num_frames_B),
                beam_size=self.beam_size,
                language_model=self._model,
                lm_weight=weights.get("lm_weight", 0.0),
                token_bonus=weights.get("token_bonus", 0.0),
                tags=tag_tokens(predictions.symbols),
            )
            found.append((batch, hypotheses))
        return [n_best[0] for n_best in in_order(found)]


class FusedTransducerBeam(TransducerBeam):
    """``log p_rnnt + γ log p_lm + β |tokens|`` with a language model of its symbols; validation chooses γ and β.

    Raises ``ValueError`` for a beam below 1, and candidates that are none or weights that are not above 0.
    """

    def __init__(
        self,
        *,
        beam_size: int = 8,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        token_bonuses: Sequence[float] = TOKEN_BONUSES,
    ) -> None:
        super().__init__(beam_size=beam_size)
        check_lm_weights(lm_weights)
        if not token_bonuses:
            raise ValueError("token_bonuses [] need one number or more")
        self._grid = {"lm_weight": tuple(lm_weights), "token_bonus": tuple(token_bonuses)}

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Decoder.weight_grid``."""
        return self._grid

    def prepare(
        self, *, folders: Mapping[str, Path], validation: EncodedPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        super().prepare(folders=folders, validation=validation, references=references)
        self._model = read_character_model(folders, references.symbols)
