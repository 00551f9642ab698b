"""``fine_tuning:`` of a run, checked group by group, so that a mistake names its group, and against the system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from experiments.errors import UserError
from experiments.table_files.merge import Config
from lightning_modules.callbacks.fine_tuning import FineTuningPlan, GroupPlan, fine_tuned_groups

NAME = "fine_tuning"
GROUPS = f"{NAME}.groups"


def schema(config: Config, *, where: str) -> dict[str, type]:
    """The classes behind the section's mappings by dotted path, none where the run has no such section.

    Raises ``UserError`` for what is no mapping, and for a group that would begin to train after the training.
    """
    if NAME not in config:
        return {}
    groups = _mapping(_mapping(config[NAME], where=f"{where}: {NAME}").get("groups"), where=f"{where}: {GROUPS}")
    epochs = config["trainer"].get("max_epochs")
    for name, group in groups.items():
        if not name.isidentifier():
            raise UserError(f"{where}: {GROUPS}: {name!r} is no name of a group, such as encoder")
        begins = _mapping(group, where=f"{where}: {GROUPS}.{name}").get("train_from_epoch")
        if type(begins) is int and type(epochs) is int and begins >= epochs > 0:
            raise UserError(
                f"{where}: {GROUPS}.{name}.train_from_epoch {begins}: trainer.max_epochs is {epochs}, so the group "
                "would never train; say null if that is meant"
            )
    return {NAME: FineTuningPlan, **{f"{GROUPS}.{name}": GroupPlan for name in groups}}


def _mapping(value: Any, *, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a mapping, got {value!r}")
    return value


def add_arguments(parser: ArgumentParser, sections: Mapping[str, type]) -> None:
    """Arguments of the section, where ``sections`` (``schema``) has it."""
    if NAME in sections:
        parser.add_class_arguments(FineTuningPlan, NAME, skip={"groups"}, instantiate=False)
        for path, kind in sections.items():
            if path.startswith(f"{GROUPS}."):
                parser.add_class_arguments(kind, path)


def plan(objects: Namespace, *, where: str) -> FineTuningPlan | None:
    """The plan out of what was parsed and built; None without the section. Raises ``UserError``."""
    if (section := objects.get(NAME)) is None:
        return None
    try:
        made = FineTuningPlan(**{**vars(section), "groups": vars(section.groups)})
        fine_tuned_groups(objects.model, made)
    except ValueError as error:
        raise UserError(f"{where}: {NAME}: {error}") from None
    return made
