"""Stores that are somebody else's, are no stores, or lie where MLflow would look elsewhere: one line, no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiments import cli
from experiments.errors import UserError
from experiments.reporting.views import CHARTS
from experiments.tracking import store_place
from experiments.tracking.mlflow_store import Tracker


def _files(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_a_store_that_may_only_be_read_is_asked_and_left_as_it_is(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Tracker(earmark_home)
    run_id = mine.create("sed", name="a", tags={"key": "k"})
    (mine.root / "store.lock").unlink()
    before = _files(earmark_home)
    monkeypatch.setattr(store_place.os, "access", lambda path, mode: False)  # root may write whatever a mode says
    theirs = Tracker(earmark_home)
    assert [run.run_id for run in theirs.find("sed", tags={"key": "k"})] == [run_id]
    with pytest.raises(UserError, match="no runs of 'asr', and it may not be written here"):
        theirs.find("asr", tags={})
    with pytest.raises(UserError, match="may only be read here, by plan, report and ui"):
        theirs.place.check_writable()
    assert cli.main(["sync"]) == 2
    assert capsys.readouterr().err.startswith("earmark: error: ")
    assert _files(earmark_home) == before


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Not a directory, and there is no mlruns in it to read"):
        Tracker(tmp_path / "file")


@pytest.mark.parametrize("sign", ["%20", "?", "#"])
def test_a_home_that_mlflow_would_read_as_a_url_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sign: str
) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / f"a{sign}b"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert cli.main(["sync"]) == 2
    assert f"MLflow reads {sign[0]} as part of a URL" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("uri", ["foo://", "foo://me:secret@host/x", "sqlite+none:///x"])
def test_a_store_of_an_unknown_kind_is_one_line(
    earmark_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], uri: str
) -> None:
    monkeypatch.chdir(tmp_path)  # beside a database of a relative path lies its lock
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert cli.main(["sync"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("earmark: error: store ")
    assert said.count("\n") == 1
    assert "secret" not in said


def test_ui_says_where_the_server_of_a_store_is(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments.reporting import views

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9/")
    monkeypatch.setattr(views, "links", lambda tracker, address: [("sed", [("all runs", f"{address}/#/runs")])])
    assert cli.main(["ui"]) == 0
    said = capsys.readouterr().out
    assert f"charts: http://127.0.0.1:9/#/runs{CHARTS}" in said
    assert "secret" not in said
