"""``views:`` of a table file: dashboards as code, each of which becomes a saved view of MLflow (``views.py``).

A view says which columns and rows it shows, how runs are grouped and ordered, and its charts. Names of metrics, params
and tags are written as MLflow's own search does: ``test/wer`` (a metric), ``params.data.train_minutes``,
``tags.corpus``. The shape is in docs/tracking.md. Neither torch nor mlflow is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import UserError, unknown
from experiments.table_files.table_values import read_mapping, read_texts

VIEW_KEYS = ("columns", "rows", "group", "order", "charts")
CHART_KEYS: Mapping[str, tuple[str, ...]] = {
    "bar": ("bar", "label"),
    "line": ("line", "label", "x"),
    "scatter": ("scatter", "label", "x"),
    "parallel": ("parallel", "label"),
}
GROUPS = ("row", "none")
LINE_X = ("epoch", "step", "time")
KINDS = ("metrics", "params", "tags")
DEFAULT_BARS = 3


@dataclass(frozen=True)
class Field:
    """A metric, a param or a tag of a run, by MLflow's name of it."""

    kind: Literal["metrics", "params", "tags"]
    name: str

    @property
    def column(self) -> str:
        """The name under which MLflow's page knows the column: ``metrics.`test/wer```."""
        return f"{self.kind}.`{self.name}`"


@dataclass(frozen=True)
class ViewChart:
    """One chart of a view.

    ``bar``: the final value of ``fields[0]``; ``line``: the course of ``fields[0]`` over ``x`` (``epoch``, ``step`` or
    ``time``); ``scatter``: ``fields[1]`` against ``fields[0]``; ``parallel``: one axis for each of ``fields``.
    """

    kind: Literal["bar", "line", "scatter", "parallel"]
    fields: tuple[Field, ...]
    label: str
    x: str = "epoch"


@dataclass(frozen=True)
class View:
    """One dashboard of a table; ``rows`` None are all, ``grouped`` is the mean over the seeds of a row.

    ``lower`` are the metrics of the table's columns of which less is better.
    """

    name: str
    columns: tuple[Field, ...]
    rows: tuple[str, ...] | None
    grouped: bool
    order_by: Field | None
    ascending: bool
    charts: tuple[ViewChart, ...]
    lower: frozenset[str] = frozenset()


def default_view(metrics: Sequence[tuple[str, str]], *, lower: Collection[str], monitor: str | None) -> View:
    """The view of a table that declares none: its columns, bars of the first, the validation metric over epochs.

    ``metrics`` are (metric, label) of the table's columns, ``lower`` those of which less is better, ``monitor`` what
    chooses the best epoch.
    """
    fields = tuple(Field("metrics", metric) for metric, _ in metrics)
    charts = [
        ViewChart("bar", (field,), label)
        for field, (_, label) in zip(fields[:DEFAULT_BARS], metrics, strict=False)
    ]  # fmt: skip
    if monitor is not None:
        charts.append(ViewChart("line", (Field("metrics", monitor),), monitor))
    first = metrics[0][0] if metrics else None
    return View(
        name="overview",
        columns=fields,
        rows=None,
        grouped=True,
        order_by=fields[0] if fields else None,
        ascending=first in lower,
        charts=tuple(charts),
        lower=frozenset(lower),
    )


def read_views(value: Any, *, where: str, rows: Collection[str], default: View) -> tuple[View, ...]:
    """``views:`` of a table file whose rows are ``rows``, at any scale; ``(default,)`` where nothing stands.

    What a view leaves out it has from ``default``. Raises ``UserError`` in one line that names file, key, value and
    what is allowed.
    """
    views = []
    for name, entry in read_mapping(value, where=f"{where}: views").items():
        place = f"{where}: views.{name}"
        if not name.isidentifier():
            raise UserError(f"{place}: name {name!r}; allowed: letters, digits and _, no digit first")
        views.append(_view(name, entry, where=place, rows=rows, default=default))
    return tuple(views) or (default,)


