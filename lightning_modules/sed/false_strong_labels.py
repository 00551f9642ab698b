"""False strong labelling: every frame learns its clip's label, ``Y_tc := y_c``.

``loss = mean over t, c of BCE(y_c, ŷ_tc)``; clip probability = mean over frames. The baseline of Pellegrini & Cances
(arXiv 1901.03146): poor on short events, since most of their clip's labels are false.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.layers.pooling import mean_pool
from lightning_modules.losses.false_strong import false_strong_loss
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class FalseStrongLabels(WeaklySupervised):
    """FSL."""

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their mean."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(mean_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)

    def loss(self, detection: Detection, tags_BC: Tensor) -> Tensor:
        """Cross-entropy of every frame with its clip's tags."""
        assert detection.frame_probabilities_BTC is not None
        return false_strong_loss(detection.frame_probabilities_BTC, tags_BC, detection.mask_BT)
