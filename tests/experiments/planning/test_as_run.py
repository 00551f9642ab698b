"""Cells as they were run: the newest code of a row alone, whatever today's code is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.planning.as_run import as_run
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import make_report
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import CONFIG, KEY
from experiments.table_files.spec import Table, read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun

TABLE = """title: Two
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/none, batch_size: 4}}
rows:
  mil: {why: maximum}
  fsl: {why: strong}
  of_mil: {why: true tags, stage: score, from: {own: mil}}
seeds: [0, 1]
scales: {demo: {}, full: {}}
columns: {test/x: {label: X, better: higher}}
"""


class _Store:
    """Runs with folders; ``add`` makes them one millisecond apart."""

    def __init__(self, root: Path) -> None:
        self.root, self.runs = root, list[TrackedRun]()

    def add(self, row: str, seed: int, value: float, *, code: str, config: str = "c", sha: str = "a" * 40,
            of: str = "", scale: str = "demo", overrides: Mapping[str, Any] | None = None) -> str:  # fmt: skip
        key = RunKey(f"{row} {config}", code, "data", seed, of)
        tags = {f"key.{name}": part for name, part in key.parts().items()} | {
            "key": key.id, "seed": str(seed), "scale": scale, "row.two": row, "row.two/demo": row, STATE: "finished",
            "git.sha": sha, "recipe": "2", "stage": "score" if of else "fit",
        }  # fmt: skip
        now = len(self.runs)
        self.runs.insert(0, TrackedRun(f"run{now}", "finished", tags, {"test/x": value}, start_ms=now))
        folder = self.run_dir(key.id)
        folder.mkdir(parents=True)
        (folder / CONFIG).write_text(f"from: {{own: ../{of}}}\n" if of else "from: {}\n")
        config_of = {"data": {"class_path": "a.B", "init_args": {"corpus": f"tones/{code}"}}}
        (folder / KEY).write_text(json.dumps({"config": config_of}))
        (folder / "provenance.json").write_text(json.dumps({"overrides": overrides or {}}))
        return key.id

    def run_dir(self, key: str) -> Path:
        return self.root / key

    def find(self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = ()) -> list[TrackedRun]:
        return [run for run in self.runs if tags.items() <= run.tags.items() and set(having) <= run.tags.keys()]

    def beginning_with(self, text: str) -> list[TrackedRun]:
        return [run for run in self.runs if run.tags["key"].startswith(text)]


@pytest.fixture
def store(tmp_path: Path) -> _Store:
    return _Store(tmp_path / "runs")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    path = tmp_path / "two.yaml"
    path.write_text(TABLE)
    return read_table(str(path))


def _values(store: _Store, table: Table, **wanted: Any) -> dict[tuple[str, int], float]:
    _, cells = as_run(table, cast(Tracker, store), **wanted)
    return {(cell.row.name, cell.seed): cell.run.metrics["test/x"] for cell in cells if cell.run}


def test_the_newest_code_of_a_row_counts_alone(store: _Store, table: Table) -> None:
    for seed in (0, 1):
        store.add("mil", seed, 0.1, code="old")
    store.add("mil", 0, 0.5, code="new")
    store.add("fsl", 1, 0.3, code="old")
    assert _values(store, table) == {("mil", 0): 0.5, ("fsl", 1): 0.3}
    _, cells = as_run(table, cast(Tracker, store))
    assert {cell.row.name: cell.left_out for cell in cells} == {"mil": 2, "fsl": 0, "of_mil": 0}
    assert next(cell.name for cell in cells if cell.state == "missing") == "two/mil seed 1"


def test_what_is_named_twice_counts_once(store: _Store, table: Table) -> None:
    for seed in (0, 1):
        store.add("mil", seed, 0.1 + seed, code="c")
    _, cells = as_run(table, cast(Tracker, store), rows=["mil", "mil"], seeds=[0, 1, 1])
    assert [(cell.row.name, cell.seed) for cell in cells] == [("mil", 0), ("mil", 1)]


def test_other_configurations_data_and_scales_do_not_mix(store: _Store, table: Table) -> None:
    store.add("mil", 1, 0.1, code="new", config="other")
    store.add("mil", 0, 0.5, code="new")
    store.add("mil", 1, 0.7, code="new", scale="full", config="c2")
    assert _values(store, table) == {("mil", 0): 0.5}


def test_a_trial_with_set_is_not_the_tables_though_it_is_newer(store: _Store, table: Table) -> None:
    store.add("mil", 0, 0.5, code="new")
    store.add("mil", 0, 0.9, code="new", config="lr", overrides={"model.lr": 1})
    assert _values(store, table) == {("mil", 0): 0.5}


def test_a_scored_row_goes_with_the_code_of_the_trainings_that_it_stands_on(store: _Store, table: Table) -> None:
    for seed, code in enumerate(("old", "new")):
        store.add("of_mil", seed, 0.25 + seed / 4, code="scoring", of=store.add("mil", seed, 0.1, code=code))
    assert _values(store, table, rows=["of_mil"]) == {("of_mil", 1): 0.5}
    assert _values(store, table, rows=["of_mil"], seeds=[0]) == {}


def test_the_report_says_that_it_is_one_and_marks_rows_of_other_code(store: _Store, table: Table) -> None:
    store.add("mil", 0, 0.1, code="old")
    for seed in (0, 1):
        store.add("mil", seed, 0.5, code="new")
    store.add("fsl", 0, 0.3, code="new", sha="b" * 40)
    text = markdown(make_report(*as_run(table, cast(Tracker, store))))
    heading, *lines = text.splitlines()
    assert heading.endswith("mean ± std over 2 seeds · as run")
    assert "tones/new" in heading, "the data that they were run on"
    assert "As run with the code of commit aaaaaaa, recipe 2: mil." in lines
    assert "§ As run with the code of commit bbbbbbb, recipe 2: fsl." in lines
    assert "As run: 1 other finished runs, of other code, configuration or data, were left out: mil (1)." in lines
    assert [line.count("§") for line in lines if line.startswith(("| mil", "| fsl"))] == [0, 1]
