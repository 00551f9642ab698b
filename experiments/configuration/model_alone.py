"""A system without its data: the class that a configuration names, told by hand what its data module would tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import pytorch_lightning as lightning
from jsonargparse import ArgumentError, ArgumentParser, set_parsing_settings

from experiments.configuration.parse_errors import explain
from experiments.configuration.schema import ALLOWED_IMPORTS, class_spec, linked
from experiments.errors import UserError
from experiments.table_files.merge import Config

OF_TRAINING = ("optimizer", "scheduler", "scheduler_interval")  # that a system does not need to be asked


def build_model(
    section: Config, *, facts: Mapping[str, Any], where: str, imports: Sequence[str] = ()
) -> lightning.LightningModule:
    """The system of a ``model:`` section, with the weights of its initialisation.

    ``facts`` are ``sample_rate_hz`` and ``classes`` or ``symbols``: those that its constructor asks for are given.
    Raises ``UserError`` in one line that begins with ``where``.
    """
    spec = deepcopy(class_spec(section, where=f"{where}: model"))
    given = {name: value for name, value in spec["init_args"].items() if name not in OF_TRAINING}
    allowed = [*ALLOWED_IMPORTS, *imports]
    set_parsing_settings(import_path_denylist=["*"], import_path_allowlist=allowed)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(lightning.LightningModule, "model", required=True)
    for name in linked(spec["class_path"], allowed):
        if name not in facts:
            raise UserError(f"{where}: model: {spec['class_path']} needs {name}, which is not known of this run")
        given[name] = facts[name]
    config = {"model": {"class_path": spec["class_path"], "init_args": given}}
    try:
        model = parser.instantiate(parser.parse_object(config)).model
    except (ArgumentError, TypeError, ValueError) as error:
        line = explain(str(error), config, packages=allowed, sections={}, hidden=set())
        raise UserError(f"{where}: {line}") from None
    assert isinstance(model, lightning.LightningModule)
    return model
