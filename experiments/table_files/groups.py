"""``groups:`` and ``against:`` of a table file: which rows answer a question together, and what each is compared with.

``groups: {own_tags: {heading: …, rows: [mil, glu_mil], baseline: mil}}``. Stars, bold and Holm's correction are of a
group; rows that no group names come last, as one group more. ``against:`` of a row goes before its group's
``baseline``, and that before the table's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import check_name, read_mapping, read_texts

GROUP_KEYS = ("heading", "rows", "baseline")


@dataclass(frozen=True)
class Group:
    """Rows of one question under one heading; ``baseline`` None leaves it to the rows and the table."""

    name: str
    heading: str
    rows: tuple[str, ...]
    baseline: str | None = None


def read_groups(value: Any, *, where: str, rows: Sequence[str]) -> tuple[Group, ...]:
    """``groups:`` of a table file, in its order; a row is in one group at most. Raises ``UserError``."""
    groups: list[Group] = []
    placed: dict[str, str] = {}
    for name, entry in read_mapping(value, where=f"{where}: groups").items():
        place = f"{where}: groups.{name}"
        check_name(name, where=place)
        fields = read_mapping(entry, where=place, allowed=GROUP_KEYS)
        named = read_texts(fields.get("rows"), where=f"{place}.rows")
        if not named:
            raise UserError(f"{place}.rows: name at least one row; allowed: {', '.join(rows)}")
        for row in named:
            if row not in rows:
                raise UserError(f"{place}.rows: {unknown('row', row, rows)}")
            if row in placed:
                raise UserError(f"{place}.rows: {row} is in group {placed[row]} already; a row is in one group")
            placed[row] = name
        heading = fields.get("heading", name)
        if not isinstance(heading, str) or not heading.strip():
            raise UserError(f"{place}.heading: expected text, got {heading!r}")
        baseline = read_baseline(fields.get("baseline"), where=f"{place}.baseline", rows=rows)
        groups.append(Group(name, heading, named, baseline))
    return tuple(groups)


def read_baseline(value: Any, *, where: str, rows: Sequence[str]) -> str | None:
    """The row that others are compared with. Raises ``UserError``."""
    if value is not None and value not in rows:
        raise UserError(f"{where}: {unknown('row', str(value), rows)}")
    return None if value is None else str(value)


def in_groups(groups: Sequence[Group], rows: Sequence[str]) -> tuple[Group, ...]:
    """``rows`` by group: of each group those that are among them, then one without a name of all others.

    >>> [(group.heading, group.rows) for group in in_groups([Group("g", "G", ("b", "c"))], ["a", "b"])]
    [('G', ('b',)), ('Other rows', ('a',))]
    """
    placed = [replace(group, rows=tuple(row for row in group.rows if row in rows)) for group in groups]
    named = {row for group in placed for row in group.rows}
    others = Group("", "Other rows" if named else "", tuple(row for row in rows if row not in named))
    return tuple(group for group in (*placed, others) if group.rows)


def baselines(
    rows: Sequence[str], *, against: Mapping[str, str | None], groups: Sequence[Group], of_table: str | None
) -> dict[str, str]:
    """The row that each is compared with: its own, its group's, the table's; none of a row that is that row itself."""
    of_group = {row: group.baseline for group in groups for row in group.rows}
    found = {row: against.get(row) or of_group.get(row) or of_table for row in rows}
    return {row: baseline for row, baseline in found.items() if baseline is not None and baseline != row}
