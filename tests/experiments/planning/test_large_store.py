"""A store with many runs costs a small question no more than a small one does."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.planning.cell import Cell
from experiments.planning.known_runs import ACCEPTED, KnownRuns
from experiments.reporting import views
from experiments.runs.keys import RunKey
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.columns import Column
from experiments.table_files.spec import read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.run_pages import read_pages
from experiments.tracking.tracked_run import STATE, TrackedRun
from experiments.training.curves import spread_epochs

TINY = Path(__file__).parents[1] / "tiny.yaml"


class _Store:
    """Runs, newest first, and how many of them were handed out."""

    def __init__(self, runs: Sequence[TrackedRun]) -> None:
        self.runs, self.num_read, self.untagged = list(runs), 0, set[str]()
        self.tagged: dict[str, Mapping[str, str]] = {}

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        found = [run for run in self.runs if tags.items() <= run.tags.items() and run.tags.keys() >= set(having)]
        self.num_read += len(found[:limit])
        return found[:limit]

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        assert run_id not in self.tagged, "one request a run"
        self.tagged[run_id] = tags

    def untag(self, run_id: str, tag: str) -> None:
        self.untagged.add(run_id)

    def known(self, *, num_cells: int) -> KnownRuns:
        store: Any = self
        return KnownRuns(store, num_cells=num_cells)


def _key(config: int, *, code: str = "code") -> RunKey:
    return RunKey(config=str(config), code=code, data="data", seed=0, upstream="")


def _run(age: int, key: RunKey, state: str = "finished", **more: str) -> TrackedRun:
    parts = {f"key.{name}": part for name, part in key.parts().items()}
    tags = {"key": key.id, "seed": str(key.seed), STATE: state, **parts, **more}
    return TrackedRun(str(age), state, tags, {})


@pytest.mark.parametrize("config", [0, 9999, 20_000])
def test_a_plan_of_one_cell_reads_a_handful_of_ten_thousand_runs_of_its_code(config: int) -> None:
    store = _Store([_run(age, _key(age)) for age in range(10_000)])
    found = store.known(num_cells=1).with_key("sed", _key(config))
    assert [run.run_id for run in found] == ([str(config)] if config < 10_000 else [])
    assert store.num_read <= 10


def test_a_plan_of_all_cells_reads_each_run_once() -> None:
    store = _Store([_run(age, _key(age)) for age in range(500)])
    known = store.known(num_cells=500)
    assert all(known.with_key("sed", _key(config)) for config in range(500))
    assert store.num_read == 500


@given(
    runs=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["finished", "failed", "running"]))),
    num_cells=st.integers(1, 3),
)
def test_what_decides_a_state_is_found_however_deep_it_lies(runs: list[tuple[int, str]], num_cells: int) -> None:
    """A finished run of the key, and the newest one, are what a plan looks at."""
    stored = [_run(age, _key(config), state) for age, (config, state) in enumerate(runs)]
    known = _Store(stored).known(num_cells=num_cells)
    for config in range(5):
        every = [run for run in stored if run.tags["key"] == _key(config).id]
        found = known.with_key("sed", _key(config))
        assert next((run for run in found if run.state == "finished"), None) == next(
            (run for run in every if run.state == "finished"), None
        )
        assert found[:1] == every[:1]


def test_accepted_runs_are_found_among_thousands_of_accepted_ones() -> None:
    store = _Store([_run(age, _key(age, code="old"), **{ACCEPTED + "new": "a.py"}) for age in range(5_000)])
    found = store.known(num_cells=1).accepted("sed", _key(4_321, code="new"))
    assert found is not None
    assert found.run_id == "4321"
    assert store.known(num_cells=1).accepted("sed", _key(5_000, code="new")) is None
    assert store.num_read <= 20


def test_views_of_a_few_rows_read_few_runs_and_a_stale_run_leaves() -> None:
    table = read_table(str(TINY))
    tag = views.shown_tag(table, table.views[0])
    key = _key(1)
    stale = _run(3_000, _key(0), **{tag: "mil"})
    store: Any = _Store([_run(age, _key(age + 2), **{tag: f"row{age}"}) for age in range(3_000)] + [stale])
    run = _run(4_000, key)
    cells = [Cell(table, table.rows["mil"], 0, key, {}, "finished", "", run)]
    views._tag_runs(table, cells, store)
    assert store.tagged == {"4000": views.row_tags(table, "mil")}
    assert store.untagged == {"3000"}
    assert store.num_read <= 20
    shown = replace(run, tags={**run.tags, **views.row_tags(table, "mil")})
    store.tagged = {}
    views._tag_runs(table, [replace(cells[0], run=shown)], store)
    assert not store.tagged


class _Page(list[int]):
    token: str | None = None


@given(num=st.integers(0, 3500), limit=st.none() | st.integers(1, 3500))
def test_pages_are_read_as_far_as_asked(num: int, limit: int | None) -> None:
    asked = 0

    def ask(size: int, token: str | None) -> _Page:
        nonlocal asked
        start = int(token or 0)
        page = _Page(range(start, min(start + size, num)))
        page.token = str(start + size) if start + size < num else None
        asked += len(page)
        return page

    assert read_pages(ask, limit=limit) == list(range(num))[:limit]
    assert asked == min(num, num if limit is None else limit)


def test_ids_are_read_without_any_run(earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Tracker(earmark_home)
    kept, deleted = (tracker.create("sed", name=name, tags={"key": name, "key.upstream": ""}) for name in ("a", "b"))
    tracker._client.delete_run(deleted)
    assert [run.run_id for run in tracker.find("sed", tags={"key": "a", "key.upstream": ""})] == [kept]
    monkeypatch.setattr(tracker._client, "search_runs", None)
    assert tracker.run_ids() == {kept}


def test_the_stores_own_files_are_read_where_they_lie(tmp_path: Path, stored: ModuleType) -> None:
    tracker = stored.Folders(tmp_path)
    table = stored.make_table(tmp_path, "sed", ["mil"])
    folder = tmp_path / "artifacts of & ü" / "run" / "artifacts"
    (folder / "scores").mkdir(parents=True)
    (folder / "scores" / "a.tsv").write_text("x")
    run = TrackedRun("run", "finished", {"key": "elsewhere"}, {}, artifact_uri=folder.as_uri())
    cell = Cell(table, table.rows["mil"], 0, None, {}, "finished", "", run)
    scores = StoredScores(tracker)
    assert scores.file(cell, "a.tsv") == folder / "scores" / "a.tsv"
    assert scores.file(cell, "b.tsv") is None
    assert not tracker.asked
    served = replace(cell, run=replace(run, artifact_uri="mlflow-artifacts:/1/run/artifacts"))
    assert scores.file(served, "a.tsv") is None
    assert tracker.asked == ["run/scores/a.tsv"]


def test_a_report_of_ten_thousand_runs_is_gathered_in_a_moment(tmp_path: Path, stored: ModuleType) -> None:
    from experiments.reporting.formats.report_markdown import markdown
    from experiments.reporting.report import make_report

    table = replace(
        stored.make_table(tmp_path, "sed", [f"row{k}" for k in range(2_000)]),
        columns=(Column("test/event_f1_macro", "Event F1", "higher", "percent", 1),),
    )
    run = TrackedRun("r", "finished", {"key": "k"}, {"test/event_f1_macro": 0.5})
    rows = [row for row in table.rows.values() for _ in range(5)]
    cells = [Cell(table, row, k % 5, None, {}, "finished", "", run) for k, row in enumerate(rows)]
    begin = time.process_time()
    text = markdown(make_report(table, cells))
    assert time.process_time() - begin < 3  # each row looked through all cells: 7 s and more
    assert text.count("n=") == 0
    assert "| row1999 " in text


@given(st.lists(st.integers(0, 5)))
def test_points_of_an_epoch_share_its_width(epochs: list[int]) -> None:
    """Against the definition, which counts anew at every point."""
    counted = [epoch + epochs[:k].count(epoch) / epochs.count(epoch) for k, epoch in enumerate(epochs)]
    assert spread_epochs(epochs) == counted


def test_a_hundred_thousand_points_of_a_curve_take_a_moment() -> None:
    begin = time.process_time()
    assert len(spread_epochs([k // 100 for k in range(100_000)])) == 100_000
    assert time.process_time() - begin < 2  # by counting anew: minutes
