"""torch's random numbers after a resume: dropout goes on where it was.

Lightning restores weights, optimiser and schedule, and starts the generators anew. Their state at the checkpoint is
kept in it; the next epoch begins with it, as the interrupted run would have. Kept on one process only: of several,
rank 0 alone writes checkpoints.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning
import torch


class RandomState(lightning.Callback):
    """Keeps the state of torch's generators in every checkpoint. Uninterrupted runs draw what they draw without it."""

    def __init__(self) -> None:
        self._resumed: dict[str, Any] = {}

    def on_save_checkpoint(self, trainer: lightning.Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Add the generators' states (plain tensors)."""
        if trainer.world_size == 1:
            checkpoint["random_state"] = {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}

    def on_load_checkpoint(self, trainer: lightning.Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Remember the states until the first epoch begins: what Lightning does in between draws too."""
        if trainer.world_size == 1:
            self._resumed = checkpoint.get("random_state", {})

    def on_train_epoch_start(self, *_: Any) -> None:
        """Put them back, once."""
        if self._resumed:
            torch.set_rng_state(self._resumed["cpu"])
            if len(self._resumed["cuda"]) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(self._resumed["cuda"])
        self._resumed = {}
