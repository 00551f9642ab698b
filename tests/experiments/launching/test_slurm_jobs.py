"""Whether a job that an earlier launcher submitted is taken over, by what ``squeue`` says of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from experiments.commands import run
from experiments.errors import UserError
from experiments.launching.executors import QueueAwayError
from experiments.launching.slurm_options import SlurmOptions
from experiments.planning.cell import Cell
from experiments.runs.journal import Journal
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import LAUNCH_LOCK, LOCK, SLURM_JOB, locked
from experiments.table_files.spec import Row, Table
from experiments.tracking.store_place import StorePlace

slurm = pytest.importorskip("experiments.launching.slurm", reason="needs submitit")


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What ``squeue`` prints; without the file it fails, as where SLURM does not answer."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in (("squeue", f"cat {tmp_path / 'queue'}"), ("srun", "true")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "queue"


@pytest.mark.parametrize(
    ("queue", "is_taken_over"),
    [
        ("7_0 R earmark-aa\n7_1 PD earmark-aa\n", True),
        ("7_1 R earmark-aa", True),
        ("7_1 CG earmark-aa", False),  # it ends, and what it said is in the journal
        ("7_1 R earmark-bb", False),  # another job that got the id later
        ("7_1 R my own job", False),
        ("7_0 R earmark-aa", False),
        ("7_1 R d\xe9j\xe0 vu", False),
        ("", False),
    ],
)
def test_a_job_is_taken_over_while_it_waits_or_runs(
    tmp_path: Path, says: Path, queue: str, is_taken_over: bool
) -> None:
    says.write_bytes(queue.encode("latin-1"))
    executor = slurm.SlurmExecutor(tmp_path / "slurm", SlurmOptions(), {}, slots=1)
    assert executor.adopt(tmp_path) is None  # nothing was submitted for it
    (tmp_path / SLURM_JOB).write_text("7_1 earmark-aa\n")
    process = executor.adopt(tmp_path)
    assert (process is not None) == is_taken_over
    if process is not None:
        assert process.ended() is None


def test_a_queue_that_never_answered_says_nothing_of_a_job_and_one_that_did_stands(tmp_path: Path, says: Path) -> None:
    executor = slurm.SlurmExecutor(tmp_path / "slurm", SlurmOptions(), {}, slots=1)
    assert executor.adopt(tmp_path) is None
    (tmp_path / SLURM_JOB).write_text("7_1 earmark-aa\n")
    with pytest.raises(QueueAwayError, match="SLURM job 7_1"):
        executor.adopt(tmp_path)
    says.write_text("7_1 R earmark-aa\n")
    executor._queue._asked = -slurm.ASK_EVERY_SECONDS
    process = executor.adopt(tmp_path)
    says.unlink()
    executor._queue._asked = -slurm.ASK_EVERY_SECONDS
    assert process is not None
    assert process.ended() is None


@pytest.mark.parametrize(
    ("lock", "adopts", "goes_on"),
    [(LOCK, True, True), (LOCK, False, False), (LAUNCH_LOCK, True, False), (LAUNCH_LOCK, False, False)],
)
def test_a_run_whose_launcher_is_gone_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str, adopts: bool, goes_on: bool
) -> None:
    class Checked(Exception):
        pass

    def check(cells: list[Cell], **_: object) -> None:
        raise Checked

    class Stub:
        root = tmp_path
        place = StorePlace(tmp_path, "sqlite:////nowhere/none.db", read_only=False)

        def run_dir(self, key_id: str) -> Path:
            return tmp_path

        def check_experiment(self, family: str) -> None:
            pass

        def adopt(self, run_dir: Path) -> object | None:
            return object() if adopts else None

    monkeypatch.setattr(run, "write_views", lambda *_: None)
    monkeypatch.setattr(run, "check_configurations", check)
    monkeypatch.setattr(run, "_executor", lambda *_, **__: (1, {}, Stub()))
    row = Row("t", "a", "", "fit", {}, {})
    table = Table("t", tmp_path / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    cell = Cell(table, row, 0, RunKey("a", "", "", 0, ""), {}, "running", "its process is alive", None)
    stub: Any = Stub()
    with locked(tmp_path, lock), pytest.raises(Checked if goes_on else UserError):
        run.launch_cells(table, stub, [cell], slots=1)


@pytest.mark.parametrize(("state", "trains"), [("finished", False), ("stopped", True), ("", True)])
def test_a_job_that_comes_when_its_run_is_finished_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, trains: bool
) -> None:
    commands: list[Any] = []

    def start(command: Any, **_: Any) -> Any:
        commands.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(slurm.subprocess, "run", start)
    if state:
        Journal(tmp_path).state("started")
        Journal(tmp_path).state(state)
    assert slurm.TrainRun(str(tmp_path), 1)() == (3 if trains else 0)
    assert len(commands) == trains


@pytest.mark.parametrize("record", ["", "7_1", "7_1 ", "\n"])
def test_a_record_that_was_cut_short_names_no_job(tmp_path: Path, says: Path, record: str) -> None:
    says.write_text("7_1 R earmark-aa\n7_1 R \n")
    (tmp_path / SLURM_JOB).write_text(record)
    assert slurm.SlurmExecutor(tmp_path / "slurm", SlurmOptions(), {}, slots=1).adopt(tmp_path) is None
