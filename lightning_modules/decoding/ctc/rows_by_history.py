"""Rows of language model factors for models that only answer by history: neural ones.

The new prefixes of all utterances are asked for in one call, each distinct one once: answers are kept by prefix, since
prefixes leave the beam and come back, and utterances begin alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled
from lightning_modules.decoding.ctc.beam import SLOTS, Beam, lacks_row, slots_without_rows, spell
from lightning_modules.decoding.ctc.fusion import Fusion, fill_row, lm_token
from lightning_modules.decoding.language_models.language_model import LanguageModel

MAX_KEPT_NUMBERS = 64_000_000  # float32: a quarter of a gigabyte


class RowsByHistory:
    """Fills the rows of beams; ``fusion`` says which column is whose."""

    def __init__(self, language_model: LanguageModel, fusion: Fusion) -> None:
        self._language_model = language_model
        self._fusion = fusion
        tokens = range(len(language_model.symbols))
        self._column_V = np.array([lm_token(fusion.blank, token) for token in tokens], np.int64)
        self._kept: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def fill(self, beams: Sequence[Beam]) -> None:
        """Ask for every prefix in these beams that needs a row now. Raises ``ValueError`` for an answer with NaN."""
        wanted = [
            (beam, slot, tuple(self._column_V[spell(beam, beam.slots_S["node"][slot])].tolist()))
            for beam in beams
            for slot in slots_without_rows(beam).tolist()
        ]
        if len(self._kept) * len(self._column_V) > MAX_KEPT_NUMBERS:
            self._kept.clear()
        new = list(dict.fromkeys(history for _, _, history in wanted if history not in self._kept))
        if new:
            log_probs_NV = np.asarray(self._language_model.next_log_probs(new), np.float32)
            if np.isnan(log_probs_NV).any():
                raise ValueError("the language model answered NaN")
            self._kept.update(zip(new, log_probs_NV, strict=True))
        for beam, slot, history in wanted:
            beam.rows_SV[slot] = self._kept[history][self._column_V]
        for beam in beams:
            _finish(beam, self._fusion)


@compiled
def _finish(beam: Beam, fusion: Fusion) -> None:
    for slot in range(beam.counts[SLOTS]):
        if lacks_row(beam, slot):
            fill_row(fusion, beam, slot)
