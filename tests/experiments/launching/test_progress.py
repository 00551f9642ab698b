"""Texts of others (errors, warnings, a plan's whys) reach the terminal as they are, whatever rich makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.launching.progress import LaunchProgress
from experiments.planning.cell import Cell
from experiments.table_files.spec import Row, Table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

ODD = "KeyError: '[/INST]' and [unk] of [bold]corpus:x:"  # two marks that rich refuses or swallows, one emoji


def test_lines_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with LaunchProgress("t", 2) as progress:
        progress.say(ODD)
        progress.started("t/a seed 0")
        progress.retried("t/a seed 0", ODD)
        progress.ended("t/b seed 0", ODD)
    assert capsys.readouterr().err.splitlines() == [ODD, f"t/a seed 0: {ODD}", f"[1/2] t/b seed 0: {ODD}"]


def test_bars_are_named_as_they_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "200")):
        monkeypatch.setenv(name, value)
    with LaunchProgress("t[/x]", 1) as progress:
        progress.started("a[unk]")
    shown = capsys.readouterr().err
    assert "t[/x]" in shown
    assert "a[unk]" in shown


def test_a_plan_shows_its_whys_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("t", "a", "why", "fit", {}, {})
    table = Table("t", tmp_path / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    cells = [Cell(table, row, 0, None, {}, "failed", ODD, TrackedRun("i", "failed", {}, {}))]
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(table_arguments, "read_plan", lambda _, **__: (table, cast(Tracker, None), cells))
    monkeypatch.setattr(table_arguments, "check_configurations", lambda *_, **more: None)
    assert main(["plan", "t"]) == 0
    assert ODD in capsys.readouterr().out
