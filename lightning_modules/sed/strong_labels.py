"""The upper bound: the same network trained on strong labels, ``loss = mean over t, c of BCE(Y_tc, ŷ_tc)``.

It shows what weak labels cost. Its batches are of another type than the weakly supervised systems'; its validation is
theirs, on tags, with the maximum over frames as clip probability, and, where ``data.selection: strong`` lets it see
validation events, its loss is that of training: an epoch that is chosen by tags is no upper bound of times.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from datamodules.batches import ClipBatch, MixedClipBatch, StrongClipBatch
from lightning_modules.layers.pooling import max_pool
from lightning_modules.losses.strong import frame_loss, frame_losses
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.detector import SoundEventDetector


class StrongLabels(SoundEventDetector):
    """Many-to-many on Y: not weakly supervised."""

    def __init__(self, **shared: Any) -> None:
        super().__init__(**shared)
        self.validates_frames = False  # until a validation batch has events

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

    def validation_step(self, batch: ClipBatch | MixedClipBatch, batch_idx: int) -> None:
        """As every system's, on tags; where clips have strong labels the loss is theirs."""
        if isinstance(batch, ClipBatch):
            super().validation_step(batch, batch_idx)
            return
        clips = batch.clips
        detection = self.finite(self(clips.waveforms_BS, clips.num_samples_B), clips.clip_ids)
        self.validate_tags(detection, clips)
        assert detection.frame_probabilities_BTC is not None
        activity_BTC = self._activity(batch.events_B, num_frames=detection.mask_BT.shape[1])
        losses_B = frame_losses(detection.frame_probabilities_BTC, activity_BTC, detection.mask_BT)
        self.validation_loss.update(losses_B[batch.has_events_B])
        self.validates_frames = True

    def on_validation_epoch_end(self) -> None:
        """``validation/loss`` as ``validation/frame_loss`` too, for a monitor that must not fall back on tags."""
        if self.validates_frames:
            self.log("validation/frame_loss", self.validation_loss.compute())
        super().on_validation_epoch_end()
