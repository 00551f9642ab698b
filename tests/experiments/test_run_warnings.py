"""What a run warns of reaches whoever launched it: through the journal, one line each."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from datamodules.run_warning import RunWarning
from experiments.journal import NAME, Journal, read_lines
from experiments.launch import Launcher
from experiments.progress import LaunchProgress
from experiments.tracking import Tracker
from experiments.train import _journal_warnings


def test_warnings_of_a_run_are_journalled_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        _journal_warnings(Journal(tmp_path))
        warnings.warn("two utterances are left out: a, b", RunWarning, stacklevel=1)
        warnings.warn("a library is old", UserWarning, stacklevel=1)
    lines, _ = read_lines(tmp_path / NAME)
    assert [(line.kind, line.fields["message"]) for line in lines] == [("warning", "two utterances are left out: a, b")]


def test_the_launcher_shows_them_with_the_run(
    earmark_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal(tmp_path).warning("characters that training lacks: 'ï' (1)")
    with LaunchProgress("t", 1) as progress:
        launcher = Launcher(Tracker(earmark_home), slots=1, machine={}, progress=progress)
        launcher._show("t/row seed 0", read_lines(tmp_path / NAME)[0])
    assert "t/row seed 0: characters that training lacks: 'ï' (1)" in capsys.readouterr().err
