"""Linear softmax pooling: ``ŷ_c = Σ_t ŷ_tc² / Σ_t ŷ_tc``, cross-entropy on y (Wang, Li & Metze, arXiv 1810.09050).

A frame above half of the clip's probability is pushed up, one below is pushed down, which localises better than the
mean and trains more frames than the maximum.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.layers.pooling import linear_softmax_pool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class LinearSoftmax(WeaklySupervised):
    """Clip probability = mean over frames weighted by themselves."""

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their linear softmax."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(linear_softmax_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)
