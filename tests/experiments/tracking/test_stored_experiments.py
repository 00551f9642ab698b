"""Experiments that somebody deleted, and homes that were moved: said in one line, and nothing goes to the old place."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import warnings
from pathlib import Path

import pytest
from mlflow import MlflowClient

from datamodules.run_warning import RunWarning
from experiments.errors import UserError
from experiments.runs.journal import Journal
from experiments.table_files.spec import Row, Table
from experiments.tracking.delivery import deliver, track
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.stored_experiments import follow_move


def _finished_run(tracker: Tracker) -> tuple[Path, str]:
    run_dir = tracker.run_dir("k")
    run_dir.mkdir(parents=True)
    track(run_dir, family="sed", name="a", tags={"key": "k"}, params={}, datasets={})
    (run_dir / "scores.txt").write_text("1")
    Journal(run_dir).state("finished")
    deliver(run_dir, tracker)
    (run,) = tracker.find("sed", tags={"key": "k"})
    return run_dir, run.run_id


def test_a_moved_or_copied_home_has_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    _, run_id = _finished_run(Tracker(tmp_path / "one"))
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    (tmp_path / "one").rename(tmp_path / "two 1")
    for name in ("two 1", "copy"):
        home = tmp_path / name
        with pytest.warns(RunWarning, match=r"^this home was .*one when its runs were made; MLflow's 1 runs "):
            tracker = Tracker(home)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RunWarning)
            tracker = Tracker(home)  # said once
        tracker.download(run_id, "scores.txt", home / "fetched")
        assert (home / "fetched" / "scores.txt").read_text() == "1"
        tracker.check_experiment("sed")
        new = tracker.create("sed", name="b", tags={"key": "b"})
        (home / "more.txt").write_text("2")
        tracker.finish(new, home, artifacts=[home / "more.txt"])
        assert list((home / "mlruns" / "artifacts").rglob("more.txt"))
    assert not (tmp_path / "one").exists()


def test_a_home_under_two_paths_has_not_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    _finished_run(Tracker(tmp_path / "one"))
    (tmp_path / "link").symlink_to(tmp_path / "one")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RunWarning)
        Tracker(tmp_path / "link")


def test_a_shared_store_whose_files_are_gone_is_refused_and_nothing_is_made_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'shared.db'}")
    one = tmp_path / "one"
    _, run_id = _finished_run(Tracker(one))
    one.rename(tmp_path / "two")
    tracker = Tracker(tmp_path / "two")
    with pytest.raises(UserError, match=rf"in {one}/mlruns/artifacts, which is not there: .* ln -s NEW '"):
        tracker.check_experiment("sed")
    with pytest.raises(UserError, match="which is not there"):
        tracker.check_files(run_id)
    assert [run.state for run in tracker.find("sed", tags={"key": "k"})] == ["finished"]  # reports go on
    assert not one.exists()


def test_a_deleted_experiment_is_named_with_what_restores_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracker = Tracker(tmp_path)
    run_dir, _ = _finished_run(tracker)
    client = MlflowClient(tracking_uri=tracker.uri)
    number = tracker.experiment_id("sed")
    client.delete_experiment(number)
    told = rf"^experiment 'sed' was deleted in MLflow.*mlflow experiments restore --experiment-id {number}$"
    with pytest.raises(UserError, match=told):
        Tracker(tmp_path).find("sed", tags={"key": "k"})
    with pytest.raises(UserError, match=told):
        deliver(run_dir, tracker)  # a courier at work, or a sync: it says so, and tries again
    client.restore_experiment(number)
    assert deliver(run_dir, tracker)
    assert [run.state for run in Tracker(tmp_path).find("sed", tags={"key": "k"})] == ["finished"]


def test_several_nodes_are_refused_on_one_machine(tmp_path: Path) -> None:
    from experiments.commands.run import _executor

    row = Row("t", "a", "", "fit", {}, {})
    table = Table("t", tmp_path / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {"num_nodes": 2}, (), ())
    with pytest.raises(UserError, match=r"^t\.yaml: machine\.num_nodes: 2 here, .*--on slurm --nodes 2$"):
        _executor(table, None, slots=None, slurm=None)  # type: ignore[arg-type]


def test_a_database_that_homes_share_keeps_the_other_homes_files(tmp_path: Path) -> None:
    """Only a home whose runs' files are in it was moved; another's stay where they are."""
    here, other = tmp_path / "a" / "mlruns", tmp_path / "b" / "mlruns"
    files = other / "artifacts" / "sed" / "run1" / "artifacts"
    files.mkdir(parents=True)
    here.mkdir(parents=True)
    location = (other / "artifacts" / "sed").as_uri()
    with contextlib.closing(sqlite3.connect(here / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT)")
        database.execute("CREATE TABLE runs (run_uuid TEXT, experiment_id INTEGER, artifact_uri TEXT)")
        database.execute("INSERT INTO experiments VALUES (1, 'sed', ?)", (location,))
        database.execute("INSERT INTO runs VALUES ('run1', 1, ?)", (f"{location}/run1/artifacts",))

    def stored() -> tuple[str, str]:
        with contextlib.closing(sqlite3.connect(here / "mlflow.db")) as database:
            (place,), (uri,) = (
                database.execute(f"SELECT {column} FROM {table}").fetchone()
                for column, table in (("artifact_location", "experiments"), ("artifact_uri", "runs"))
            )
        return place, uri

    follow_move(here)
    assert stored() == (location, f"{location}/run1/artifacts")
    (here / "artifacts" / "sed").mkdir(parents=True)
    follow_move(here)
    assert stored() == (location, f"{location}/run1/artifacts")
    shutil.move(other / "artifacts" / "sed" / "run1", here / "artifacts" / "sed" / "run1")
    with pytest.warns(RunWarning, match="point here now"):
        follow_move(here)
    assert stored()[1] == f"{(here / 'artifacts' / 'sed').as_uri()}/run1/artifacts"
