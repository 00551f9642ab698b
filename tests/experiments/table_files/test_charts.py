"""``charts:`` of the kinds that show a report: rows compared, and one clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.errors import UserError
from experiments.table_files.charts import Comparison, Confused, Curves, ExampleClip, read_charts
from experiments.table_files.columns import Column
from experiments.table_files.groups import Group
from experiments.table_files.spec import read_table

COLUMNS = (
    Column("test/f1", "F1", "higher", "percent", 1),
    Column("test/f1_tuned", "F1 tuned", "higher", "percent", 1),
    Column("test/er", "ER", "lower", "number", 2),
)
GROUPS = (Group("own", "Own", ("a",)), Group("true", "True", ("b",)))


def read(entry: Any) -> Any:
    (chart,) = read_charts({"c": entry}, where="t.yaml", rows=["a", "b"], columns=COLUMNS, groups=GROUPS)
    return chart


def test_a_panel_has_one_column_or_two() -> None:
    entry = {"kind": "comparison", "columns": ["test/er", ["test/f1", "test/f1_tuned"]]}
    assert read(entry) == Comparison("c", (("test/er",), ("test/f1", "test/f1_tuned")))
    assert read({**entry, "groups": ["true"], "floors": ["a"]}).groups == ("true",)


def test_an_example_leaves_rows_and_clip_to_the_report() -> None:
    assert read({"kind": "example"}) == ExampleClip("c")
    assert read({"kind": "example", "rows": ["b", "a"], "clip": "x"}) == ExampleClip("c", ("b", "a"), "x")
    assert read({"kind": "confused", "rows": ["b"]}) == Confused("c", ("b",))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "comparison"}, "c.columns: expected a list of columns"),
        ({"kind": "comparison", "columns": ["test/f2"]}, "c.columns: unknown column 'test/f2' (did you mean 'test/f1'"),
        ({"kind": "comparison", "columns": [["test/f1", "test/er"]]}, "of different unit or good side, and share no"),
        ({"kind": "comparison", "columns": [["test/f1"] * 2]}, "a panel has one column or two different ones"),
        ({"kind": "comparison", "columns": [["test/f1", "test/f1_tuned", "test/er"]]}, "a panel has one column or two"),
        ({"kind": "comparison", "columns": [{"a": 1}]}, "c.columns: expected a list of text"),
        ({"kind": "comparison", "columns": ["test/f1"], "groups": ["owm"]}, "c.groups: unknown group 'owm' (did you"),
        ({"kind": "comparison", "columns": ["test/f1"], "floors": ["c"]}, "c.floors: unknown row 'c'"),
        ({"kind": "comparison", "columns": ["test/f1"], "rows": ["a"]}, "c: unknown key 'rows'"),
        ({"kind": "confused"}, "c.rows: expected one row or two, got []"),
        ({"kind": "example", "rows": ["c"]}, "c.rows: unknown row 'c'"),
        ({"kind": "example", "clip": 3}, "c.clip: expected text, got 3"),
    ],
)
def test_a_mistake_is_one_line(entry: Any, says: str) -> None:
    with pytest.raises(UserError) as caught:
        read(entry)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_file_has_them_beside_its_columns_and_groups(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "rows: {a: {why: w}, b: {why: w}}\ncolumns: {test/f1: {}, test/f2: {}}\n"
        "groups: {own: {rows: [a]}}\n"
        "charts: {c: {kind: comparison, columns: [[test/f1, test/f2]], groups: [own]}, e: {kind: example, rows: [a]}}\n"
    )
    assert read_table(str(path)).charts == (
        Comparison("c", (("test/f1", "test/f2"),), ("own",)),
        ExampleClip("e", ("a",)),
    )


def test_learning_curves_of_plans_with_other_batches_and_epochs_are_over_steps() -> None:
    charts = read_table("transfer_study", scale="study").charts
    curves = [chart for chart in charts if isinstance(chart, Curves)]
    assert len(curves) == 4
    assert {chart.over for chart in curves} == {"step"}
    assert all(any(row.startswith("scratch_") for row in chart.lines) for chart in curves)
