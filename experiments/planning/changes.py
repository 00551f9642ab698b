"""What changed since a finished run of the same cell: the *why* of a stale one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.runs import keys, moved_files, recipe
from experiments.table_files.merge import Config

if TYPE_CHECKING:
    from experiments.planning.cell import Cell
    from experiments.tracking.tracked_run import TrackedRun


@dataclass(frozen=True)
class Change:
    """The older run, the parts of the key that differ, the modules of its code that do, and all of that in a line.

    ``code`` is the code part of the key that it was compared with, today's or, where files were moved, that of then.
    ``is_outdated``: it was made before training did something that it does now (``recipe.py``).
    """

    older: TrackedRun
    parts: tuple[str, ...]
    modules: tuple[str, ...]
    why: str
    code: str = ""
    is_outdated: bool = False


def find_change(
    older: TrackedRun, key: keys.RunKey, config: Config, code: Mapping[str, str], *, record: Path
) -> Change:
    """Compare a run with a planned one; ``record`` is the older run's key file, which may be gone from this disk."""
    parts = tuple(name for name, part in key.parts().items() if older.tags.get(f"key.{name}") != part)
    known = _read(record)
    modules: tuple[str, ...] = ()
    reasons = []
    for name in parts:
        detail = ""
        if name == "code":
            known_code = known.get("code")
            modules = code_changes(known_code, code, tags=older.tags) if known_code else _recipe_change(older.tags)
            detail = ": " + ", ".join(modules) if modules else ""
        elif "config" in known and name == "config":
            detail = ": " + "; ".join(config_changes(known["config"], config))
        reasons.append(f"{name} changed{detail}")
    number = (known.get("code") or older.tags).get(recipe.NAME, recipe.FIRST)
    is_outdated = bool(recipe.missed(number, commit=older.tags.get("git.sha", "")))
    return Change(older, parts, modules, "; ".join(reasons), key.code, is_outdated)


def change_of(cell: Cell, older: TrackedRun, *, record: Path) -> Change:
    """``find_change`` of a cell, as its files are called today or as they were, whichever says less."""
    assert cell.key is not None
    then = moved_files.then(cell.row.config, cell.code, key=cell.key, stage=cell.row.stage)
    forms = ((cell.key, cell.row.config, cell.code), then)
    changes = [find_change(older, *form, record=record) for form in forms]
    return min(changes, key=lambda change: (len(change.parts), len(change.modules)))


def _read(record: Path) -> dict[str, Any]:
    """A run's key file; empty where it is gone, or was torn."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def code_changes(old: Mapping[str, str], new: Mapping[str, str], *, tags: Mapping[str, str]) -> tuple[str, ...]:
    """What differs between two closures of code: the recipe in words, then modules; ``tags`` are the older run's."""
    changed = keys.differing_files(old, new)
    number = old.get(recipe.NAME, recipe.FIRST)
    return (*_recipe_change({**tags, recipe.NAME: number}), *(module for module in changed if module != recipe.NAME))


def _recipe_change(tags: Mapping[str, str]) -> tuple[str, ...]:
    number = tags.get(recipe.NAME, recipe.FIRST)
    return () if number == recipe.VERSION else (recipe.difference(number, commit=tags.get("git.sha", "")),)


def in_other_words(record: Path, config: Config) -> str:
    """Why a run stands for a configuration that is written otherwise; ``record`` as in ``find_change``."""
    known = _read(record)
    changes = config_changes(known["config"], config) if "config" in known else []
    return "the same training in other words" + (f": {'; '.join(changes)}" if changes else "")


def config_changes(old: Config, new: Config) -> list[str]:
    """``model.penalty_alpha 0.1 -> 0.2`` for every leaf that differs."""
    before, after = _leaves(old), _leaves(new)
    return [
        f"{path} {before.get(path, 'unset')} -> {after.get(path, 'unset')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        name = prefix if key in ("init_args", "class_path") else f"{prefix}.{key}".lstrip(".")
        leaves.update(_leaves(item, name))
    return leaves
