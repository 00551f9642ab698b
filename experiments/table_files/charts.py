"""``charts:`` of a table file: pictures of the whole table, declared beside the rows that they show.

Two kinds have a ``metric``, its ``label`` and its ``unit`` (as columns have them), and ``chart_drawing.py`` draws them:

- ``curves``: a metric of training ``over`` epochs or optimiser steps, a line for each of ``rows`` (default: every row
  that trains);
- ``against``: a final metric against a numeric setting ``x`` of the rows, a line for each of ``lines``.

Two show what the report has, and ``pictures/`` draws them:

- ``comparison``: all rows of ``groups`` in the ``columns`` of the table, a panel each or two in one;
- ``example``: one test clip as some ``rows`` hear it;
- ``confused``: the pairs of classes that one or two ``rows`` mix up most.

Neither torch nor mlflow is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.columns import Column
from experiments.table_files.groups import Group
from experiments.table_files.table_values import read_mapping, read_texts

Unit = Literal["percent", "number"]
Over = Literal["epoch", "step"]
KEYS = {
    "curves": ("kind", "metric", "label", "unit", "rows", "over"),
    "against": ("kind", "metric", "label", "unit", "x", "x_label", "lines"),
    "comparison": ("kind", "columns", "groups", "floors"),
    "example": ("kind", "rows", "clip"),
    "confused": ("kind", "rows"),
}
COLUMNS_A_PANEL = ROWS_CONFUSED = 2


@dataclass(frozen=True)
class Chart:
    """A picture, which has the name of its file."""

    name: str


@dataclass(frozen=True)
class MetricChart(Chart):
    """A picture of one metric; ``unit`` percent multiplies rates by 100. ``lines`` are rows by the name of a line."""

    metric: str
    label: str
    unit: Unit
    lines: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Curves(MetricChart):
    """A metric of training: a line is one row's mean over seeds. No ``lines``: every row that trains has one."""

    over: Over = "epoch"


@dataclass(frozen=True)
class Against(MetricChart):
    """A final metric against the rows' setting at the dotted path ``x``: a line goes through its rows."""

    x: str
    x_label: str


@dataclass(frozen=True)
class Comparison(Chart):
    """Rows as dots with their intervals: a panel for the metrics of each of ``panels``.

    ``floors`` are rows whose means go through their group as dashed lines. No ``groups``: all of the table's.
    """

    panels: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...] = ()
    floors: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExampleClip(Chart):
    """One test clip under the curves and events of some rows; ``clip`` None and no ``rows`` leave it to the report."""

    rows: tuple[str, ...] = ()
    clip: str | None = None


@dataclass(frozen=True)
class Confused(Chart):
    """The classes that one or two rows find where others sound."""

    rows: tuple[str, ...]


def read_charts(
    value: Any, *, where: str, rows: Collection[str], columns: Sequence[Column] = (), groups: Sequence[Group] = ()
) -> tuple[Chart, ...]:
    """``charts:`` of a table file whose rows are ``rows``, at any scale, with its ``columns`` and ``groups``.

    Raises ``UserError`` in one line for an unknown key, kind, unit, row, column or group, and for a missing key.

    >>> value = {"cer": {"kind": "curves", "metric": "validation/cer", "rows": ["scratch"]}}
    >>> read_charts(value, where="t.yaml", rows=["scratch"])  # doctest: +NORMALIZE_WHITESPACE
    (Curves(name='cer', metric='validation/cer', label='validation/cer', unit='percent',
            lines={'scratch': ('scratch',)}, over='epoch'),)
    """
    charts: list[Chart] = []
    for name, entry in read_mapping(value, where=f"{where}: charts").items():
        place = f"{where}: charts.{name}"
        if not name.isidentifier():  # it names a file
            raise UserError(f"{place}: name {name!r}; allowed: letters, digits and _, no digit first")
        kind = read_mapping(entry, where=place).get("kind")
        if kind not in KEYS:
            raise UserError(f"{place}.kind: {unknown('kind', str(kind), KEYS)}")
        fields = read_mapping(entry, where=place, allowed=KEYS[kind])
        if kind == "comparison":
            charts.append(_comparison(name, fields, where=place, rows=rows, columns=columns, groups=groups))
        elif kind == "example":
            clip = _text(fields, "clip", where=place) if "clip" in fields else None
            charts.append(ExampleClip(name, _rows(fields.get("rows"), where=f"{place}.rows", rows=rows), clip))
        elif kind == "confused":
            of_rows = _rows(fields.get("rows"), where=f"{place}.rows", rows=rows)
            if not 1 <= len(of_rows) <= ROWS_CONFUSED:
                raise UserError(f"{place}.rows: expected one row or two, got {list(of_rows)}")
            charts.append(Confused(name, of_rows))
        else:
            charts.append(_metric_chart(name, kind, fields, where=place, rows=rows))
    return tuple(charts)


def read_panels(value: Any, *, where: str, columns: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
    """Panels of metrics: ``[a, [b, c]]`` has ``b`` and ``c``, of one unit and one good side, in the second panel.

    Raises ``UserError``.
    """
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: expected a list of columns, two of one panel in a list of their own, got {value!r}")
    known = {column.metric: column for column in columns}
    panels = [read_texts(panel if isinstance(panel, list) else [panel], where=where) for panel in value]
    for panel in panels:
        if not 1 <= len(panel) <= COLUMNS_A_PANEL or len(set(panel)) < len(panel):
            raise UserError(f"{where}: a panel has one column or two different ones, got {list(panel)}")
        for metric in panel:
            if metric not in known:
                raise UserError(f"{where}: {unknown('column', metric, known)}")
        if len({(known[metric].unit, known[metric].better) for metric in panel}) > 1:
            raise UserError(f"{where}: {' and '.join(panel)} are of different unit or good side, and share no axis")
    return tuple(panels)


def _comparison(
    name: str,
    fields: Mapping[str, Any],
    *,
    where: str,
    rows: Collection[str],
    columns: Sequence[Column],
    groups: Sequence[Group],
) -> Comparison:
    panels = read_panels(fields.get("columns"), where=f"{where}.columns", columns=columns)
    named = read_texts(fields.get("groups"), where=f"{where}.groups")
    for group in named:
        if group not in (known := [group.name for group in groups]):
            raise UserError(f"{where}.groups: {unknown('group', group, known)}")
    return Comparison(name, panels, named, _rows(fields.get("floors"), where=f"{where}.floors", rows=rows))


def _metric_chart(name: str, kind: str, fields: Mapping[str, Any], *, where: str, rows: Collection[str]) -> MetricChart:
    metric = _text(fields, "metric", where=where)
    label = _text(fields, "label", where=where, default=metric)
    unit = fields.get("unit", "percent")
    if unit not in ("percent", "number"):
        raise UserError(f"{where}.unit: {unknown('value', str(unit), ('percent', 'number'))}")
    if kind == "curves":
        curves = _rows(fields.get("rows"), where=f"{where}.rows", rows=rows)
        over = fields.get("over", "epoch")
        if over not in ("epoch", "step"):
            raise UserError(f"{where}.over: {unknown('value', str(over), ('epoch', 'step'))}")
        return Curves(name, metric, label, unit, {row: (row,) for row in curves}, over)
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
