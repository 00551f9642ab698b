from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.table_files.merge import get_path, normalise, set_path, unset_path

BASE: dict[str, Any] = {
    "model": {"class_path": "a.MIL", "init_args": {"alpha": 0.1, "encoder": "b.paper"}},
    "trainer": {"max_epochs": 10, "milestones": [1, 2]},
}


def test_a_path_skips_init_args_only_where_a_class_stands() -> None:
    config = copy.deepcopy(BASE)
    set_path(config, "model.alpha", 0.5)
    set_path(config, "trainer.max_epochs", 3)
    assert config["model"]["init_args"]["alpha"] == 0.5
    assert config["trainer"]["max_epochs"] == 3


def test_changing_a_class_keeps_its_arguments() -> None:
    config = copy.deepcopy(BASE)
    set_path(config, "model", "a.FSL")
    assert config["model"] == {"class_path": "a.FSL", "init_args": {"alpha": 0.1, "encoder": "b.paper"}}
    set_path(config, "model", {"class_path": "a.GLU", "init_args": {"alpha": 0.2}})
    assert config["model"] == {"class_path": "a.GLU", "init_args": {"alpha": 0.2, "encoder": "b.paper"}}


def test_a_bare_import_path_becomes_a_class_when_its_argument_is_set() -> None:
    config = copy.deepcopy(BASE)
    set_path(config, "model.encoder.cell", "lstm")
    assert config["model"]["init_args"]["encoder"] == {"class_path": "b.paper", "init_args": {"cell": "lstm"}}
    assert get_path(config, "model.encoder") == "b.paper"
    assert get_path(config, "model.encoder.cell") == "lstm"


def test_lists_are_replaced() -> None:
    config = copy.deepcopy(BASE)
    set_path(config, "trainer.milestones", [7])
    assert config["trainer"]["milestones"] == [7]


def test_unset_removes_and_refuses_what_is_not_there() -> None:
    config = copy.deepcopy(BASE)
    unset_path(config, "model.alpha")
    assert "alpha" not in config["model"]["init_args"]
    with pytest.raises(ValueError, match=r"model\.alpha is not set; set here: encoder"):
        unset_path(config, "model.alpha")


def test_a_path_through_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'alpha' holds 0\.1"):
        set_path(copy.deepcopy(BASE), "model.alpha.deeper", 1)


def test_normalise_shares_nothing_with_its_argument() -> None:
    config = normalise(BASE)
    set_path(config, "model.alpha", 9)
    config["trainer"]["milestones"].append(3)
    assert BASE["model"]["init_args"]["alpha"] == 0.1
    assert BASE["trainer"]["milestones"] == [1, 2]


names = st.text("abc", min_size=1, max_size=2)


@given(st.lists(names, min_size=1, max_size=4), st.integers())
def test_what_was_set_is_got(keys: list[str], value: int) -> None:
    config: dict[str, Any] = {}
    path = ".".join(keys)
    set_path(config, path, value)
    assert get_path(config, path) == value
    unset_path(config, path)
    assert get_path(config, path) is None
