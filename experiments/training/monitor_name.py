"""``checkpoint.monitor``: a misspelt name ends the run before it trains, and an early epoch that it keeps is said."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from datamodules.run_warning import RunWarning
from experiments.errors import UserError, unknown
from experiments.training.kept_epoch import early_epoch

CLOSE = 0.85  # of difflib: a slip of the pen, not another metric


class KnownMonitor(lightning.Callback):
    """Compares the monitored name with what Lightning's sanity check logged.

    What training alone logs is not known then, nor what a system leaves out of the check, so a name is refused there if
    it is a misspelling of one that was logged; any other after the first epoch (``not_logged``).
    """

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Raises ``UserError`` during the sanity check."""
        names = sorted(trainer.callback_metrics)
        if trainer.sanity_checking and is_mistaken(self._monitor, names):
            raise not_logged(self._monitor, names)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Warns of weights that are those of an early epoch."""
        chosen = trainer.checkpoint_callback
        if not trainer.is_global_zero or trainer.interrupted or not isinstance(chosen, ModelCheckpoint):
            return
        if (path := Path(chosen.best_model_path)).is_file():
            kept = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["epoch"]
            if says := early_epoch(kept, trained=trainer.current_epoch, monitor=self._monitor):
                warnings.warn(says, RunWarning, stacklevel=2)


def is_mistaken(monitor: str, logged: Collection[str]) -> bool:
    """Whether a name that validation did not log is none that training may log.

    >>> logged = ["validation/loss", "validation/cer"]
    >>> [is_mistaken(name, logged) for name in ("validation/los", "validaton/loss", "validation/loss", "validation/f1")]
    [True, True, False, False]
    """
    return monitor not in logged and bool(difflib.get_close_matches(monitor, logged, n=1, cutoff=CLOSE))


def not_logged(monitor: str, names: Collection[str]) -> UserError:
    """The refusal, with the names that there are."""
    return UserError(f"checkpoint.monitor: {unknown('metric', monitor, sorted(names))}")
