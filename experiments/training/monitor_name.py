"""``checkpoint.monitor`` against the names that a system logs: a misspelt one ends the run before it trains."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any

import pytorch_lightning as lightning

from experiments.errors import UserError, unknown

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
