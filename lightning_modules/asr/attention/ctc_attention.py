"""Hybrid CTC-attention recognition: one encoder, a CTC output and an attention decoder on it (Watanabe et al. 2017).

``L = λ L_ctc + (1-λ) L_att``. CTC forces the alignment to be monotone, which attention alone must find by itself;
decoding scores every prefix by both (``decoding.attention_beam``). Kim, Hori & Watanabe 2017 (arXiv 1609.06773).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from datamodules.batches import UtteranceBatch
from lightning_modules.asr.attention.las import ListenAttendSpell
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.gathering import GatheredFrames
from lightning_modules.asr.predictions import EncodedPredictions, FramePredictions, PosteriorPredictions
from lightning_modules.asr.recogniser import Encoded


class CTCAttention(CtcOutput, ListenAttendSpell):
    """The recogniser; ``ctc_weight`` is λ. Raises ``ValueError`` for one outside 0 and 1, and as ``CtcOutput`` does."""

    def __init__(self, *, ctc_weight: float = 0.3, **shared: Any) -> None:
        super().__init__(**shared)
        if not 0 <= ctc_weight <= 1:
            raise ValueError(f"ctc_weight must lie within 0 and 1, got {ctc_weight}")
        self.ctc_weight = ctc_weight

    def loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """``λ L_ctc + (1-λ) L_att``; both are logged while training."""
        ctc_B = self.ctc_loss(encoded, batch)
        attention_B = super().loss(encoded, batch)
        if self.training:
            parts = {"train/ctc_loss": ctc_B.mean(), "train/attention_loss": attention_B.mean()}
            self.log_dict(parts, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(ctc_B))
        return self.ctc_weight * ctc_B + (1 - self.ctc_weight) * attention_B

    def frames(self, encoded: Encoded) -> tuple[Tensor, ...]:
        """Hidden vectors and posteriors."""
        return encoded.hidden_BTH, self.posteriors(encoded).log_probs_BTV

    def stored(self, gathered: GatheredFrames) -> Sequence[FramePredictions]:
        """Both; a CTC rung can read the posteriors alone."""
        encoded_FH, log_probs_FV = gathered.frames
        facts = self._facts(gathered)
        return (
            EncodedPredictions(encoded_FH=encoded_FH, **facts),
            PosteriorPredictions(log_probs_FV=log_probs_FV, **facts),
        )

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """See ``EncoderDecoder``; the CTC output is one of the ``outputs``."""
        groups = super().parameter_groups()
        return {**groups, "outputs": (*groups["outputs"], self.classifier)}

    def symbol_parameters(self) -> Collection[str]:
        """See ``Recogniser``."""
        return (*super().symbol_parameters(), "classifier.weight", "classifier.bias")
