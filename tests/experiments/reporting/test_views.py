"""Saved views: what a table file may say, MLflow's format, and which runs a view shows. The page itself is looked at in
test_views_in_a_browser.py."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting import notes, views
from experiments.runs.keys import RunKey
from experiments.table_files import view_tags
from experiments.table_files.spec import TABLES, Table, read_table
from experiments.table_files.view_spec import Field, default_view, read_views
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

TINY = Path(__file__).parents[1] / "tiny.yaml"
DEFAULT = default_view([("test/wer", "WER"), ("test/f1", "F1")], lower=["test/wer"], monitor="validation/loss")


def test_a_table_without_views_has_one_made_from_its_columns() -> None:
    (view,) = read_table(str(TINY)).views
    assert view.name == "overview"
    assert [field.name for field in view.columns] == ["test/tagging_f1_macro", "test/event_f1_macro"]
    assert [(chart.kind, chart.fields[0].name) for chart in view.charts] == [
        ("bar", "test/tagging_f1_macro"), ("bar", "test/event_f1_macro"), ("line", "validation/loss"),
    ]  # fmt: skip
    assert (view.grouped, view.order_by, view.ascending) == (True, Field("metrics", "test/tagging_f1_macro"), False)


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_table_has_views_that_mlflow_can_store(path: Path) -> None:
    table = read_table(path.stem)
    for view in table.views:
        page = views.state(table, view)
        text = views.pack(views.view_name(table, view), page, created_ms=1, updated_ms=2)
        assert len(text) <= views.MAX_CHARACTERS
        assert views.unpack(text) == (f"{table.name} · {view.name} · {table.scale}", page, 1)


def test_views_change_no_run(tmp_path: Path) -> None:
    with_views = tmp_path / "tiny.yaml"
    with_views.write_text(TINY.read_text() + "views: {mine: {charts: [{bar: test/event_f1_macro}]}}\n")
    before, after = read_table(str(TINY)), read_table(str(with_views))
    assert {name: row.config for name, row in before.rows.items()} == {
        name: row.config for name, row in after.rows.items()
    }


def test_a_view_says_columns_rows_order_and_charts() -> None:
    value = {
        "mine": {
            "columns": ["test/wer", "params.data.train_minutes", "tags.corpus"],
            "rows": ["a"],
            "group": "none",
            "order": "-test/f1",
            "charts": [
                {"line": "validation/loss", "x": "step"},
                {"scatter": "test/wer", "x": "params.data.train_minutes"},
                {"parallel": ["params.data.train_minutes", "test/wer"], "label": "all"},
            ],
        }
    }
    (view,) = read_views(value, where="t.yaml", rows=["a", "b"], default=DEFAULT)
    assert [field.column for field in view.columns] == [
        "metrics.`test/wer`", "params.`data.train_minutes`", "tags.`corpus`",
    ]  # fmt: skip
    assert (view.rows, view.grouped, view.ascending) == (("a",), False, False)
    assert [chart.label for chart in view.charts] == [
        "validation/loss", "test/wer against data.train_minutes", "all",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"mine": {"colums": []}}, ["views.mine", "'colums'", "columns"]),
        ({"my view": {}}, ["views.my view", "letters"]),
        ({"mine": {"rows": ["c"]}}, ["views.mine.rows", "'c'", "a, b"]),
        ({"mine": {"rows": []}}, ["views.mine.rows", "at least one"]),
        ({"mine": {"group": "seed"}}, ["views.mine.group", "'seed'", "row, none"]),
        ({"mine": {"order": 3}}, ["views.mine.order", "3"]),
        ({"mine": {"columns": "test/wer"}}, ["views.mine.columns", "list"]),
        ({"mine": {"columns": ["a`b"]}}, ["views.mine.columns", "a`b"]),
        ({"mine": {"charts": {}}}, ["views.mine.charts", "list"]),
        ({"mine": {"charts": [{"pie": "test/wer"}]}}, ["views.mine.charts[0]", "bar, line, scatter, parallel", "pie"]),
        ({"mine": {"charts": [{"bar": "test/wer", "x": "epoch"}]}}, ["charts[0]", "'x'", "label"]),
        ({"mine": {"charts": [{"bar": "params.seed"}]}}, ["charts[0].bar", "params.seed", "a metric"]),
        ({"mine": {"charts": [{"line": "a", "x": "hour"}]}}, ["charts[0].x", "'hour'", "epoch, step, time"]),
        ({"mine": {"charts": [{"scatter": "a"}]}}, ["charts[0].x", "missing"]),
        ({"mine": {"charts": [{"parallel": ["a"]}]}}, ["charts[0].parallel", "two"]),
        ({"mine": {"charts": [{"parallel": ["a", "tags.b"]}]}}, ["charts[0].parallel", "tags.b"]),
    ],
)
def test_a_mistake_in_views_is_one_line(value: object, says: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        read_views(value, where="t.yaml", rows=["a", "b"], default=DEFAULT)
    assert "\n" not in str(caught.value)
    for text in ["t.yaml: views.", *says]:
        assert text in str(caught.value)


def test_the_keys_of_the_state_are_those_of_mlflow() -> None:
    """A snapshot: whoever changes it looks at the page in a browser again."""
    table = read_table("end_to_end")
    page = views.state(table, table.views[0], sections=["mine"])
    assert list(page) == [
        "searchFilter", "orderByKey", "orderByAsc", "startTime", "lifecycleFilter", "modelVersionFilter",
        "datasetsFilter", "selectedColumns", "columnOrder", "columnWidths", "groupBy", "groupsExpanded",
        "useGroupedValuesInCharts", "runsHiddenMode", "hideEmptyCharts", "isAccordionReordered", "compareRunSections",
        "compareRunCharts",
    ]  # fmt: skip
    assert page["groupBy"] == {
        "aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "row.end_to_end/demo"}],
    }  # fmt: skip
    assert page["searchFilter"] == "tags.`row.end_to_end/demo` != ''"
    assert (page["orderByKey"], page["orderByAsc"]) == ("metrics.`test/wer`", True)
    assert [card["type"] for card in page["compareRunCharts"]] == ["BAR", "BAR", "LINE", "SCATTER", "BAR"]
    line, scatter = page["compareRunCharts"][2:4]
    assert (line["metricKey"], line["xAxisKey"], line["selectedXAxisMetricKey"]) == (
        "validation/cer",
        "metric",
        "epoch",
    )
    assert scatter["xaxis"] == {"key": "model/parameters", "type": "METRIC"}
    assert [section["name"] for section in page["compareRunSections"] if section["display"]] == ["end_to_end"]
    assert "mine" in {section["name"] for section in page["compareRunSections"]}
    assert {card["metricSectionId"] for card in page["compareRunCharts"]} == {page["compareRunSections"][0]["uuid"]}


def test_columns_stand_in_the_views_order_with_room_for_their_names() -> None:
    table = read_table("weak_sed")
    for view in table.views:
        page = views.state(table, view)
        name, created, *own, duration = page["columnOrder"]
        assert (name, created, duration) == ("attributes.`Run Name`", "runDateAndNestInfo", "duration")
        assert own == page["selectedColumns"] == [f"metrics.`{field.name}`" for field in view.columns]
        widths = page["columnWidths"]
        assert list(widths) == page["columnOrder"]
        assert all(widths[f"metrics.`{field.name}`"] > 6.2 * len(field.name) for field in view.columns)  # as measured
        longest = max(len(row) for row in view.rows or table.rows)
        assert widths[name] > 6 * (len("Group: ") + longest) + 75  # with the marks beside it
    assert table.views[0].columns[0].name == table.columns[0].metric


def test_bars_are_sorted_where_a_view_says_no_order() -> None:
    """They stand in the order of the runs, of which a view has one."""

    def order(entry: dict[str, object]) -> tuple[str | None, bool]:
        (view,) = read_views({"v": entry}, where="t", rows=["a"], default=DEFAULT)
        return view.order_by.name if view.order_by else None, view.ascending

    bars = [{"line": "validation/loss"}, {"bar": "test/f1"}, {"bar": "test/wer"}]
    assert order({"charts": bars}) == ("test/wer", True)  # the table's first column is shown
    assert order({"columns": ["test/f1", "test/cer"], "charts": bars}) == ("test/f1", False)
    assert order({"columns": ["tags.corpus", "test/f1"], "charts": [{"line": "test/wer"}]}) == ("test/f1", False)
    assert order({"columns": ["params.lr"], "charts": [{"bar": "test/wer"}]}) == ("test/wer", True)
    assert order({"columns": ["params.lr"], "charts": []}) == (None, False)
    assert order({"columns": ["test/f1"], "charts": bars, "order": "test/wer"}) == ("test/wer", True)


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_view_of_a_shipped_table_is_in_an_order(path: Path) -> None:
    for view in read_table(path.stem).views:
        assert view.order_by is not None, view.name


def test_a_long_state_is_compressed_and_read_again() -> None:
    table = read_table("end_to_end")
    page = {**views.state(table, table.views[0]), "more": [f"section {k}" for k in range(3000)]}
    text = views.pack("long", page, created_ms=5, updated_ms=6)
    assert len(text) <= views.MAX_CHARACTERS
    assert json.loads(text)["state"].startswith("deflate;")
    assert views.unpack(text) == ("long", page, 5)
    for broken in ("{}", "[]", '{"name": "x", "state": "deflate;AAAA", "createdAt": 1}'):
        with pytest.raises(ValueError, match=r"."):
            views.unpack(broken)


def _cell(table: Table, tracker: Tracker, row: str, *, key: RunKey, state: str = "finished") -> Cell:
    tags = {"row.tiny": row, "seed": "0", "key": key.id, "earmark.state": state}
    run_id = tracker.create("sed", name=row, tags=tags)
    return Cell(table, table.rows[row], 0, key, {}, state, "", TrackedRun(run_id, state, tags, {"odd/metric": 1.0}))


def test_writing_again_updates_and_a_stale_run_leaves(earmark_home: Path) -> None:
    tracker, table = Tracker(earmark_home), read_table(str(TINY))
    old, new = (RunKey(config=name, code="", data="", seed=0, upstream="") for name in ("old", "new"))
    first = _cell(table, tracker, "mil", key=old)
    other = _cell(table, tracker, "mil_oracle", key=old)
    assert views.write_views(table, [first, other], tracker) == ""
    assert {run.tags["row.tiny/demo"] for run in tracker.find("sed", tags={}, having=["row.tiny/demo"])} == {
        "mil",
        "mil_oracle",
    }
    before = {key: value for key, value in tracker.experiment_tags("sed").items() if key.startswith(views.PREFIX)}
    second = _cell(table, tracker, "mil", key=new)
    assert views.write_views(table, [second], tracker) == ""
    after = {key: value for key, value in tracker.experiment_tags("sed").items() if key.startswith(views.PREFIX)}
    assert before.keys() == after.keys()
    (value,) = after.values()
    assert views.unpack(value)[2] == views.unpack(next(iter(before.values())))[2]  # createdAt stays
    shown = {run.run_id for run in tracker.find("sed", tags={}, having=["row.tiny/demo"])}
    assert second.run is not None
    assert other.run is not None
    assert shown == {second.run.run_id, other.run.run_id}  # the other row was not asked for, and stays
    ((_, links),) = [item for item in views.links(tracker, "http://x") if item[0] == "sed"]
    assert links[0][0] == "tiny · overview · demo"
    assert links[0][1].endswith(f"/runs?viewStateShareKey={views.view_id(table, table.views[0])}")


def test_runs_under_set_are_in_no_view(earmark_home: Path) -> None:
    table = read_table(str(TINY), overrides={"trainer.max_epochs": 3})
    assert view_tags.row_tags(table, "mil") == {}
    assert views.write_views(table, [], Tracker(earmark_home)) == ""
    assert not Tracker(earmark_home).experiment_tags("sed")


@pytest.mark.parametrize(
    ("version", "refused"), [("3.14.9", True), ("3.15.0", False), ("3.17.2", False), ("3.18.0rc1", True)]
)
def test_only_tested_versions_of_mlflow_get_views(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch, version: str, refused: bool
) -> None:
    monkeypatch.setattr(views.importlib.metadata, "version", lambda _: version)
    line = views.write_views(read_table(str(TINY)), [], Tracker(earmark_home))
    assert bool(line) == refused
    assert "\n" not in line
    assert (version in line) == refused


def test_an_outage_is_a_line_and_no_error(earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.tracking.mlflow_store import TrackingError

    def down(*_: object, **more: object) -> None:
        raise TrackingError("connection refused\nand a long story")

    tracker = Tracker(earmark_home)
    monkeypatch.setattr(tracker, "find", down)
    assert views.write_views(read_table(str(TINY)), [], tracker) == "no saved views: connection refused"


def test_a_note_has_a_section_for_each_table(earmark_home: Path) -> None:
    tracker, table = Tracker(earmark_home), read_table(str(TINY))
    for name, text in (("one", "first"), ("two", "second"), ("one", "third")):
        notes.write_note(tracker, replace(table, name=name), text)
    note = tracker.experiment_tags("sed")[notes.NOTE]
    assert "first" not in note
    assert note.index("third") < note.index("second")  # the newest stands first
    assert f"viewStateShareKey={views.view_id(replace(table, name='one'), table.views[0])}" in note


def test_a_note_that_is_full_names_the_command() -> None:
    tags = {f"{notes.PREFIX}t{k}": json.dumps({"time_ms": k, "scale": "demo", "text": str(k) * 7500}) for k in range(5)}
    note = notes.compose(tags)
    assert len(note) <= notes.MAX_CHARACTERS
    assert "4" * 7500 in note
    assert "2" * 7500 not in note
    assert "`earmark report t2 --scale demo`" in note
