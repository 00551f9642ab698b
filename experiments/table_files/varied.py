"""In which settings the trained rows of a table differ: what MLflow shows as params."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from experiments.table_files.merge import get_path, leaf_paths

if TYPE_CHECKING:
    from experiments.table_files.spec import Row


def varied(rows: Collection[Row]) -> tuple[str, ...]:
    """Dotted paths in which at least two rows of stage fit differ."""
    found = []
    for path in sorted({path for row in rows for path in leaf_paths(row.config)}):
        values = {repr(get_path(row.config, path)) for row in rows if row.stage == "fit"}
        if len(values) > 1:
            found.append(path)
    return tuple(found)
