"""Runs from before the files of ``lightning_modules`` and ``datamodules`` were moved into wings count as they did.

``moved_files.json`` says of every module that the move touched its digest (``now``) and what it was before: ``module``
and ``then``, or nothing of a folder that is new. With it a configuration and its code get the names and digests that
they had, and so the key; code that was edited since has a digest that no run of then can have. The file is not written
again. When those runs are of no use any more, delete both files and the few lines that call this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from experiments.runs import keys
from experiments.table_files.merge import Config


@cache
def _moved() -> dict[str, dict[str, str]]:
    record: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return record


@cache
def _today() -> dict[str, str]:
    return {of["module"]: module for module, of in _moved().items() if of.get("module", module) != module}


def name_today(class_path: str) -> str | None:
    """What a class of a file that was moved is called since; None for one that was not."""
    module, _, name = class_path.rpartition(".")
    return f"{_today()[module]}.{name}" if module in _today() else None


def config_then(config: Config) -> Config:
    """A configuration with the class paths that its classes had before."""
    return {section: _renamed(value, {new: old for old, new in _today().items()}) for section, value in config.items()}


def config_today(config: Config) -> Config:
    """A configuration of then with the class paths of today."""
    return {section: _renamed(value, _today()) for section, value in config.items()}


def _renamed(value: Any, modules: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed(item, modules) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, modules) for item in value]
    if not isinstance(value, str):
        return value
    module, _, name = value.rpartition(".")
    return f"{modules[module]}.{name}" if module in modules else value


def code_then(code: Mapping[str, str]) -> dict[str, str]:
    """Digest by module as it was; of a module that was edited since, today's under the name of then."""
    before = {}
    for module, digest in code.items():
        was = _moved().get(module, {"module": module, "now": ""})
        if "module" in was:
            before[was["module"]] = was["then"] if digest == was["now"] else digest
    return dict(sorted(before.items()))


def then(
    config: Config, code: Mapping[str, str], *, key: keys.RunKey, stage: str
) -> tuple[keys.RunKey, Config, dict[str, str]]:
    """A run's key, configuration and code as they were called before."""
    config, code = config_then(config), code_then(code)
    return replace(key, config=keys.config_key(config, stage=stage), code=keys.code_key(code)), config, code
