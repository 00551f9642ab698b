"""Auto-pooling: ``ŷ_c = Σ_t ŷ_tc e^{α_c ŷ_tc} / Σ_t e^{α_c ŷ_tc}`` with α_c learnt, cross-entropy on y.

McFee, Salamon & Bello 2018 (arXiv 1804.10070): each class finds its own place between the mean (α 0), which suits long
events, and the maximum (α ∞), which suits short ones. This is their unconstrained form: α may grow without bound (their
CAP bounds it, their RAP penalises its size) and fall below 0, towards the minimum.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lightning_modules.layers.pooling import AutoPool
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class AutoPooling(WeaklySupervised):
    """Clip probability = mean over frames, each weighted by e to a learnt multiple of its own probability."""

    def __init__(self, **shared: Any) -> None:
        super().__init__(**shared)
        self.pool = AutoPool(num_classes=len(self.classes))

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their auto-pooled mean."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(self.pool(curves_BTC, mask_BT), curves_BTC, mask_BT)
