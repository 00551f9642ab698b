"""``each:`` of a row: the same row after every one of some others, such as each system's curves with the true tags.

``oracle_tags: {why: "{row}, true tags", each: [fsl, mil], stage: score, from: {own: "{row}"}}`` stands for
``fsl_oracle_tags`` and ``mil_oracle_tags``; ``{row}`` in ``why``, ``from`` and ``against`` is the row each follows.
What follows a grid follows each of its points: ``mil.penalty_alpha=0.1`` has ``mil_oracle_tags.penalty_alpha=0.1``.
What follows a ``reference`` row is one too, at the same scales and seeds. Groups, charts, views and ``--rows`` may
name ``oracle_tags`` and mean all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import read_texts

EACH, PLACE = "each", "{row}"
INHERITED = ("reference", "only_at", "seeds")


def followers(
    name: str,
    entry: Mapping[str, Any],
    rows: Mapping[str, Any],
    *,
    points: Collection[str],
    taken: Collection[str],
    where: str,
) -> dict[str, Any]:
    """The rows that a row with ``each:`` stands for, by name; none of them may be of ``taken``. Raises ``UserError``.

    ``rows`` are those that can be followed, ``points`` those of them that a grid made.
    """
    place = f"{where}.{name}.{EACH}"
    rest = {key: value for key, value in entry.items() if key != EACH}
    found: dict[str, Any] = {}
    for row in read_texts(entry[EACH], where=place):
        if row not in rows:
            raise UserError(f"{place}: {unknown('row', row, rows)}")
        if not isinstance(rows[row], dict) or EACH in rows[row]:
            raise UserError(f"{place}: {row} is no row by itself; name rows without {EACH}")
        follower = _named(f"{PLACE}_{name}", row, points)
        if follower in taken or follower in found:
            raise UserError(f"{place}: two rows would be named {follower!r}")
        inherited = {key: rows[row][key] for key in INHERITED if key in rows[row]}
        why = {"why": rest["why"].replace(PLACE, row)} if isinstance(rest.get("why"), str) else {}
        placed = {key: _placed(rest[key], row, points) for key in ("from", "against") if key in rest}
        found[follower] = {**inherited, **rest, **why, **placed}
    if not found:
        raise UserError(f"{place}: name at least one row; allowed: {', '.join(rows)}")
    return found


def _named(text: str, row: str, points: Collection[str]) -> str:
    """``text`` with the row in its place; of a grid's point ``{row}_b`` is ``a_b.x=1``: its values end the name."""
    if row in points and text.startswith(PLACE):
        before, dot, values = row.partition(".")
        return f"{before}{text.removeprefix(PLACE)}{dot}{values}"
    return text.replace(PLACE, row)


def _placed(value: Any, row: str, points: Collection[str]) -> Any:
    """Names of rows with this one's in its place."""
    if isinstance(value, dict):
        return {key: _placed(item, row, points) for key, item in value.items()}
    return _named(value, row, points) if isinstance(value, str) else value
