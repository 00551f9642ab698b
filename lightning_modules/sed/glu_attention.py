"""Attention over time: ``ŷ_c = Σ_t z_cla(t) z_att(t) / Σ_t z_att(t)``, cross-entropy on y.

z_cla is a sigmoid, z_att a softmax over classes, each a linear layer on the encoder's output; the curve that becomes
events is z_cla. Xu et al. 2017 (arXiv 1710.00343), with the gated encoder that the row's ``encoder`` names.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.pooling import attention_pool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class GLUAttention(WeaklySupervised):
    """Localisation by attention; meant for a gated encoder (``paper_gated_crnn``, ``demo_gated_crnn``)."""

    def __init__(self, *, encoder: FrameEncoder, **shared: Any) -> None:
        super().__init__(encoder=encoder, **shared)
        self.attention = nn.Linear(encoder.num_outputs, len(self.classes))

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Classification curves z_cla and their attention-weighted mean."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        attention_BTC = self.attention(hidden_BTH).float().softmax(dim=-1)
        return Detection(attention_pool(curves_BTC, attention_BTC, mask_BT), curves_BTC, mask_BT)
