"""Shallow fusion token by token, for searches whose hypotheses are tensors: what each next token adds to a score.

``lm_weight · log p_lm(token | text so far) + token_bonus``; column 0 has what the text's end adds, without a
bonus. Tags of languages are no part of the text: they have no bonus either.
Legend as in ``step_models``: W hypotheses of an utterance; U places for tokens.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor

from datamodules.annotations import BLANK
from lightning_modules.decoding.language_models.language_model import LanguageModel


class TokenFusion:
    """A language model, or none, and its weights; with ``lm_weight`` 0 it has no say, even where it gives nothing."""

    def __init__(
        self, language_model: LanguageModel | None, *, lm_weight: float, token_bonus: float, tags: Collection[int] = ()
    ) -> None:
        self._language_model = language_model if lm_weight else None
        self._lm_weight = lm_weight
        self._token_bonus = token_bonus
        self._without_bonus = [BLANK, *tags]

    def first_extra(self, num_symbols: int) -> Tensor:
        """What is added without a language model: (V,), float64. Raises ``ValueError`` for a model of other symbols."""
        model = self._language_model
        if model is not None and len(model.symbols) != num_symbols:
            raise ValueError(f"language model of {len(model.symbols)} symbols, allowed: the recogniser's {num_symbols}")
        return self._bonus(num_symbols)

    def renewed(self, extra_BWV: Tensor, tokens_BWU: Tensor, num_tokens_BW: Tensor, asks_BW: Tensor) -> Tensor:
        """``extra_BWV`` with new rows where ``asks_BW``; equal texts are asked for once.

        Raises ``ValueError`` for an answer with NaN.
        """
        if self._language_model is None or not bool(asks_BW.any()):
            return extra_BWV
        texts, lengths = tokens_BWU[asks_BW].tolist(), num_tokens_BW[asks_BW].tolist()
        histories = [tuple(text[:length]) for text, length in zip(texts, lengths, strict=True)]
        place = {history: row for row, history in enumerate(dict.fromkeys(histories))}
        log_probs_NV = np.asarray(self._language_model.next_log_probs(list(place)), np.float64)
        if np.isnan(log_probs_NV).any():
            raise ValueError("the language model answered NaN")
        rows_NV = self._lm_weight * torch.from_numpy(log_probs_NV)[[place[history] for history in histories]]
        rows_NV += self._bonus(rows_NV.shape[1])
        extra_BWV = extra_BWV.clone()
        extra_BWV[asks_BW] = rows_NV.to(extra_BWV.device)
        return extra_BWV

    def _bonus(self, num_symbols: int) -> Tensor:
        bonus_V = torch.full((num_symbols,), self._token_bonus, dtype=torch.float64)
        bonus_V[self._without_bonus] = 0.0
        return bonus_V
