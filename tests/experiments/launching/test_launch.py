from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from experiments.launching import launch
from experiments.launching.executors import QueueAwayError, RunProcess
from experiments.launching.progress import LaunchProgress
from experiments.planning.cell import Cell
from experiments.runs.journal import Journal
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import is_locked, locked
from experiments.table_files.spec import Row, Table
from experiments.tracking import delivery
from experiments.tracking.mlflow_store import Tracker, TrackingError

from ..fake_store import FakeStore


class Store(FakeStore):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def run_dir(self, key_id: str) -> Path:
        return self.root / "runs" / key_id


class Scripted:
    """An executor whose processes have ended when they are asked: attempt after attempt does what a script says."""

    stop_grace_seconds = 0.5

    def __init__(self, *attempts: Callable[[Journal], None]) -> None:
        self.attempts = list(attempts)
        self.started: list[str] = []

    def start(self, run_dirs: Sequence[Path]) -> list[RunProcess]:
        for run_dir in run_dirs:
            self.started.append(run_dir.name)
            journal = Journal(run_dir)
            journal.state("started")
            self.attempts.pop(0)(journal)
        return [Ended() for _ in run_dirs]

    def adopt(self, run_dir: Path) -> RunProcess | None:
        return None


class Ended:
    def ended(self) -> str | None:
        return "exit code 7"

    def stop(self) -> None:
        pass

    def kill(self) -> None:
        pass


def finishes(journal: Journal) -> None:
    journal.state("finished")


def fails(journal: Journal) -> None:
    journal.state("failed", "RuntimeError: out of memory")


def fails_for_good(journal: Journal) -> None:
    journal.state("failed", "no such file", lasting=True)


def is_killed(journal: Journal) -> None:
    pass


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    def prepare(cell: Cell, tracker: Tracker, **more: Any) -> None:
        assert cell.key is not None
        tags = {"key": cell.key.id}
        delivery.track(tracker.run_dir(cell.key.id), family="sed", name=cell.name, tags=tags, params={}, datasets={})

    monkeypatch.setattr(launch, "prepare_run", prepare)
    return Store(tmp_path)


def _cells(folder: Path) -> list[Cell]:
    """Row b stands on row a."""
    rows = {name: Row("t", name, "", "fit", {}, {}) for name in ("a", "b")}
    table = Table("t", folder / "t.yaml", "T", "sed", "demo", rows, (0,), (), {}, (), ())
    first = Cell(table, rows["a"], 0, RunKey("a", "", "", 0, ""), {}, "missing", "", None)
    return [first, Cell(table, rows["b"], 0, RunKey("b", "", "", 0, ""), {}, "missing", "", None, {"own": first})]


def _launch(store: Store, executor: Scripted, cells: Sequence[Cell], **more: Any) -> launch.LaunchResult:
    with LaunchProgress("t", len(cells)) as progress:
        launcher = launch.Launcher(
            cast(Tracker, store), executor, slots=1, machine={}, progress=progress, **more
        )  # fmt: skip
        return launcher.launch(cells)


def test_a_configuration_of_two_rows_is_tried_once_where_it_fails(store: Store, tmp_path: Path) -> None:
    first, second = _cells(tmp_path)
    twin = replace(second, key=first.key, upstream={})
    result = _launch(store, executor := Scripted(fails_for_good), [first, twin])
    assert len(executor.started) == 1
    assert result.failed["t/b seed 0"] == "is the same run as t/a seed 0, which failed"


def test_a_failed_trial_that_its_search_went_past_is_not_started(store: Store, tmp_path: Path) -> None:
    first, second = _cells(tmp_path)
    table = replace(first.table, given_up=frozenset({"a"}))
    first = replace(first, table=table, state="failed")
    result = _launch(store, Scripted(), [first, replace(second, table=table, upstream={"own": first})])
    assert not result.finished
    assert not result.failed


def test_rows_follow_what_they_stand_on_and_the_store_has_them(store: Store, tmp_path: Path) -> None:
    result = _launch(store, executor := Scripted(finishes, finishes), _cells(tmp_path))
    assert result.finished == ["t/a seed 0", "t/b seed 0"]
    assert len(executor.started) == 2
    assert [run["state"] for run in store.runs.values()] == ["finished", "finished"]
    assert result.undelivered == []


