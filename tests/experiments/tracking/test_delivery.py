from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.runs.journal import NAME, Journal, final_state
from experiments.runs.run_folder import LOCK, SLURM_JOB, TRACKED, locked
from experiments.tracking.courier import Courier
from experiments.tracking.delivery import close_dead, deliver, is_delivered, track
from experiments.tracking.mlflow_store import Tracker, TrackingError

from ..fake_store import FakeStore


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "k1"
    folder.mkdir(parents=True)
    track(
        folder, family="sed", name="mil seed 0", tags={"key": "k1", "git.sha": "a"}, params={"row": "mil"}, datasets={}
    )
    return folder


def _as_tracker(store: FakeStore) -> Tracker:
    return cast(Tracker, store)


def _only(store: FakeStore) -> dict[str, Any]:
    (run,) = store.runs.values()
    return run


def test_a_run_is_delivered_line_by_line_and_once(run_dir: Path, store: FakeStore) -> None:
    journal, tracker = Journal(run_dir), _as_tracker(store)
    journal.state("started")
    journal.metrics({"train/loss": 0.5}, step=1)
    assert not deliver(run_dir, tracker)
    assert _only(store)["state"] == "running"
    journal.metrics({"test/wer": 0.25}, step=0)
    journal.state("finished")
    assert not is_delivered(run_dir, tracker, present={"run0"})
    assert deliver(run_dir, tracker)
    assert is_delivered(run_dir, tracker, present={"run0"})
    assert not is_delivered(run_dir, tracker, present={"another"})
    assert deliver(run_dir, tracker)
    assert _only(store)["points"] == [("train/loss", 1, 0.5), ("test/wer", 0, 0.25)]
    assert _only(store)["state"] == "finished"
    assert store.calls.count("finish") == 1
    assert NAME in _only(store)["files"]
    assert not [name for name in _only(store)["files"] if "lock" in name or name.startswith(("tracked", "delivered"))]


