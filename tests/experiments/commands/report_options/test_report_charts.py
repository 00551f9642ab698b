"""What a user may choose of the pictures of a report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored
from typing import Any

import pytest

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.commands.report_options.report_charts import asked
from experiments.errors import UserError
from experiments.reporting import notes, views
from experiments.table_files.charts import Comparison, Curves, ExampleClip
from experiments.table_files.spec import Table

CURVES = Curves("curves", "m", "m", "percent", {})
DECLARED = Comparison("mine", (("test/event_er",),), ("own",), ("base",))


def arguments(**given: Any) -> argparse.Namespace:
    nothing = {"charts": Path("out"), "columns": None, "example": None, "results": [], "rows": []}
    return argparse.Namespace(**{**nothing, **given})


@pytest.fixture
def table(stored: Stored, tmp_path: Path) -> Table:
    made: Table = stored.make_table(tmp_path, "sed", ["base", "late"])
    return replace(made, charts=(CURVES, DECLARED, ExampleClip("clip", ("base", "late"), "a")))


def test_columns_take_the_place_of_the_panels_that_the_table_declares(table: Table) -> None:
    chosen = asked(arguments(columns="test/event_er,test/event_f1_macro+test/tagging_f1_macro"), table, page=False)
    panels = (("test/event_er",), ("test/event_f1_macro", "test/tagging_f1_macro"))
    assert chosen.charts == (replace(DECLARED, panels=panels), CURVES, table.charts[2])
    bare = asked(arguments(columns="test/event_er"), replace(table, charts=()), page=False)
    assert bare.charts == (Comparison("comparison", (("test/event_er",),)),)


def test_an_example_takes_a_clip_or_leaves_it_to_the_rule(table: Table) -> None:
    assert asked(arguments(example="b"), table, page=True).charts[-1] == ExampleClip("clip", ("base", "late"), "b")
    chosen = asked(arguments(example="auto", rows=["late"]), table, page=True)
    assert chosen.charts[-1] == ExampleClip("clip", ("late",))
    assert asked(arguments(rows=["late"]), table, page=True).charts[-1] == ExampleClip("clip", ("late",), "a")
    assert asked(arguments(example="b"), replace(table, charts=()), page=True).charts == (
        ExampleClip("example", (), "b"),
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"columns": "test/event_f2"}, "--columns: unknown column 'test/event_f2' (did you mean"),
        ({"columns": "test/event_er+test/event_f1_macro"}, "--columns: test/event_er and test/event_f1_macro are of"),
        ({"columns": "test/event_er", "charts": None}, "--columns: says what is drawn; with --charts FOLDER or"),
        ({"example": "a", "charts": None}, "--example: says what is drawn; with --charts FOLDER or --output FILE.html"),
        ({"example": "a", "results": [Path("p")]}, "--example: not with --results; a pack of results has no sounds"),
    ],
)
def test_a_mistake_is_one_line(table: Table, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        asked(arguments(**given), table, page=False)
    assert str(caught.value).startswith(says)


def test_the_command_prints_the_comparison_and_why_there_is_no_example(
    stored: Stored, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = stored.Folders(tmp_path)
    table = replace(table, charts=(ExampleClip("clip"),))
    cells = [
        stored.make_cell(table, tracker, row, seed, {"test/event_f1_macro": 0.5, "test/event_er": 1.0})
        for row in ("base", "late")
        for seed in (0, 1)
    ]
    monkeypatch.setattr(notes, "write_note", lambda *_: None)
    monkeypatch.setattr(views, "write_views", lambda *_: "")
    monkeypatch.setattr(table_arguments, "read_plan", lambda given, **_: (table, tracker, cells))
    out = tmp_path / "out"
    assert main(["report", "t", "--charts", str(out), "--columns", "test/event_er"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(out / "comparison.png")]
    assert [line for line in said.err.splitlines() if ": charts." in line] == [
        "warning: t.yaml: charts.clip: not drawn, at no seed have all its rows (none) finished with frame curves"
    ]
