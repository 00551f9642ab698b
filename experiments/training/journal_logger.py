"""Lightning's logger interface onto the journal: metrics and progress as lines in the run folder, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from experiments.runs.journal import Journal
from experiments.table_files.stored_names import check_metrics


class JournalLogger(Logger):
    """Writes what ``self.log`` records; only rank 0 writes."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    @property
    def name(self) -> str:
        """Lightning's name of this logger."""
        return "journal"

    @property
    def version(self) -> str:
        """One journal a run: there are no versions."""
        return "0"

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one line with all metrics of a step. Raises ``UserError`` for one that no store would take."""
        check_metrics(metrics, step=step or 0)
        self._journal.metrics({key: float(value) for key, value in metrics.items()}, step=step or 0)

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run folder's config.yaml has them all."""


class JournalProgress(lightning.Callback):
    """Tells the journal how many training batches are done, for the launcher's bars.

    It looks at validation's names too: at Lightning's sanity check, which logs nothing, and an epoch earlier.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """One line at most twice a second."""
        if trainer.is_global_zero and trainer.max_epochs:
            per_epoch = int(trainer.num_training_batches)
            total = per_epoch * trainer.max_epochs
            self._journal.progress(trainer.fit_loop.total_batch_idx + 1, total, what=f"epoch {trainer.current_epoch}")

    def on_validation_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """Raises ``UserError`` for a metric that no store would take."""
        check_metrics(trainer.logged_metrics)
