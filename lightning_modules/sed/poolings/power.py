"""Power pooling: ``ŷ_c = Σ_t ŷ_tc^{n_c + 1} / Σ_t ŷ_tc^{n_c}`` with n_c learnt, cross-entropy on y.

Liu, Chen, Wang & Zhang, arXiv 2010.09985. A frame is pushed up where it lies above n / (n + 1) of the clip's
probability, so n decides how much of a clip trains as an event: at 1, the linear softmax, above half of it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lightning_modules.layers.pooling import PowerPool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class PowerPooling(WeaklySupervised):
    """Clip probability = mean over frames weighted by a learnt power of themselves, from ``initial_power`` on."""

    def __init__(self, *, initial_power: float = 1.0, **shared: Any) -> None:
        super().__init__(**shared)
        self.pool = PowerPool(num_classes=len(self.classes), initial_power=initial_power)

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their power pooling."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(self.pool(curves_BTC, mask_BT), curves_BTC, mask_BT)
