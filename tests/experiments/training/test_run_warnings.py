"""What a run warns of goes into its journal, one line each; test_launch.py has how the launcher shows it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from datamodules.run_warning import RunWarning
from experiments.runs.journal import NAME, Journal, read_lines
from experiments.training.train import _journal_warnings


def test_warnings_of_a_run_are_journalled_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        _journal_warnings(Journal(tmp_path))
        warnings.warn("two utterances are left out: a, b", RunWarning, stacklevel=1)
        warnings.warn("a library is old", UserWarning, stacklevel=1)
    lines, _ = read_lines(tmp_path / NAME)
    assert [(line.kind, line.fields["message"]) for line in lines] == [("warning", "two utterances are left out: a, b")]
