"""What was checked is not checked again, and nothing else passes for checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.commands.table_arguments import check_configurations
from experiments.configuration import schema
from experiments.errors import UserError
from experiments.planning import checked_configurations
from experiments.planning.cell import Cell
from experiments.planning.checked_configurations import check_id
from experiments.runs.keys import RunKey
from experiments.table_files.spec import Row, Table

CONFIG = {"model": {"class_path": "a.B", "init_args": {"lr": 0.1, "words": "words.txt"}}, "data": {"corpus": "c/tiny"}}


def _cell(config: dict[str, Any] = CONFIG, name: str = "a", imports: tuple[str, ...] = ()) -> Cell:
    row = Row("t", name, "", "fit", config, {})
    table = Table("t", Path("t.yaml"), "T", "sed", "demo", {name: row}, (0,), (), {}, imports, ())
    return Cell(table, row, 0, RunKey(name, "code", "data", 0, ""), {"a": "1"}, "missing", "", None)


def _with(value: object) -> dict[str, Any]:
    arguments = {**CONFIG["model"]["init_args"], "lr": value}
    return {**CONFIG, "model": {**CONFIG["model"], "init_args": arguments}}


@pytest.mark.parametrize(
    "other",
    [
        lambda cell: _cell(_with(0.2)),
        lambda cell: _cell(_with("0.1")),
        lambda cell: _cell(imports=("mine",)),
        lambda cell: replace(cell, code={"a": "2"}),
        lambda cell: replace(cell, code={"a": "1", "b": "1"}),
        lambda cell: replace(cell, key=replace(cell.key, data="other")),
        lambda cell: replace(cell, row=replace(cell.row, stage="score")),
    ],
)
def test_what_a_check_depends_on_makes_another(other: Callable[[Cell], Cell]) -> None:
    cell = _cell()
    assert check_id(cell) == check_id(_cell(dict(reversed(CONFIG.items()))))
    assert check_id(other(cell)) not in ("", check_id(cell))


def test_so_do_packages_files_that_are_named_and_the_checks_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = {check_id(_cell())}
    (tmp_path / "words.txt").write_text("one")
    seen.add(check_id(_cell()))
    (tmp_path / "words.txt").write_text("three")
    seen.add(check_id(_cell()))
    monkeypatch.setattr(checked_configurations, "_versions", lambda: ("python 4",))
    seen.add(check_id(_cell()))
    monkeypatch.setattr(checked_configurations, "_rules", lambda: {"configuration/schema.py": "1"})
    seen.add(check_id(_cell()))
    assert len(seen) == 5


def test_without_data_or_without_known_packages_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_id(replace(_cell(), key=None)) == ""
    monkeypatch.setattr(checked_configurations, "_versions", lambda: ())
    assert check_id(_cell()) == ""


def test_the_packages_are_those_that_earmark_names() -> None:
    versions = dict(line.split() for line in checked_configurations._versions()[1:])
    assert {"torch", "pytorch-lightning", "jsonargparse", "kaldifst", "transformers"} <= versions.keys()


def test_the_record_is_bounded_and_no_damage_to_it_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(checked_configurations.known(tmp_path)) == []
    monkeypatch.setattr(checked_configurations, "MOST", 3)
    for name in "abcde":
        checked_configurations.add(tmp_path, [name, ""])
    assert list(checked_configurations.known(tmp_path)) == ["c", "d", "e"]
    path = tmp_path / checked_configurations.NAME
    for text in ('["c", "d"', '{"c": 1}', "\0", '["c", 1, null]'):
        path.write_text(text)
        assert list(checked_configurations.known(tmp_path)) == (["c"] if "null" in text else [])
    checked_configurations.add(tmp_path, ["f"])
    assert json.loads(path.read_text()) == ["c", "f"]
    checked_configurations.add(tmp_path / "nowhere", ["f"])  # a folder that is not there is as one that refuses


def test_a_configuration_is_built_once_and_a_refused_one_every_time(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (earmark_home / "mlruns").mkdir()
    built: list[str] = []

    def build(config: Any, *, where: str, **_: Any) -> None:
        built.append(where)
        if where.endswith("bad"):
            raise UserError(f"{where}: model: unknown key 'nothing'")

    monkeypatch.setattr(schema, "build", build)
    good, bad = _cell(), _cell(_with(0.3), name="bad")
    check_configurations([good])
    check_configurations([good], one_of_a_shape=True)
    assert built == ["t.yaml: rows.a"]
    for number in range(2):
        with pytest.raises(UserError, match="unknown key"):
            check_configurations([good, bad])
        assert built == ["t.yaml: rows.a", *["t.yaml: rows.bad"] * (number + 1)]
    check_configurations([replace(good, code={"a": "2"})])
    assert built[-1] == "t.yaml: rows.a"
