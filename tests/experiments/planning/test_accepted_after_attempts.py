"""``--accept-code-change`` where a run with the new code was tried already, and failed or was stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.planning import judge
from experiments.planning.accepted_code import accept, not_accepted
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.runs import recipe
from experiments.runs.journal import Journal
from experiments.runs.keys import RunKey, config_key
from experiments.runs.named_files import named_files
from experiments.runs.run_folder import KEY
from experiments.table_files.spec import Row, Table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun

CONFIG = {
    "data": {"class_path": "m.D", "init_args": {"corpus": "t/tiny"}},
    "model": {"class_path": "m.M", "init_args": {"penalty": 0.1}},
}


class Store:
    """Runs in memory, found by their tags."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs: list[TrackedRun] = []

    def run_dir(self, key_id: str) -> Path:
        return self.root / key_id

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        return [run for run in self.runs if tags.items() <= run.tags.items() and set(having) <= run.tags.keys()][:limit]

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        self.runs = [replace(run, tags={**run.tags, **tags}) if run.run_id == run_id else run for run in self.runs]

    def artifact_folder(self, uri: str) -> None:
        return None

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        raise OSError("no such artifact")

    def add(self, run_id: str, key: RunKey, state: str) -> None:
        parts = {f"key.{name}": part for name, part in key.parts().items()}
        tags = {"key": key.id, **parts, "seed": str(key.seed), "row.t": "a", "scale": "demo", STATE: state}
        tags[recipe.NAME] = recipe.VERSION
        self.runs.insert(0, TrackedRun(run_id, state, tags, {}))


@pytest.fixture
def plan_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store and the plan of one cell, given the code's digest and the configuration."""
    store = Store(tmp_path)
    monkeypatch.setattr(judge.CheckedCorpora, "digest", lambda *_, **__: "data")

    def make(code: str, config: Any = CONFIG) -> Cell:
        monkeypatch.setattr(judge.keys, "code_digests", lambda *_, **__: {"mine.model": code})
        row = Row("t", "a", "", "fit", config, {})
        table = Table("t", tmp_path / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
        (cell,) = make_plan(table, cast(Tracker, store))
        return cell

    return store, make


@pytest.mark.parametrize("ending", ["failed", "stopped"])
def test_an_attempt_with_the_new_code_does_not_hide_the_run_before_it(plan_of: Any, ending: str) -> None:
    store, make = plan_of
    key = make("old").key
    store.add("first", key, "finished")
    tried = make("new")
    assert tried.state == "stale"
    store.add("second", tried.key, ending)
    store.run_dir(tried.key.id).mkdir()
    Journal(store.run_dir(tried.key.id)).state(ending, "out of memory")
    cell = make("new")
    assert cell.state == "failed"
    assert cell.why == f"{ending}: out of memory; since its last finished run code changed"
    assert accept([cell], cast(Tracker, store)) == ["t/a seed 0: kept, code changed"]
    kept = make("new")
    assert (kept.state, kept.run.run_id, kept.key) == ("finished", "first", key)
    assert accept([kept], cast(Tracker, store)) == []
    assert not_accepted([kept]) == []


def test_what_cannot_be_accepted_is_said(plan_of: Any) -> None:
    store, make = plan_of
    store.add("first", make("old").key, "finished")
    other = {**CONFIG, "model": {"class_path": "m.M", "init_args": {"penalty": 0.2}}}
    cell = make("new", other)
    assert config_key(other, stage="fit") == cell.key.config
    assert accept([cell], cast(Tracker, store)) == []
    assert not_accepted([cell]) == ["t/a seed 0: runs again, config changed; code changed"]


@pytest.mark.parametrize(("trained", "state"), [(True, "stale"), (False, "failed")])
def test_a_resume_does_not_mix_two_contents_of_a_named_file(
    plan_of: Any, tmp_path: Path, trained: bool, state: str
) -> None:
    """A run that has trained on other words than those of today is not gone on with; one that has not may begin."""
    store, make = plan_of
    words = tmp_path / "words.txt"
    words.write_text("one")
    config = {**CONFIG, "scoring": {"word_list": str(words)}}
    cell = make("code", config)
    store.add("first", cell.key, "failed")
    folder = store.run_dir(cell.key.id)
    folder.mkdir()
    (folder / KEY).write_text(json.dumps({"files": named_files(config)}))
    journal = Journal(folder)
    if trained:
        journal.metrics({"train/loss": 1.0}, step=0)
    journal.state("failed", "out of memory")
    assert make("code", config).state == "failed"
    words.write_text("another")
    edited = make("code", config)
    assert edited.state == state
    assert ("words.txt changed since t/a seed 0 ran" in edited.why) == trained
