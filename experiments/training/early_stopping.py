"""Early stopping that a resume does not forget."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks.early_stopping import EarlyStopping, EarlyStoppingReason


class LastingEarlyStopping(EarlyStopping):
    """Ends a resumed training where the interrupted one had ended.

    Lightning restores what was counted, and not that it was enough (2.6.6): a run that was interrupted after its last
    epoch, while it predicted or scored, would train another. ``min_epochs`` hold as ever: Lightning too keeps the
    order to stop until they are done.
    """

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Give the order to stop again; no epoch begins after it."""
        if self.stopped_epoch > 0 or self.stopping_reason is not EarlyStoppingReason.NOT_STOPPED:
            trainer.should_stop = True