def test_what_a_run_warns_of_is_shown_with_its_name(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def warns(journal: Journal) -> None:
        journal.warning("characters that training lacks: 'ï' (1)")
        journal.state("finished")

    _launch(store, Scripted(warns), _cells(tmp_path)[:1])
    assert "t/a seed 0: characters that training lacks: 'ï' (1)" in capsys.readouterr().err


def test_a_failed_run_is_tried_again_in_the_same_tracked_run(store: Store, tmp_path: Path) -> None:
    cells = _cells(tmp_path)[:1]
    result = _launch(store, executor := Scripted(fails, is_killed, finishes), cells, retries=2)
    assert result.finished == ["t/a seed 0"]
    assert len(executor.started) == 3
    (run,) = store.runs.values()
    assert run["state"] == "finished"


def test_a_job_that_was_there_first_is_waited_for(store: Store, tmp_path: Path) -> None:
    def refuses(journal: Journal) -> None:  # as the job of a launcher that was killed has the folder's lock
        first = contextlib.ExitStack()
        assert first.enter_context(locked(journal.path.parent))

        def end() -> None:
            journal.state("finished")
            first.close()

        threading.Timer(1.0, end).start()

    result = _launch(store, executor := Scripted(refuses), _cells(tmp_path)[:1])
    assert result.finished == ["t/a seed 0"]
    assert len(executor.started) == 1
    (run,) = store.runs.values()
    assert run["state"] == "finished"


def _begun(store: Store, folder: Path) -> tuple[Cell, Journal]:
    """A cell that an earlier launcher started."""
    (cell, _) = _cells(folder)
    assert cell.key is not None
    run_dir = store.run_dir(cell.key.id)
    run_dir.mkdir(parents=True)
    launch.prepare_run(cell, cast(Tracker, store), machine={}, git={})
    journal = Journal(run_dir)
    journal.state("started")
    return cell, journal


@pytest.mark.parametrize("ends_between_the_looks_at_queue_and_journal", [False, True])
def test_what_an_earlier_launcher_started_is_taken_over(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_between_the_looks_at_queue_and_journal: bool
) -> None:
    cell, journal = _begun(store, tmp_path)

    class Job(Ended):
        looks = 0

        def ended(self) -> str | None:
            self.looks += 1
            if self.looks == 3:
                journal.state("finished")
            return "SLURM job 7" if self.looks >= 3 else None

    class Adopting(Scripted):
        def adopt(self, run_dir: Path) -> RunProcess | None:
            if ends_between_the_looks_at_queue_and_journal:
                journal.state("finished")
            return Job()

    def prepare(*_: Any, **__: Any) -> None:
        raise AssertionError("a folder in which another process works is not filled anew")

    monkeypatch.setattr(launch, "prepare_run", prepare)
    result = _launch(store, executor := Adopting(), [cell])
    assert result.finished == ["t/a seed 0"]
    assert executor.started == []
    (run,) = store.runs.values()
    assert run["state"] == "finished"


def test_what_a_taken_over_run_said_before_stands(store: Store, tmp_path: Path) -> None:
    """As where the first of a job's tasks failed, and the others live on for a while."""
    cell, journal = _begun(store, tmp_path)
    journal.state("failed", "no such file", lasting=True)

    class Adopting(Scripted):
        def adopt(self, run_dir: Path) -> RunProcess | None:
            return Ended()

    result = _launch(store, executor := Adopting(), [cell], retries=3)
    assert result.failed["t/a seed 0"].startswith("no such file (log: ")
    assert executor.started == []


def test_a_queue_that_does_not_answer_is_asked_again(store: Store, tmp_path: Path) -> None:
    class Slow(Scripted):
        asked = 0

        def adopt(self, run_dir: Path) -> RunProcess | None:
            self.asked += 1
            if self.asked < 3:
                raise QueueAwayError("squeue: Socket timed out")
            return None

    result = _launch(store, executor := Slow(finishes), _cells(tmp_path)[:1])
    assert result.finished == ["t/a seed 0"]
    assert len(executor.started) == 1


def test_a_run_that_fails_too_often_says_why_last(store: Store, tmp_path: Path) -> None:
    result = _launch(store, executor := Scripted(fails, is_killed), _cells(tmp_path), retries=1)
    assert len(executor.started) == 2
    assert "ended with exit code 7 and said nothing" in result.failed["t/a seed 0"]
    assert result.skipped == {"t/b seed 0": "stands on t/a seed 0, which failed"}
    (run,) = store.runs.values()
    assert run["state"] == "failed"


def test_a_users_mistake_is_not_tried_again(store: Store, tmp_path: Path) -> None:
    result = _launch(store, executor := Scripted(fails_for_good), _cells(tmp_path), retries=3)
    assert len(executor.started) == 1
    assert result.failed["t/a seed 0"].startswith("no such file (log: ")


def test_a_store_that_is_down_costs_nothing_but_the_delivery(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "DELIVERY_PATIENCE_SECONDS", 0.5)
    store.down = True
    result = _launch(store, Scripted(finishes, finishes), cells := _cells(tmp_path))
    assert result.finished == ["t/a seed 0", "t/b seed 0"]
    assert len(result.undelivered) == 2
    store.down = False
    again = _launch(store, Scripted(), cells)  # nothing is run again, only delivered
    assert again.finished == ["t/a seed 0", "t/b seed 0"]
    assert again.undelivered == []
    assert [run["state"] for run in store.runs.values()] == ["finished", "finished"]


def test_an_upstream_run_that_cannot_be_fetched_fails_its_cell_in_the_end(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any, **kwargs: Any) -> None:
        raise TrackingError("server is down\nwith details")

    monkeypatch.setattr(launch, "prepare_run", down)
    monkeypatch.setattr(launch, "UPSTREAM_PATIENCE_SECONDS", 0.3)
    result = _launch(store, Scripted(), _cells(tmp_path))
    assert result.failed == {"t/a seed 0": "not started, no answer: server is down"}
    assert result.skipped == {"t/b seed 0": "stands on t/a seed 0, which failed"}
    assert not is_locked(store.run_dir(RunKey("a", "", "", 0, "").id))


def test_a_full_disk_fails_the_cell_and_not_the_launch(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device", "config.yaml")

    monkeypatch.setattr(launch, "prepare_run", full)
    result = _launch(store, Scripted(), _cells(tmp_path)[:1])
    assert result.failed == {"t/a seed 0": "not started, config.yaml: No space left on device"}
