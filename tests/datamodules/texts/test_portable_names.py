"""Names that a Mac or Windows would not take are refused where they are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.importers.new_corpus import new_corpus
from datamodules.texts.portable_names import portable_problem
from experiments.errors import UserError
from experiments.table_files.table_values import check_name


@pytest.mark.parametrize("name", ["con", "NUL", "aux.yaml", "LPT1", "mine.", "a/com3"])
def test_devices_and_last_dots_are_refused(name: str) -> None:
    assert portable_problem(name)


@pytest.mark.parametrize("name", ["constant", "aux2", "com", "mine/demo", "a.con", "mil_penalty"])
def test_other_names_are_taken(name: str) -> None:
    assert portable_problem(name) is None


def test_a_row_is_no_device() -> None:
    with pytest.raises(UserError, match=r"tiny.yaml: rows: name 'aux': 'aux' is a device on Windows"):
        check_name("aux", where="tiny.yaml: rows")


def test_a_corpus_is_no_device_and_no_other_ones_name_in_capitals(earmark_home: Path) -> None:
    with pytest.raises(ValueError, match="'nul' is a device on Windows"), new_corpus("nul", rebuild=False):
        pass
    (earmark_home / "data" / "Garden").mkdir(parents=True)
    taken = pytest.raises(ValueError, match="'Garden' would be the same folder on a Mac")
    with taken, new_corpus("garden", rebuild=False):
        pass
    with new_corpus("Garden", rebuild=False) as folder:
        assert folder.name == "Garden"
