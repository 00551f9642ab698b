"""The upper bound: the same network trained on strong labels, ``loss = mean over t, c of BCE(Y_tc, ŷ_tc)``.

It shows what weak labels cost. Its batches are of another type than the weakly supervised systems'; its validation is
theirs, on tags, with the maximum over frames as clip probability.
"""

from __future__ import annotations

from torch import Tensor

from datamodules.batches import StrongClipBatch
from lightning_modules.layers.pooling import max_pool
from lightning_modules.losses.strong import frame_loss
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.detector import SoundEventDetector


class StrongLabels(SoundEventDetector):
    """Many-to-many on Y: not weakly supervised."""

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Frame curves and their maximum."""
        curves_BTC = self.frame_probabilities(hidden_BTH)
        return Detection(max_pool(curves_BTC, mask_BT), curves_BTC, mask_BT)

    def training_step(self, batch: StrongClipBatch, batch_idx: int) -> Tensor:
        """Loss against the frames' labels. Raises ``TypeError`` for a batch without strong labels."""
        if type(batch) is not StrongClipBatch:
            raise TypeError(
                f"StrongLabels learns from strong labels: its training_step takes a StrongClipBatch, "
                f"not {type(batch).__name__} (data.train_labels must be strong)"
            )
        labelled = self.labelled(batch.clips, batch.events_B)
        detection = self.detect_labelled(labelled)
        assert detection.frame_probabilities_BTC is not None
        assert labelled.activity_BTC is not None
        loss = frame_loss(detection.frame_probabilities_BTC, labelled.activity_BTC, detection.mask_BT)
        self.log("train/loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(labelled.clip_ids))
        return loss
