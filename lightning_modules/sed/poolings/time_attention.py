"""Attention over time: ``ŷ_c = Σ_t a_tc ŷ_tc``, ``a_:c`` the softmax over time of a second output, cross-entropy on y.

The "attention" of Wang, Li & Metze, arXiv 1810.09050. ``GLUAttention`` differs in its softmax, which is over classes:
there a frame's classes share its attention, here a class's frames do.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.pooling import time_attention_pool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class TimeAttention(WeaklySupervised):
    """Clip probability = mean over frames with weights that a second linear layer learns."""

    def __init__(self, *, encoder: FrameEncoder, **shared: Any) -> None:
        super().__init__(encoder=encoder, **shared)
        self.attention = nn.Linear(encoder.num_outputs, len(self.classes))

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their mean under attention."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        pooled_BC = time_attention_pool(curves_BTC, self.attention(hidden_BTH).float(), mask_BT)
        return Detection(pooled_BC, curves_BTC, mask_BT)
