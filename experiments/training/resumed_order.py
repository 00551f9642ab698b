"""The order of training batches after a resume."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning


class ResumedOrder(lightning.Callback):
    """Gives the first epoch after a resume its own batches.

    Lightning builds the loader's iterator before it tells the sampler the epoch, and on a resume keeps it: that epoch
    would get epoch 0's batches (2.6.6). An iterator made anew, once the epoch is set, has the right ones.
    """

    def __init__(self) -> None:
        self._renewed = False

    def on_train_epoch_start(self, trainer: lightning.Trainer, *args: Any) -> None:
        """Renew the iterator in the first epoch that this process trains, if it is not epoch 0."""
        if trainer.current_epoch and not self._renewed:
            iter(trainer.fit_loop._data_fetcher)  # type: ignore[arg-type]
        self._renewed = True
