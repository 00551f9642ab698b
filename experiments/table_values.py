"""Values of a table file, read strictly: mappings, lists of text, seeds. What is wrong is one line with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.errors import UserError, unknown


def read_mapping(value: Any, *, where: str, allowed: Sequence[str] | None = None) -> dict[str, Any]:
    """A mapping with text for keys, of those ``allowed`` where there are any; empty where nothing stands."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a mapping, got {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise UserError(f"{where}: key {key!r} is not text; quote it")
        if allowed is not None and key not in allowed:
            raise UserError(f"{where}: {unknown('key', key, allowed)}")
    return dict(value)


def read_texts(value: Any, *, where: str) -> tuple[str, ...]:
    """A list of text, empty where nothing stands."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UserError(f"{where}: expected a list of text, got {value!r}")
    return tuple(value)


def read_seeds(value: Any, *, where: str) -> tuple[int, ...]:
    """``seeds:`` of a table or a row: different integers >= 0, [0] where nothing stands."""
    seeds = [0] if value is None else value
    valid = isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not valid or len(set(seeds)) != len(seeds):
        raise UserError(f"{where}: seeds: expected a list of different integers >= 0, got {value!r}")
    return tuple(seeds)
