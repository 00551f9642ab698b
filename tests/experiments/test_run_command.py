"""What ``earmark run`` and ``earmark fit`` say when they were interrupted."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from experiments import launch, plan, run_command, tracking
from experiments.cli import main
from experiments.keys import RunKey
from experiments.plan import Cell
from experiments.spec import Row, Table
from experiments.store_place import StorePlace
from experiments.tracking import Tracker


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of one missing cell, whose launch ends by Ctrl-C."""
    row = Row("t", "a", "", "fit", {}, {})
    table = Table("t", tmp_path / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    cells = [Cell(table, row, 0, RunKey("a", "", "", 0, ""), {}, "missing", "", None)]

    tracker = cast(Tracker, SimpleNamespace(place=StorePlace(tmp_path, "", read_only=False)))

    class Interrupted:
        def __init__(self, *_: object, **more: Any) -> None:
            pass

        def launch(self, _: object) -> launch.LaunchResult:
            return launch.LaunchResult(interrupted=True)

    monkeypatch.setattr(launch, "Launcher", Interrupted)
    monkeypatch.setattr(tracking, "Tracker", lambda _: tracker)
    monkeypatch.setattr(plan, "make_plan", lambda *_: cells)
    monkeypatch.setattr(run_command, "read_plan", lambda _: (table, tracker, cells))
    monkeypatch.setattr(run_command, "write_views", lambda *_: None)
    monkeypatch.setattr(run_command, "check_configurations", lambda _: None)
    monkeypatch.setattr(run_command.signal, "signal", lambda *_: None)


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
