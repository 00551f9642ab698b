"""Cells whose training is finished: found by phases, preferred by row, left alone where they train by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.commands.run import _quick
from experiments.planning import judge
from experiments.planning.accepted_code import accept
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.planning.trained_before import phases_of
from experiments.runs import keys, recipe
from experiments.runs.journal import NAME, Journal
from experiments.runs.run_folder import BEST, LAST
from experiments.table_files.row_sources import SEED, Source
from experiments.table_files.spec import Row, Table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun

MODEL = {"class_path": "m.M", "init_args": {"penalty": 0.1}}
CONFIG = {"data": {"class_path": "m.D", "init_args": {"corpus": "t/tiny"}}, "model": MODEL, "scoring": "m.S"}
NOISY = {"class_path": "m.D", "init_args": {"corpus": "t/tiny", "noise_folder": "noises"}}


class Store:
    """Runs in memory, found by their tags; their files are in their folders or nowhere."""

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

    def artifact_folder(self, uri: str) -> Path:
        return self.root / "artifacts of nobody"

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        raise OSError("no such artifact")

    def add(self, cell: Cell, run_id: str, **more: str) -> None:
        """The finished run of a cell, with predictions and weights."""
        assert cell.key is not None
        parts = {f"key.{name}": part for name, part in cell.key.parts().items()}
        tags = {"key": cell.key.id, **parts, "seed": "0", f"row.{cell.table.name}": cell.row.name, "scale": "demo"}
        phases = phases_of(cell).tags() if cell.row.stage == "fit" else {}
        tags |= {STATE: "finished", recipe.NAME: recipe.VERSION, **phases, **more}
        self.runs.insert(0, TrackedRun(run_id, "finished", tags, {}, start_ms=len(self.runs)))
        folder = self.run_dir(cell.key.id)
        (folder / "predictions").mkdir(parents=True)
        (folder / BEST).parent.mkdir()
        (folder / BEST).touch()
        Journal(folder).state("finished")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(judge.CheckedCorpora, "digest", lambda *_, **__: "data")
    monkeypatch.setattr(judge.keys, "code_digests", lambda *_, **__: {"m": "1"})
    return Store(tmp_path)


def _rows(scoring: Any = "m.S", *, seed_scoring: Any = None, penalty: float = 0.1) -> dict[str, Row]:
    """``tuned`` starts from the weights of ``a``, ``oracle`` scores its predictions."""
    model = {**MODEL, "init_args": {"penalty": penalty}}
    config = {**CONFIG, "model": model, "scoring": scoring}
    seed = {**config, "scoring": seed_scoring or scoring}
    source = Source("t", "a", None)
    return {
        "a": Row("t", "a", "", "fit", seed, {}),
        "tuned": Row("t", "tuned", "", "fit", {**config, "fine_tuning": {}}, {SEED: source}),
        "oracle": Row("t", "oracle", "", "score", {"data": CONFIG["data"], "scoring": "m.O"}, {"own": source}),
    }


def _plan(store: Store, rows: Mapping[str, Row]) -> dict[str, Cell]:
    table = Table("t", store.root / "t.yaml", "T", "sed", "demo", dict(rows), (0,), (), {}, (), ())
    return {cell.row.name: cell for cell in make_plan(table, cast(Tracker, store))}


def _finish(store: Store) -> dict[str, Cell]:
    for name in _rows():
        store.add(_plan(store, _rows())[name], name)
    cells = _plan(store, _rows())
    assert [cell.state for cell in cells.values()] == ["finished"] * 3
    return cells


def test_what_stands_on_a_training_stands_when_it_is_scored_otherwise(store: Store) -> None:
    before = _finish(store)
    cells = _plan(store, _rows(seed_scoring="m.Other"))
    assert (cells["a"].state, cells["tuned"].state, cells["oracle"].state) == ("unscored", "finished", "finished")
    assert cells["a"].why == "trained, not scored so: config changed"
    assert cells["a"].key != before["a"].key
    store.add(cells["a"], "again", trained_as=before["a"].key.id, predicted_as=before["a"].key.id)  # type: ignore[union-attr]
    after = _plan(store, _rows(seed_scoring="m.Other"))
    assert [cell.state for cell in after.values()] == ["finished"] * 3
    assert after["tuned"].key == before["tuned"].key
    assert after["oracle"].key == before["oracle"].key


def test_new_predictions_outdate_what_reads_them_and_not_what_starts_from_the_weights(store: Store) -> None:
    before = _finish(store)
    assert before["a"].key is not None
    (store.run_dir(before["a"].key.id) / "predictions").rmdir()
    cells = _plan(store, _rows(seed_scoring="m.Other"))
    assert (cells["a"].state, cells["tuned"].state, cells["oracle"].state) == ("unpredicted", "finished", "stale")
    assert "its predictions are gone" in cells["a"].why
    (store.run_dir(before["a"].key.id) / BEST).unlink()
    gone = _plan(store, _rows(seed_scoring="m.Other"))["a"]
    assert (gone.state, gone.trained) == ("missing", None)
    assert "trained before, but weights and predictions of a are gone" in gone.why


def test_rescoring_leaves_what_has_to_train_and_what_stands_on_it(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    _finish(store)
    assert [cell.row.name for cell in _quick(list(_plan(store, _rows("m.Other")).values()))] == ["a", "tuned", "oracle"]
    assert capsys.readouterr().err == ""
    trains = _rows("m.Other", penalty=0.2)
    assert _quick(list(_plan(store, trains).values())) == []
    assert "left, 3 cells that need training or data: t/a seed 0, " in capsys.readouterr().err


def test_another_row_of_the_same_training_serves_and_the_rows_own_is_preferred(store: Store) -> None:
    a = _rows()["a"]
    store.add(_plan(store, {"a": a})["a"], "first")
    twin = replace(a, name="b", config={**a.config, "scoring": "m.Other"})
    found = _plan(store, {"a": a, "b": twin})["b"]
    assert (found.state, found.trained and found.trained.run.run_id) == ("unscored", "first")
    cell = _plan(store, {"b": twin})["b"]
    store.add(cell, "second")  # it was trained by itself, in a home that knew no better
    for name, run in (("a", "first"), ("b", "second")):
        row = replace(a, name=name, config={**a.config, "scoring": "m.Third"})
        found = _plan(store, {name: row})[name]
        assert found.trained is not None
        assert found.trained.run.run_id == run


def test_a_training_that_has_begun_goes_on(store: Store) -> None:
    a = _rows()["a"]
    store.add(_plan(store, {"a": a})["a"], "first")
    other = replace(a, config={**a.config, "scoring": "m.Other"})
    cell = _plan(store, {"a": other})["a"]
    assert cell.key is not None
    (store.run_dir(cell.key.id) / LAST).parent.mkdir(parents=True)
    (store.run_dir(cell.key.id) / LAST).touch()
    cell = _plan(store, {"a": other})["a"]
    assert (cell.state, cell.trained) == ("stale", None)


@pytest.mark.parametrize("ending", ["failed", "stopped", "started"])
def test_a_training_whose_scoring_failed_is_not_trained_again(store: Store, ending: str) -> None:
    a = _rows()["a"]
    other = replace(a, config={**a.config, "scoring": "m.Other"})
    first = _plan(store, {"a": a})["a"]
    assert first.key is not None
    store.add(first, "first")
    store.runs = [replace(run, state="failed", tags={**run.tags, STATE: "failed"}) for run in store.runs]
    folder = store.run_dir(first.key.id)
    (folder / NAME).unlink()
    Journal(folder).state("started")
    Journal(folder).state(ending)  # before its predictions were written
    assert _plan(store, {"a": other})["a"].state == "missing"
    Journal(folder).state("started")
    Journal(folder).fitted({"model/parameters": 3.0}, step=7)
    Journal(folder).state("failed")
    cell = _plan(store, {"a": other})["a"]
    assert (cell.state, cell.weights_of) == ("unscored", first.key.id)
    assert cell.why.startswith("trained, not scored so: that run failed in its scoring; ")
    own = _plan(store, {"a": a})["a"]
    assert (own.state, own.trained) == ("failed", None)  # it goes on by itself
    Journal(folder).state("started")  # as now: its predictions are being written again
    assert _plan(store, {"a": other})["a"].state == "missing"


def test_a_finished_training_is_preferred_to_one_that_failed(store: Store) -> None:
    a = _rows()["a"]
    first = _plan(store, {"a": a})["a"]
    assert first.key is not None
    store.add(first, "first")
    twin = replace(a, config={**a.config, "scoring": "m.Other"})
    second = _plan(store, {"a": twin})["a"]
    assert second.key is not None
    store.add(second, "second")
    Journal(store.run_dir(second.key.id)).fitted({}, step=1)
    newest = store.runs[0]
    store.runs[0] = replace(newest, state="failed", tags={**newest.tags, STATE: "failed"})
    third = _plan(store, {"a": replace(a, config={**a.config, "scoring": "m.Third"})})["a"]
    assert third.trained is not None
    assert third.trained.run.run_id == "first"


def test_scoring_after_an_accepted_change_of_training_code_is_done_on_the_old_training(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = _rows()["a"]
    first = _plan(store, {"a": a})["a"]
    store.add(first, "first")
    monkeypatch.setattr(judge.keys, "code_digests", lambda *_, **__: {"m": "2"})
    stale = _plan(store, {"a": a})["a"]
    assert stale.state == "stale"
    assert accept([stale], cast(Tracker, store)) == ["t/a seed 0: kept, code changed"]
    other = replace(a, config={**a.config, "scoring": "m.Other"})
    cell = _plan(store, {"a": other})["a"]
    assert cell.state == "unscored"
    assert cell.trained is not None
    assert cell.trained.accepted == "modules unknown here"
    assert cell.weights_of == first.key.id  # type: ignore[union-attr]
    assert keys.upstream_key({"seed": cell.weights_of}) == keys.upstream_key({"seed": first.weights_of})


def test_noises_that_are_gone_stop_trainings_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = {name: replace(row, config={**row.config, "data": NOISY}) for name, row in _rows().items()}
    monkeypatch.setattr(judge, "lacking", lambda config: "")
    store.add(_plan(store, noisy)["a"], "a")
    monkeypatch.setattr(judge, "lacking", lambda config: f"{judge.NOISE}none" if config["data"] == NOISY else "")
    other = {name: replace(row, config={**row.config, "scoring": "m.Other"}) for name, row in noisy.items()}
    cells = _plan(store, other)
    assert [cell.state for cell in cells.values()] == ["unscored", "missing", "missing"]
    assert {name for name, cell in cells.items() if cell.lacks_files} == {"tuned"}  # the scoring trains nothing
