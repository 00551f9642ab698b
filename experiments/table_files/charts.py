"""``charts:`` of a table file: pictures of the whole table, declared beside the rows that they show.

Two kinds, both with a ``metric``, its ``label`` and its ``unit`` (as columns have them):

- ``curves``: a metric of training over epochs, a line for each of ``rows`` (default: every row that trains);
- ``against``: a final metric against a numeric setting ``x`` of the rows, a line for each of ``lines``.

``chart_drawing.py`` draws them. Neither torch nor mlflow is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import read_mapping, read_texts

Unit = Literal["percent", "number"]
KEYS = {
    "curves": ("kind", "metric", "label", "unit", "rows"),
    "against": ("kind", "metric", "label", "unit", "x", "x_label", "lines"),
}


@dataclass(frozen=True)
class Chart:
    """A picture of one metric; ``unit`` percent multiplies rates by 100. ``lines`` are rows by the name of a line."""

    name: str
    metric: str
    label: str
    unit: Unit
    lines: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Curves(Chart):
    """A metric over epochs: a line is one row's mean over seeds. No ``lines``: every row that trains has one."""


@dataclass(frozen=True)
class Against(Chart):
    """A final metric against the rows' setting at the dotted path ``x``: a line goes through its rows."""

    x: str
    x_label: str


def read_charts(value: Any, *, where: str, rows: Collection[str]) -> tuple[Chart, ...]:
    """``charts:`` of a table file whose rows are ``rows``, at any scale.

    Raises ``UserError`` in one line for an unknown key, kind, unit or row, and for a key that is missing.

    >>> value = {"cer": {"kind": "curves", "metric": "validation/cer", "rows": ["scratch"]}}
    >>> read_charts(value, where="t.yaml", rows=["scratch"])  # doctest: +NORMALIZE_WHITESPACE
    (Curves(name='cer', metric='validation/cer', label='validation/cer', unit='percent',
            lines={'scratch': ('scratch',)}),)
    """
    charts = []
    for name, entry in read_mapping(value, where=f"{where}: charts").items():
        place = f"{where}: charts.{name}"
        if not name.isidentifier():  # it names a file
            raise UserError(f"{place}: name {name!r}; allowed: letters, digits and _, no digit first")
        charts.append(_chart(name, entry, where=place, rows=rows))
    return tuple(charts)


def _chart(name: str, entry: Any, *, where: str, rows: Collection[str]) -> Chart:
    kind = read_mapping(entry, where=where).get("kind")
    if kind not in KEYS:
        raise UserError(f"{where}.kind: {unknown('kind', str(kind), KEYS)}")
    fields = read_mapping(entry, where=where, allowed=KEYS[kind])
    metric = _text(fields, "metric", where=where)
    label = _text(fields, "label", where=where, default=metric)
    unit = fields.get("unit", "percent")
    if unit not in ("percent", "number"):
        raise UserError(f"{where}.unit: {unknown('value', str(unit), ('percent', 'number'))}")
    if kind == "curves":
        curves = _rows(fields.get("rows"), where=f"{where}.rows", rows=rows)
        return Curves(name, metric, label, unit, {row: (row,) for row in curves})
    lines = {
        line: _rows(names, where=f"{where}.lines.{line}", rows=rows)
        for line, names in read_mapping(fields.get("lines"), where=f"{where}.lines").items()
    }
    if not lines or not all(lines.values()):
        raise UserError(f"{where}.lines: expected lines of at least one row each, such as {{scratch: [scratch_10]}}")
    x = _text(fields, "x", where=where)
    return Against(name, metric, label, unit, lines, x, _text(fields, "x_label", where=where, default=x))


def _rows(value: Any, *, where: str, rows: Collection[str]) -> tuple[str, ...]:
    names = read_texts(value, where=where)
    for number, row in enumerate(names):
        if row not in rows:
            raise UserError(f"{where}: {unknown('row', row, rows)}")
        if row in names[:number]:
            raise UserError(f"{where}: row {row!r} stands there twice; once is allowed")
    return names


def _text(fields: Mapping[str, Any], key: str, *, where: str, default: str | None = None) -> str:
    value = fields.get(key, default)
    if not isinstance(value, str) or not value:
        raise UserError(f"{where}.{key}: expected text, got {value!r}" if key in fields else f"{where}.{key}: missing")
    return value