def _view(name: str, entry: Any, *, where: str, rows: Collection[str], default: View) -> View:
    fields = read_mapping(entry, where=where, allowed=VIEW_KEYS)
    columns = tuple(
        _field(text, where=f"{where}.columns") for text in read_texts(fields.get("columns"), where=f"{where}.columns")
    )
    names = read_texts(fields.get("rows"), where=f"{where}.rows")
    for row in names:
        if row not in rows:
            raise UserError(f"{where}.rows: {unknown('row', row, rows)}")
    if "rows" in fields and not names:
        raise UserError(f"{where}.rows: name at least one row; allowed: {', '.join(rows)}")
    group = fields.get("group", "row")
    if group not in GROUPS:
        raise UserError(f"{where}.group: {unknown('value', str(group), GROUPS)}")
    charts = default.charts
    if "charts" in fields:
        if not isinstance(fields["charts"], list):
            raise UserError(f"{where}.charts: expected a list of charts, got {fields['charts']!r}")
        charts = tuple(_chart(item, where=f"{where}.charts[{k}]") for k, item in enumerate(fields["charts"]))
    columns = columns or default.columns
    order_by, ascending = _order(fields, where=f"{where}.order", columns=columns, charts=charts, default=default)
    return View(name, columns, names or None, group == "row", order_by, ascending, charts, default.lower)


def _order(
    fields: Mapping[str, Any], *, where: str, columns: Sequence[Field], charts: Sequence[ViewChart], default: View
) -> tuple[Field | None, bool]:
    """``order: test/wer`` puts the least first, ``order: -test/wer`` the most.

    Without it the default's where the view shows that, else its first bars', else its first metric, best first: bars
    stand in the order of the runs.
    """
    if "order" not in fields:
        shown = [chart.fields[0] for chart in charts if chart.kind == "bar"]
        shown += [field for field in columns if field.kind == "metrics"]
        use = default.order_by if default.order_by in columns else next(iter(shown), None)
        return use, use is not None and use.name in default.lower
    text = fields["order"]
    if not isinstance(text, str) or not text.strip("-"):
        raise UserError(f"{where}: expected a metric, or one with - before it for the most first, got {text!r}")
    return _field(text.removeprefix("-"), where=where), not text.startswith("-")


def _chart(value: Any, *, where: str) -> ViewChart:
    fields = read_mapping(value, where=where)
    kinds = [kind for kind in CHART_KEYS if kind in fields]
    if len(kinds) != 1:
        raise UserError(f"{where}: expected one of the keys {', '.join(CHART_KEYS)}, got {', '.join(fields) or 'none'}")
    (kind,) = kinds
    fields = read_mapping(value, where=where, allowed=CHART_KEYS[kind])
    shown = _shown(fields, kind, where=where)
    label = fields.get("label", " against ".join(reversed([field.name for field in shown[:2]])))
    if not isinstance(label, str) or not label:
        raise UserError(f"{where}.label: expected text, got {label!r}")
    x = fields.get("x", "epoch") if kind == "line" else "epoch"
    if x not in LINE_X:
        raise UserError(f"{where}.x: {unknown('value', str(x), LINE_X)}")
    return ViewChart(kind, shown, label, x)  # type: ignore[arg-type]


def _shown(fields: Mapping[str, Any], kind: str, *, where: str) -> tuple[Field, ...]:
    """What a chart shows; lines and bars are of metrics alone, and no axis can be a tag."""
    value, place = fields[kind], f"{where}.{kind}"
    if kind == "parallel":
        texts = read_texts(value, where=place)
        if len(texts) < 2:
            raise UserError(f"{place}: expected at least two metrics or params, got {value!r}")
        shown = tuple(_field(text, where=place) for text in texts)
    else:
        shown = (_field(value, where=place),)
        if kind == "scatter":
            if "x" not in fields:
                raise UserError(f"{where}.x: missing; a metric or params.NAME")
            shown = (_field(fields["x"], where=f"{where}.x"), *shown)
    for field in shown:
        if field.kind == "tags" or (field.kind == "params" and kind in ("bar", "line")):
            allowed = "a metric" if kind in ("bar", "line") else "metrics and params"
            raise UserError(f"{place}: {field.kind}.{field.name}: allowed: {allowed}")
    return shown


def _field(value: Any, *, where: str) -> Field:
    """``test/wer`` and ``metrics.test/wer`` are metrics.

    >>> _field("params.data.train_minutes", where="t.yaml")
    Field(kind='params', name='data.train_minutes')
    """
    if not isinstance(value, str) or not value or "`" in value:
        raise UserError(f"{where}: expected a metric such as test/wer, params.NAME or tags.NAME, got {value!r}")
    kind, dot, name = value.partition(".")
    if dot and name and kind in KINDS:
        return Field(kind, name)  # type: ignore[arg-type]
    return Field("metrics", value)
