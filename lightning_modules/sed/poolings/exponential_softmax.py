"""Exponential softmax pooling: ``ŷ_c = Σ_t ŷ_tc e^{ŷ_tc} / Σ_t e^{ŷ_tc}``, cross-entropy on y.

Wang, Li & Metze, arXiv 1810.09050, and McFee et al.'s "softmax" (arXiv 1804.10070): auto-pooling whose α stays at 1.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.layers.pooling import exponential_softmax_pool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class ExponentialSoftmax(WeaklySupervised):
    """Clip probability = mean over frames weighted by e to themselves."""

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their exponential softmax."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(exponential_softmax_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)
