"""What a plan begins early: imports for a table that no plan checked yet, and for no other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments.commands import table_arguments
from experiments.commands.plan import PlanCheck
from experiments.configuration import early_check
from experiments.errors import UserError
from experiments.planning.checked_configurations import table_id
from experiments.table_files.spec import read_table

TINY = Path(__file__).parents[1] / "tiny.yaml"


class Started:
    """Stands in for the process, which is never started here."""

    def __init__(self, modules: Sequence[str]) -> None:
        STARTED.append(list(modules))

    def end(self) -> None:
        ENDED.append(True)


STARTED: list[list[str]] = []
ENDED: list[bool] = []


@pytest.fixture(autouse=True)
def _processes(monkeypatch: pytest.MonkeyPatch, tiny_tones: Path, earmark_home: Path) -> None:
    STARTED.clear()
    ENDED.clear()
    (earmark_home / "mlruns").mkdir()
    monkeypatch.setattr(early_check, "EarlyCheck", Started)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(table_arguments, "check_configurations", lambda *_, **__: None)


def _plan(path: Path = TINY) -> None:
    with PlanCheck() as check:
        check.begin(read_table(str(path)))
        check.finish([])


def test_a_table_is_imported_for_until_it_was_checked(tmp_path: Path) -> None:
    _plan()
    assert [sorted(STARTED[0])] == STARTED
    assert "lightning_modules.sed.mil" in STARTED[0]
    assert ENDED == [True]
    _plan()
    assert len(STARTED) == 1
    other = tmp_path / "tiny.yaml"
    other.write_text(TINY.read_text().replace("lr: 0.001", "lr: 0.002"))
    _plan(other)
    assert len(STARTED) == 2


def test_a_refused_table_is_imported_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UserError("tiny.yaml: rows.mil: no")

    with monkeypatch.context() as patch:
        patch.setattr(table_arguments, "check_configurations", refuse)
        with pytest.raises(UserError):
            _plan()
    _plan()
    assert len(STARTED) == len(ENDED) == 2


def test_one_core_has_nothing_to_do_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    _plan()
    assert not STARTED


def test_without_its_corpus_a_table_is_never_known(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(TINY.read_text().replace("tones/tiny", "tones/none"))
    assert table_id(read_table(str(other))) == ""