@pytest.mark.parametrize("call", ["state", "create", "describe", "start", "log_metrics", "finish"])
def test_an_outage_at_any_call_loses_nothing_and_doubles_nothing(
    call: str, run_dir: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(run_dir)
    journal.state("started")
    journal.metrics({"train/loss": 0.5}, step=1)
    journal.state("finished")

    def down(*args: Any, **kwargs: Any) -> None:
        raise TrackingError("down")

    with monkeypatch.context() as outage:
        outage.setattr(store, call, down)
        if call not in ("start", "state"):  # a run that has ended is not started, and one that is new is not asked for
            with pytest.raises(TrackingError):
                deliver(run_dir, _as_tracker(store))
    assert deliver(run_dir, _as_tracker(store))
    assert _only(store)["points"] == [("train/loss", 1, 0.5)]
    assert _only(store)["params"] == {"row": "mil"}
    assert _only(store)["state"] == "finished"


def test_a_run_that_the_store_lost_is_delivered_anew(run_dir: Path, store: FakeStore) -> None:
    Journal(run_dir).metrics({"test/wer": 0.25}, step=0)
    Journal(run_dir).state("finished")
    deliver(run_dir, _as_tracker(store))
    store.runs.clear()
    assert deliver(run_dir, _as_tracker(store))
    assert _only(store)["points"] == [("test/wer", 0, 0.25)]
    assert _only(store)["state"] == "finished"


@pytest.mark.parametrize("ending", ["failed", "stopped"])
def test_what_ended_here_leaves_a_run_alone_that_finished_elsewhere(
    ending: str, run_dir: Path, store: FakeStore
) -> None:
    journal = Journal(run_dir)
    journal.state("started")
    deliver(run_dir, _as_tracker(store))
    _only(store)["state"] = "finished"  # the same key, on another disk
    journal.metrics({"train/loss": 0.5}, step=1)
    journal.state(ending, "its process is gone")
    assert deliver(run_dir, _as_tracker(store))
    assert _only(store)["state"] == "finished"
    assert _only(store)["points"] == []


def test_a_resumed_run_goes_on_in_the_same_run(run_dir: Path, store: FakeStore) -> None:
    journal, tracker = Journal(run_dir), _as_tracker(store)
    for message in ("killed", "killed again"):
        journal.state("started")
        deliver(run_dir, tracker)
        assert _only(store)["state"] == "running"
        journal.state("failed", message)
        assert deliver(run_dir, tracker)
        assert _only(store)["message"] == message
    journal.state("failed", "killed again")  # without a look in between
    deliver(run_dir, tracker)
    assert store.calls.count("create") == 1
    assert store.calls.count("fail") == 3


def test_another_store_gets_the_whole_run(run_dir: Path, store: FakeStore) -> None:
    Journal(run_dir).metrics({"train/loss": 0.5}, step=1)
    Journal(run_dir).state("finished")
    deliver(run_dir, _as_tracker(store))
    other = FakeStore()
    other.store = "other"
    assert deliver(run_dir, _as_tracker(other))
    assert other.runs["run0"]["points"] == [("train/loss", 1, 0.5)]


def test_a_dead_run_is_closed_and_a_living_one_is_not(run_dir: Path) -> None:
    Journal(run_dir).state("started")
    with locked(run_dir, LOCK):
        close_dead(run_dir)
        assert final_state(run_dir / NAME).state == "started"
    close_dead(run_dir)
    assert final_state(run_dir / NAME) == ("failed", "its process is gone", False)


def test_a_run_that_waits_in_a_queue_is_not_closed(run_dir: Path) -> None:
    (run_dir / SLURM_JOB).write_text("7_1 earmark-aa\n")
    close_dead(run_dir)
    assert final_state(run_dir / NAME).state == ""


def test_the_courier_waits_an_outage_out_and_says_so_once(run_dir: Path, store: FakeStore) -> None:
    says: list[str] = []
    store.down = True
    courier = Courier(_as_tracker(store), say=says.append)
    courier.watch(run_dir)
    journal = Journal(run_dir)
    journal.state("started")
    _wait_for(lambda: says)
    store.down = False
    journal.state("finished")
    assert courier.close(patience_seconds=20) == []
    assert _only(store)["state"] == "finished"
    assert says == ["tracking: server is down (tried again until it works; the runs go on)", "tracking: works again"]


def test_the_courier_names_what_it_could_not_deliver(run_dir: Path, store: FakeStore) -> None:
    store.down = True
    courier = Courier(_as_tracker(store), say=lambda text: None)
    courier.watch(run_dir)
    Journal(run_dir).state("finished")
    assert courier.close(patience_seconds=0.5) == [run_dir]


def test_the_courier_stays_with_a_resumed_run_that_has_not_written_yet(run_dir: Path, store: FakeStore) -> None:
    journal = Journal(run_dir)
    journal.state("started")
    journal.state("stopped", "asked to")
    assert deliver(run_dir, _as_tracker(store))
    courier = Courier(_as_tracker(store), say=lambda text: None)
    courier.watch(run_dir)
    (run_dir.parent / "other").mkdir()
    Journal(run_dir.parent / "other").state("finished")  # a visit to it shows that the first was visited
    track(run_dir.parent / "other", family="sed", name="b", tags={"key": "b"}, params={}, datasets={})
    courier.watch(run_dir.parent / "other")
    _wait_for(lambda: len(store.runs) == 2 and store.runs["run1"]["state"] == "finished")
    journal.state("started")
    _wait_for(lambda: store.runs["run0"]["state"] == "running")
    journal.metrics({"test/wer": 0.25}, step=0)
    journal.state("finished")
    courier.release(run_dir)
    assert courier.close(patience_seconds=20) == []
    assert store.runs["run0"]["state"] == "finished"
    assert store.runs["run0"]["points"] == [("test/wer", 0, 0.25)]


def test_the_courier_leaves_a_released_run_alone(run_dir: Path, store: FakeStore) -> None:
    courier = Courier(_as_tracker(store), say=lambda text: None)
    courier.watch(run_dir)
    Journal(run_dir).state("failed", "no")
    courier.release(run_dir)
    _wait_for(lambda: store.runs and _only(store)["state"] == "failed")
    calls = len(store.calls)
    assert courier.close(patience_seconds=20) == []
    assert len(store.calls) - calls <= 1  # one look after the release, and nothing more


def test_one_folder_that_cannot_be_delivered_holds_no_other_up(run_dir: Path, store: FakeStore) -> None:
    says: list[str] = []
    broken = run_dir.parent / "broken"
    broken.mkdir()
    (broken / TRACKED).write_text("{")
    courier = Courier(_as_tracker(store), say=says.append)
    courier.watch(broken)
    courier.watch(run_dir)
    Journal(run_dir).state("finished")
    courier.release(run_dir)
    _wait_for(lambda: store.runs and _only(store)["state"] == "finished", seconds=60)
    assert courier.close(patience_seconds=3) == [broken]
    assert len(says) == 1


def test_the_courier_names_what_the_store_refuses_once_and_goes_on(run_dir: Path, store: FakeStore) -> None:
    says: list[str] = []
    store.refuses = {"recall@5": "a bad name"}
    courier = Courier(_as_tracker(store), say=says.append)
    courier.watch(run_dir)
    journal = Journal(run_dir)
    journal.metrics({"recall@5": 0.5, "train/loss": 0.5}, step=1)
    _wait_for(lambda: says)
    journal.metrics({"recall@5": 0.6}, step=2)
    journal.state("finished")
    assert courier.close(patience_seconds=20) == []
    assert says == ["tracking: k1: MLflow refuses metric recall@5: a bad name (it stays in the run folder)"]
    assert _only(store)["points"] == [("train/loss", 1, 0.5)]
    assert _only(store)["refused"] == {"metric recall@5": "a bad name"}
    assert is_delivered(run_dir, _as_tracker(store), present={"run0"})


def test_a_courier_without_folders_closes_at_once(store: FakeStore) -> None:
    begin = time.monotonic()
    assert Courier(_as_tracker(store), say=lambda text: None).close(patience_seconds=30) == []
    assert time.monotonic() - begin < 10


def _wait_for(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
