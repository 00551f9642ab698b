"""Multiple-instance learning: a clip is a bag of frames, ``ŷ_c = max_t ŷ_tc``, cross-entropy on y.

``penalty_alpha`` > 0 adds ``α y_c Σ_{l≠c} y_l max(0, cos(ŷ_:l, ŷ_:c))``, averaged over clips and classes, which keeps
the curves of co-tagged classes apart (Pellegrini & Cances, arXiv 1901.03146; their α is 0.1). "GLU x MIL" is this
system with a gated encoder.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lightning_modules.layers.pooling import max_pool
from lightning_modules.losses.mil import similarity_penalty
from lightning_modules.losses.tagging import tagging_loss
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class MIL(WeaklySupervised):
    """Maximum over frames, with or without the similarity penalty."""

    def __init__(self, *, penalty_alpha: float = 0.0, **shared: Any) -> None:
        super().__init__(**shared)
        if not penalty_alpha >= 0:
            raise ValueError(f"penalty_alpha must be 0 or more, got {penalty_alpha}")
        self.penalty_alpha = penalty_alpha

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their maximum."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(max_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)

    def loss(self, detection: Detection, tags_BC: Tensor) -> Tensor:
        """Cross-entropy of the maximum, plus ``penalty_alpha`` times the penalty where alpha is above 0."""
        assert detection.frame_probabilities_BTC is not None
        loss = tagging_loss(detection.clip_probabilities_BC, tags_BC)
        if not (self.training or self.penalty_alpha > 0):
            return loss
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.penalty_alpha > 0):
            penalty = similarity_penalty(detection.frame_probabilities_BTC, tags_BC, detection.mask_BT)
        if self.training:
            # Logged at alpha 0 too: the same figure is what the penalty's row is compared with.
            self.log(
                "train/penalty", penalty.detach(), on_step=False, on_epoch=True, sync_dist=True, batch_size=len(tags_BC)
            )
        return loss + self.penalty_alpha * penalty if self.penalty_alpha > 0 else loss
