"""Mean pooling: ``ŷ_c = Σ_t ŷ_tc / T``, cross-entropy on y (McFee et al., arXiv 1804.10070, "mean").

Differs from false strong labelling in where the mean stands: of the probabilities before the cross-entropy, not of the
cross-entropies, so a short event may be sure and the rest of the clip silent.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.layers.pooling import mean_pool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class MeanPooling(WeaklySupervised):
    """Clip probability = mean over frames."""

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their mean."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(mean_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)
