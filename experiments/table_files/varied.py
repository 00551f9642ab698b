"""In which settings the trained rows of a table differ: what MLflow shows as params."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from experiments.table_files.merge import get_path

if TYPE_CHECKING:
    from experiments.table_files.spec import Row


def varied(rows: Collection[Row]) -> tuple[str, ...]:
    """Dotted paths in which at least two rows of stage fit differ."""
    found = []
    for path in sorted({path for row in rows for path in _paths(row.config)}):
        values = {repr(get_path(row.config, path)) for row in rows if row.stage == "fit"}
        if len(values) > 1:
            found.append(path)
    return tuple(found)


def _paths(value: Any, prefix: str = "") -> list[str]:
    """All dotted paths of a configuration, ``init_args`` skipped, classes included."""
    if not isinstance(value, dict):
        return [prefix]
    found = []
    if "class_path" in value:
        found, value = [prefix], value["init_args"]
    for key, item in value.items():
        found += _paths(item, f"{prefix}.{key}" if prefix else key)
    return found
