"""Dotted paths into a run's configuration: how a row's small difference changes the base.

A path skips ``init_args``: ``model.penalty_alpha`` reaches ``config["model"]["init_args"]["penalty_alpha"]`` where
``model`` is a class (has a ``class_path``, or is a bare import path), and ``config["trainer"]["max_epochs"]`` where it
is not. Setting a class (``model: some.Class``) keeps the arguments that are there; lists are replaced. Whether the
result is valid is not decided here but by one strict parse (schema.py).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Config = dict[str, Any]


def is_class_spec(value: Any) -> bool:
    """True for ``{"class_path": …}``, with or without ``init_args``."""
    return isinstance(value, dict) and "class_path" in value


def normalise(value: Any) -> Any:
    """A deep copy in which every class has an ``init_args`` mapping; ``ValueError`` for one that is something else."""
    if isinstance(value, Mapping):
        plain = {str(key): normalise(item) for key, item in value.items()}
        if "class_path" in plain:
            arguments = plain.get("init_args")
            if not (arguments is None or isinstance(arguments, dict)):
                raise ValueError(f"init_args of {plain['class_path']}: expected a mapping, got {arguments!r}")
            plain["init_args"] = arguments or {}
        return plain
    if isinstance(value, list):
        return [normalise(item) for item in value]
    return copy.deepcopy(value)


def _child(parent: Config, key: str, *, path: str) -> Config:
    """The mapping under ``key`` whose entries a dotted path goes on to; made where it is missing."""
    value = parent.get(key)
    if isinstance(value, str):  # a bare import path: a class without arguments so far
        value = parent[key] = {"class_path": value, "init_args": {}}
    if value is None:
        value = parent[key] = {}
    if not isinstance(value, dict):
        raise ValueError(f"{path}: {key!r} holds {value!r}, which has no keys")
    return value["init_args"] if is_class_spec(value) else value


def set_path(config: Config, path: str, value: Any) -> None:
    """Set one dotted path in place.

    >>> config = {"model": {"class_path": "a.MIL", "init_args": {"penalty_alpha": 0.0}}}
    >>> set_path(config, "model.penalty_alpha", 0.1)
    >>> set_path(config, "model", "a.FSL")
    >>> config
    {'model': {'class_path': 'a.FSL', 'init_args': {'penalty_alpha': 0.1}}}
    """
    *parents, last = path.split(".")
    node = config
    for key in parents:
        node = _child(node, key, path=path)
    old, new = node.get(last), normalise(value)
    if isinstance(old, str) and is_class_spec(new):
        old = {"class_path": old, "init_args": {}}
    if isinstance(old, dict) and "class_path" in old:
        new = {"class_path": new, "init_args": {}} if isinstance(new, str) else new
        if is_class_spec(new):
            new["init_args"] = {**old["init_args"], **new["init_args"]}
    node[last] = new


def unset_path(config: Config, path: str) -> None:
    """Remove one dotted path. Raises ``ValueError`` where there is nothing to remove."""
    *parents, last = path.split(".")
    node = config
    for key in parents:
        node = _child(node, key, path=path)
    if last not in node:
        raise ValueError(f"unset: {path} is not set; set here: {', '.join(sorted(node)) or 'nothing'}")
    del node[last]


def get_path(config: Config, path: str) -> Any:
    """The value at a dotted path, the class path where a class stands there, None where nothing does."""
    node: Any = config
    for key in path.split("."):
        if is_class_spec(node):
            node = node["init_args"]
        if not isinstance(node, dict) or key not in node:
            return None
        node = node[key]
    return node["class_path"] if is_class_spec(node) else node


def leaf_paths(value: Any, prefix: str = "") -> list[str]:
    """All dotted paths of a configuration, ``init_args`` skipped, classes included.

    >>> leaf_paths({"model": {"class_path": "a.MIL", "init_args": {"penalty_alpha": 0.1}}})
    ['model', 'model.penalty_alpha']
    """
    if not isinstance(value, dict):
        return [prefix]
    found = []
    if "class_path" in value:
        found, value = [prefix], value["init_args"]
    for key, item in value.items():
        found += leaf_paths(item, f"{prefix}.{key}" if prefix else key)
    return found


def shape(value: Any) -> Any:
    """A configuration with its numbers left out: what two points of a sweep have in common.

    >>> shape({"class_path": "a.MIL", "init_args": {"penalty_alpha": 0.1, "cell": "lstm"}})
    {'class_path': 'a.MIL', 'init_args': {'penalty_alpha': 'float', 'cell': 'lstm'}}
    """
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__ if isinstance(value, int | float) else value
