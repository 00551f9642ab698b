"""Learning rate schedules that span the training take their length from ``trainer.max_epochs``.

A length that is written twice goes wrong on the first ``--set trainer.max_epochs=…``: a one-cycle schedule that is too
short ends the training with an error after hours, one that is too long never leaves its warm-up.
"""

from __future__ import annotations

from typing import Any

from experiments.errors import UserError
from experiments.table_files.merge import Config

LENGTHS = {
    "torch.optim.lr_scheduler.OneCycleLR": "total_steps",
    "torch.optim.lr_scheduler.CosineAnnealingLR": "T_max",
}


def with_length(config: Config, *, where: str) -> Config:
    """The configuration with its schedule's length filled in, where it names none and is stepped by epoch.

    ``config`` is as ``schema`` has it: classes as ``class_path`` and ``init_args``. Raises ``UserError`` for a
    one-cycle schedule that ends before the training does.
    """
    model: dict[str, Any] = config["model"]["init_args"]
    schedule, epochs = model.get("scheduler"), config["trainer"].get("max_epochs")
    if isinstance(schedule, str):
        schedule = {"class_path": schedule}
    if not isinstance(schedule, dict) or model.get("scheduler_interval", "epoch") != "epoch" or type(epochs) is not int:
        return config
    length = LENGTHS.get(str(schedule.get("class_path")))
    arguments: dict[str, Any] = schedule.get("init_args") or {}
    if length is None or (length == "total_steps" and arguments.get("epochs") is not None):
        return config
    given = arguments.get(length)
    if length == "total_steps" and type(given) is int and given < epochs:
        raise UserError(
            f"{where}: model.scheduler.total_steps {given} is below trainer.max_epochs {epochs}, and the schedule is "
            "stepped by epoch; leave it out to span the training"
        )
    filled = {**schedule, "init_args": {length: epochs, **arguments}}
    return {**config, "model": {**config["model"], "init_args": {**model, "scheduler": filled}}}
