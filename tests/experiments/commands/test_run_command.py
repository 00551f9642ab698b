"""What ``earmark run`` and ``earmark fit`` say when they were interrupted."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from experiments.cli import main
from experiments.commands import run
from experiments.launching import launch
from experiments.planning import plan
from experiments.planning.cell import Cell
from experiments.runs.keys import RunKey
from experiments.table_files.spec import Row, Table
from experiments.tracking import mlflow_store
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.store_place import StorePlace


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of one missing cell, whose launch ends by Ctrl-C."""
    row = Row("t", "a", "", "fit", {}, {})
    table = Table("t", tmp_path / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    cells = [Cell(table, row, 0, RunKey("a", "", "", 0, ""), {}, "missing", "", None)]

    tracker = cast(
        Tracker, SimpleNamespace(place=StorePlace(tmp_path, "", read_only=False), check_experiment=lambda _, **__: None)
    )

    class Interrupted:
        def __init__(self, *_: object, **more: Any) -> None:
            pass

        def launch(self, _: object) -> launch.LaunchResult:
            return launch.LaunchResult(interrupted=True)

    monkeypatch.setattr(launch, "Launcher", Interrupted)
    monkeypatch.setattr(mlflow_store, "Tracker", lambda _: tracker)
    monkeypatch.setattr(plan, "make_plan", lambda *_: cells)
    monkeypatch.setattr(run, "read_plan", lambda _, **__: (table, tracker, cells))
    monkeypatch.setattr(run, "write_views", lambda *_: None)
    monkeypatch.setattr(run, "check_configurations", lambda _, **__: None)
    monkeypatch.setattr(run.interruption, "listen", lambda **_: None)


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize(
    "typed",
    [
        ["run", "weak_sed", "--scale", "demo"],
        ["run", "my table.yaml", "--rows", "a,b", "--seeds=0,1", "--set", "data.text='a b'", "--set", "data.x=[1, 2]",
         "--slots", "3", "--retries", "0"],
        ["fit", "my run.yaml", "--seed", "3", "--model.penalty_alpha", "0.1"],
    ],
)  # fmt: skip
def test_after_ctrl_c_the_command_is_told_as_it_was_typed(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    monkeypatch.chdir(earmark_home)
    Path("my run.yaml").write_text("model: {class_path: m.M, init_args: {penalty_alpha: 1}}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["/somewhere/earmark", *typed])
    assert main() == 130
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "go on with: " in line)
    assert shlex.split(line.partition("go on with: ")[2]) == ["earmark", *typed]
