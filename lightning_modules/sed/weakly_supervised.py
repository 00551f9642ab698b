"""The training step of the weakly supervised systems: tags in, and nothing that knows when.

A ``ClipBatch`` has no place for a strong label; whatever else reaches ``training_step`` is refused, so that a row of
the table that says "weak" is weak.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from datamodules.batches import ClipBatch
from lightning_modules.layers.labelled_features import LabelledFeatures
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.detector import SoundEventDetector

FROM_TAGS = "learnt_from_tags"  # the checkpoint's: classes and features of a system that has seen tags alone


class WeaklySupervised(SoundEventDetector):
    """Base of the systems that learn from weak labels only."""

    def training_step(self, batch: ClipBatch, batch_idx: int) -> Tensor:
        """Loss against the tags. Raises ``TypeError`` for a batch that carries strong labels."""
        if type(batch) is not ClipBatch:
            raise TypeError(
                f"{type(self).__name__} learns from weak labels: its training_step takes a ClipBatch, "
                f"not {type(batch).__name__} (data.train_labels must be weak)"
            )
        labelled = self.labelled(batch)
        loss = self.training_loss(self.detect_labelled(labelled), labelled)
        self.log("train/loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(batch.clip_ids))
        return loss

    def training_loss(self, detection: Detection, labelled: LabelledFeatures) -> Tensor:
        """What is lowered: the loss against the tags."""
        return self.loss(detection, labelled.tags_BC)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say that these weights come of tags alone, and of what: a network that labels for another run must."""
        checkpoint[FROM_TAGS] = {"classes": list(self.classes), **self.heard_through}
