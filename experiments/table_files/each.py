"""``each:`` of a row: the same row after every one of some others, such as each system's curves with the true tags.

``oracle_tags: {why: "{row}, true tags", each: [fsl, mil], stage: score, from: {own: "{row}"}}`` stands for
``fsl_oracle_tags`` and ``mil_oracle_tags``; ``{row}`` in ``why``, ``from`` and ``against`` is the row each follows.
What follows a grid follows each of its points: ``mil.penalty_alpha=0.1`` has ``mil_oracle_tags.penalty_alpha=0.1``.
What follows a ``reference`` row is one too, and is there at the same scales. Groups, charts, views and ``--rows`` may
name ``oracle_tags`` and mean all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import read_texts

EACH, PLACE = "each", "{row}"
INHERITED = ("reference", "only_at")


def followers(name: str, entry: Mapping[str, Any], rows: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The rows that a row with ``each:`` stands for, by name. Raises ``UserError``."""
    place = f"{where}.{name}.{EACH}"
    rest = {key: value for key, value in entry.items() if key != EACH}
    found: dict[str, Any] = {}
    for row in read_texts(entry[EACH], where=place):
        if row not in rows:
            raise UserError(f"{place}: {unknown('row', row, rows)}")
        if not isinstance(rows[row], dict) or EACH in rows[row]:
            raise UserError(f"{place}: {row} is no row by itself; name rows without {EACH}")
        if (follower := _named(name, row)) in rows or follower in found:
            raise UserError(f"{place}: two rows would be named {follower!r}")
        inherited = {key: rows[row][key] for key in INHERITED if key in rows[row]}
        placed = {key: _placed(rest[key], row) for key in ("why", "from", "against") if key in rest}
        found[follower] = {**inherited, **rest, **placed}
    if not found:
        raise UserError(f"{place}: name at least one row; allowed: {', '.join(rows)}")
    return found


def _named(name: str, row: str) -> str:
    """``row_name``; of a point of a grid what stands before its values, so that these end the name."""
    before, dot, values = row.partition(".")
    return f"{before}_{name}{dot}{values}"


def _placed(value: Any, row: str) -> Any:
    """Texts with the row's name in its place."""
    if isinstance(value, dict):
        return {key: _placed(item, row) for key, item in value.items()}
    return value.replace(PLACE, row) if isinstance(value, str) else value
