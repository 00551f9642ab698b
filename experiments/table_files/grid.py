"""``grid:`` of a row: the same row at every combination of some values, each combination a row of its own.

``mil_penalty: {why: …, grid: {model.penalty_alpha: [0.01, 0.1]}}`` stands for ``mil_penalty.penalty_alpha=0.01`` and
``mil_penalty.penalty_alpha=0.1``. Their runs are runs as any others: a point that is dropped and comes back, or that
another table has too, is not run twice. ``--rows``, charts and views may name the grid and mean all its points.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.errors import UserError
from experiments.table_files.each import EACH, followers
from experiments.table_files.folds import set_value
from experiments.table_files.table_values import read_mapping

GRID = "grid"


@dataclass(frozen=True)
class Grids:
    """The rows of a table file with its grids spelled out.

    ``entries`` are what the file says of each row, ``points`` the settings of those that a grid makes, by row and
    dotted path, and ``rows`` the rows that a grid (or a row with ``each:``) stands for, by its name.
    """

    entries: dict[str, Any]
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def named(self, value: Any) -> Any:
        """``charts:`` or ``views:`` of the file, with a grid's rows in every list that names it."""
        if isinstance(value, dict):
            return {key: self.named(item) for key, item in value.items()}
        if isinstance(value, list):
            lists = [self.rows[item] if isinstance(item, str) and item in self.rows else (item,) for item in value]
            return [name for names in lists for name in names]
        return value

    def meant_by(self, names: Sequence[str]) -> tuple[str, ...]:
        """The rows of names, a grid's in its place."""
        return tuple(point for name in names for point in self.rows.get(name, (name,)))

    def refuse_set(self, overrides: Mapping[str, Any], *, where: str) -> None:
        """Raise ``UserError`` for a ``--set`` of what a point has its name from: the name would say another value."""
        for row, point in self.points.items():
            for path in point:
                if set_value(overrides, path) is not None:
                    raise UserError(f"{where}: --set {path}: row {row} has its name from it; leave it to one of them")


def spell_out(entries: Mapping[str, Any], *, where: str) -> Grids:
    """Replace each row that has a grid by its points, one with ``each:`` by its followers. Raises ``UserError``."""
    grids = Grids({})
    for row, entry in entries.items():
        if isinstance(entry, dict) and GRID in entry:
            _add_points(grids, row, entry, entries=entries, where=where)
        else:
            grids.entries[row] = entry
    return _with_followers(grids, where=where)


def _add_points(grids: Grids, row: str, entry: Mapping[str, Any], *, entries: Mapping[str, Any], where: str) -> None:
    place = f"{where}.{row}.{GRID}"
    if EACH in entry:
        raise UserError(f"{place}: a row has {GRID} or {EACH}, not both; {EACH} may name a grid")
    rest = {key: value for key, value in entry.items() if key != GRID}
    for point in _points(entry[GRID], where=place):
        says = [f"{_leaf(path, point)}={_value_name(value, where=place)}" for path, value in point.items()]
        name = f"{row}.{'.'.join(says)}"
        if name in grids.entries or name in entries:
            raise UserError(f"{place}: two rows would be named {name!r}")
        why = {"why": f"{rest['why']}: {', '.join(says)}"} if isinstance(rest.get("why"), str) else {}
        grids.entries[name] = {**rest, **why}
        grids.points[name] = point
        grids.rows[row] = (*grids.rows.get(row, ()), name)


def _with_followers(grids: Grids, *, where: str) -> Grids:
    """What the rows with ``each:`` stand for, in their place: they may follow what the file has after them, too."""
    entries: dict[str, Any] = {}
    rows = dict(grids.rows)
    for row, entry in grids.entries.items():
        if isinstance(entry, dict) and EACH in entry:
            named = {**entry, EACH: grids.named(entry[EACH])}
            taken = {*entries, *grids.entries, *rows}
            of_row = followers(row, named, grids.entries, points=grids.points, taken=taken, where=where)
            entries.update(of_row)
            rows[row] = tuple(of_row)
        else:
            entries[row] = entry
    return Grids(entries, grids.points, rows)


def _points(value: Any, *, where: str) -> list[dict[str, Any]]:
    axes = read_mapping(value, where=where)
    for path, values in axes.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{where}.{path}: expected a list of values, got {values!r}")
    if not axes:
        raise UserError(f"{where}: expected lists of values by dotted path, such as {{model.penalty_alpha: [0, 0.1]}}")
    return [dict(zip(axes, combination, strict=True)) for combination in itertools.product(*axes.values())]


def _leaf(path: str, point: Mapping[str, Any]) -> str:
    """The last part of a dotted path, or all of it where two paths share that."""
    leaf = path.rpartition(".")[2]
    return path if sum(other.rpartition(".")[2] == leaf for other in point) > 1 else leaf


def _value_name(value: Any, *, where: str) -> str:
    """A value as a part of a row's name; a class path is named by its class."""
    if isinstance(value, dict) and isinstance(value.get("class_path"), str):
        value = value["class_path"]
    if isinstance(value, dict | list):
        raise UserError(f"{where}: {value!r} cannot name a row; a grid has numbers, texts and classes")
    if isinstance(value, str):
        value = value.rpartition(".")[2]
    text = value if isinstance(value, str) else json.dumps(value)  # true and null, as the file has them
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)
