"""The training step of the weakly supervised systems: tags in, and nothing that knows when.

A ``ClipBatch`` has no place for a strong label; whatever else reaches ``training_step`` is refused, so that a row of
the table that says "weak" is weak.
"""

from __future__ import annotations

from torch import Tensor

from datamodules.batches import ClipBatch
from lightning_modules.sed.detector import SoundEventDetector


class WeaklySupervised(SoundEventDetector):
    """Base of the systems that learn from weak labels only."""

    def training_step(self, batch: ClipBatch, batch_idx: int) -> Tensor:
        """Loss against the tags. Raises ``TypeError`` for a batch that carries strong labels."""
        if type(batch) is not ClipBatch:
            raise TypeError(
                f"{type(self).__name__} learns from weak labels: its training_step takes a ClipBatch, "
                f"not {type(batch).__name__} (data.train_labels must be weak)"
            )
        loss = self.loss(self.detect_finite(batch), batch.tags_BC)
        self.log("train/loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(batch.clip_ids))
        return loss
