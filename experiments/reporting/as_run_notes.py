"""What a report of runs as they were must say: that it is one, which code made which rows, and what was left out.

``§`` marks the figures of rows that other code made than most rows of the report; the lines under the table name the
commits. A plan by today's code has none of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.planning.cell import Cell, Place
from experiments.reporting.environments import places_text
from experiments.runs.recipe import NAME as RECIPE

MARK = "§"


class AsRun(NamedTuple):
    """The rows that stand apart, and the lines under the table."""

    marked: frozenset[str]
    notes: tuple[str, ...]


def as_run_notes(cells: Sequence[Cell]) -> AsRun | None:
    """Of the table's own cells; None where they were judged by today's code."""
    left_out = {cell.row.name: cell.left_out for cell in cells if cell.left_out is not None}
    if not left_out:
        return None
    made = {cell.place: _code_of(cell) for cell in cells if cell.run and cell.state == "finished"}
    by_code: dict[str, list[Place]] = {}
    for place, code in made.items():
        by_code.setdefault(code, []).append(place)
    (most, _), *_ = Counter(made.values()).most_common(1) or [("", 0)]
    marked = frozenset(place.row for place, code in made.items() if code != most)
    lines = [f"{'' if code == most else f'{MARK} '}As run with the code of {code}: {places_text(of, made)}."
             for code, of in by_code.items()]  # fmt: skip
    return AsRun(marked, (*lines, *_left_out(left_out)))


def _left_out(left_out: Mapping[str, int | None]) -> list[str]:
    others = {row: number for row, number in left_out.items() if number}
    if not others:
        return []
    says = ", ".join(f"{row} ({number})" for row, number in others.items())
    total = sum(number or 0 for number in others.values())
    return [f"As run: {total} other finished runs, of other code, configuration or data, were left out: {says}."]


def _code_of(cell: Cell) -> str:
    """Commit and recipe of a cell's run and, where they are others, of those that it stands on."""
    return " on ".join(dict.fromkeys(_codes(cell)))


def _codes(cell: Cell) -> list[str]:
    tags = cell.run.tags if cell.run else {}
    commit = f"commit {tags['git.sha'][:7]}" if tags.get("git.sha") else "an unknown commit"
    changed = " with changes on top" if tags.get("git.dirty") == "true" else ""
    recipe = f", recipe {tags[RECIPE]}" if tags.get(RECIPE) else ""
    return [f"{commit}{changed}{recipe}", *(code for other in cell.upstream.values() for code in _codes(other))]
