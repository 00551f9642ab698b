"""The rung whose word n-gram speaks at every character: look-ahead, and a spelling model for unknown words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.ctc.fused_decoders import LM_WEIGHTS, WORD_BONUSES, FusedBeam
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.decoding.language_models.look_ahead import (
    LookAheadNgram,
    UnknownWords,
    in_tokens,
    spelled_characters,
    unseen_share,
)
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.lm.units import Pieces


class LookAheadBeam(FusedBeam):
    """A word n-gram inside the beam, which says of each character what words it may still become.

    ``only_known_words``: the words of the n-gram alone. Else a character n-gram of ``spelling_order``, counted
    over the different words of the training texts, spells others, with the probability ``escape`` (null: that of Good &
    Turing, ``unseen_share`` of the training texts). Raises ``ValueError`` as ``FusedBeam``, for an order below 1 and
    for an escape that is no probability.
    """

    def __init__(
        self,
        *,
        beam_size: int = 100,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        word_bonuses: Sequence[float] = WORD_BONUSES,
        log_bonus: bool = False,
        only_known_words: bool = False,
        spelling_order: int = 6,
        escape: float | None = None,
    ) -> None:
        super().__init__(
            beam_size=beam_size,
            lm_weights=lm_weights,
            word_bonuses=word_bonuses,
            log_bonus=log_bonus,
            only_known_words=only_known_words,
        )
        if spelling_order < 1:
            raise ValueError(f"spelling_order must be 1 or more, got {spelling_order}")
        if escape is not None and not 0 < escape < 1:
            raise ValueError(f"escape {escape}, allowed: a probability above 0 and below 1, or null")
        self.spelling_order = spelling_order
        self.escape = escape

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        super().prepare(folders=folders, validation=validation, references=references)
        if not isinstance(self._model, LookAheadNgram):
            raise ValueError(
                "look-ahead needs an n-gram over words; a model of the recogniser's symbols has no need of it"
            )

    def _of_words(self, ngrams: BackoffNgrams, references: UtteranceReferences) -> LookAheadNgram:
        if self.only_known_words:
            return LookAheadNgram(ngrams, symbols=references.symbols)
        words = sorted({word for text in references.training_texts for word in text.split()})
        characters = spelled_characters(references.symbols)
        pieces = Pieces(characters, unit="character")
        spelling = estimate_ngrams(
            map(pieces.encode, words), symbols=characters, unit="character", order=self.spelling_order
        )
        escape = unseen_share(references.training_texts) if self.escape is None else self.escape
        unknown = UnknownWords(in_tokens(spelling, references.symbols), escape)
        return LookAheadNgram(ngrams, symbols=references.symbols, unknown=unknown)
