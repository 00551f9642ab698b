"""Auto-pooling: ``ŷ_c = Σ_t ŷ_tc e^{α_c ŷ_tc} / Σ_t e^{α_c ŷ_tc}`` with α_c learnt, cross-entropy on y.

McFee, Salamon & Bello 2018 (arXiv 1804.10070): each class finds its own place between the mean (α 0), which suits long
events, and the maximum (α ∞), which suits short ones. Without settings this is their unconstrained form: α may grow
without bound and fall below 0, towards the minimum. ``max_alpha`` makes it CAP, ``alpha_penalty`` makes it RAP.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lightning_modules.layers.pooling import AutoPool
from lightning_modules.losses.tagging import tagging_loss
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class AutoPooling(WeaklySupervised):
    """Clip probability = mean over frames, each weighted by e to a learnt multiple of its own probability.

    Args:
        initial_alpha: every α_c at the start; 0, the mean, is that of the authors' code. At 1 loud frames weigh more
            from the first step on, by e at most.
        max_alpha: CAP, the bound on the size of α_c; None is none. Half of the weight may lie on 0.25 s of 10 s that
            are sure where it is ln(10 / 0.25 - 1) = 3.66.
        alpha_penalty: RAP, ``alpha_penalty · Σ_c α_c²`` is added to the loss; the authors' is 1e-4.
        shared: see ``SoundEventDetector``.

    Raises:
        ValueError: a start beyond the bound, a penalty below 0.

    """

    def __init__(
        self, *, initial_alpha: float = 1.0, max_alpha: float | None = None, alpha_penalty: float = 0.0, **shared: Any
    ) -> None:
        super().__init__(**shared)
        if not alpha_penalty >= 0:
            raise ValueError(f"alpha_penalty must be 0 or more, got {alpha_penalty}")
        self.alpha_penalty = alpha_penalty
        self.pool = AutoPool(num_classes=len(self.classes), initial_alpha=initial_alpha, max_alpha=max_alpha)

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their auto-pooled mean."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(self.pool(curves_BTC, mask_BT), curves_BTC, mask_BT)

    def loss(self, detection: Detection, tags_BC: Tensor) -> Tensor:
        """Cross-entropy of the pooled probabilities, and the penalty where there is one."""
        loss = tagging_loss(detection.clip_probabilities_BC, tags_BC)
        return loss + self.alpha_penalty * self.pool.alpha_C.square().sum() if self.alpha_penalty > 0 else loss
