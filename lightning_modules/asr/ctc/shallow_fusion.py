"""What rungs that write token by token ask of a language model inside their beam: their own symbols, and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_modules.asr.ctc.fused_decoders import read_language_model
from lightning_modules.decoding.language_models.language_model import LanguageModel

LM_WEIGHTS = (0.1, 0.2, 0.35, 0.5, 0.8)
TOKEN_BONUSES = (0.0, 0.4, 0.8, 1.4, 2.2)


def check_lm_weights(lm_weights: Sequence[float]) -> None:
    """Raise ``ValueError`` now for what would end a run after its training."""
    if not lm_weights or not min(lm_weights) > 0:
        raise ValueError(f"lm_weights {list(lm_weights)} need one number or more, all above 0")


def read_character_model(folders: Mapping[str, Path], symbols: Sequence[str]) -> LanguageModel:
    """The language model of the recogniser's own symbols. Raises ``ValueError`` for another."""
    model = read_language_model(folders, symbols)
    if tuple(model.symbols) != tuple(symbols):
        raise ValueError("a language model over words can't be asked inside this beam; take one over characters")
    return model
