"""A mistake of every row is told of ``base``, one of a row of that row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.commands.table_arguments import check_configurations
from experiments.configuration import schema
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.runs.keys import RunKey
from experiments.table_files.spec import Table, read_table

TABLE = """
family: sed
base:
  data: {class_path: a.Data, init_args: {corpus: tones/tiny}}
  trainer: {max_epochs: 2}
rows:
  first: {why: one, set: {model: a.One}}
  second: {why: two, set: {model: a.Two}}
  scored: {why: three, stage: score}
"""


def _cells(path: Path, text: str = TABLE, **overrides: Any) -> list[Cell]:
    path.write_text(text, encoding="utf-8")
    table = read_table(str(path), overrides=overrides)
    return [_cell(table, name) for name in table.rows]


def _cell(table: Table, name: str) -> Cell:
    key = RunKey(name, "code", "data", 0, "")
    return Cell(table, table.rows[name], 0, key, {"a": "1"}, "missing", "", None)


def _refuse(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    def build(_: Any, *, where: str, **__: Any) -> None:
        if says := wrong.get(where.rpartition(".")[2]):
            raise UserError(f"{where}: {says}")

    monkeypatch.setattr(schema, "build", build)


def _said(cells: list[Cell], **more: Any) -> str:
    with pytest.raises(UserError) as refused:
        check_configurations(cells, **more)
    return str(refused.value)


EPOCHS = "trainer.max_epochs: expected int, got 'two'"


@pytest.mark.parametrize("one_of_a_shape", [False, True])
def test_what_all_trained_rows_share_is_of_base(
    earmark_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_of_a_shape: bool
) -> None:
    cells = _cells(tmp_path / "t.yaml")
    _refuse(monkeypatch, {"first": EPOCHS, "second": EPOCHS})
    said = f"t.yaml: base: {EPOCHS} (in every row that trains)"
    assert _said(cells, one_of_a_shape=one_of_a_shape) == said
    scaled = _cells(tmp_path / "t.yaml", TABLE + "scales: {demo: {trainer.max_epochs: 3, seeds: [0]}}\n")
    assert _said(scaled).startswith("t.yaml: base or scales.demo: trainer.max_epochs")
    only_seeds = _cells(tmp_path / "t.yaml", TABLE + "scales: {demo: {seeds: [0]}}\n", **{"trainer.max_epochs": 4})
    assert _said(only_seeds).startswith("t.yaml: base or --set: trainer.max_epochs")


@pytest.mark.parametrize("second", ["", "model: another fault"])
def test_what_one_row_has_alone_is_of_that_row(
    earmark_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    cells = _cells(tmp_path / "t.yaml")
    _refuse(monkeypatch, {"first": EPOCHS, "second": second})
    assert _said(cells) == f"t.yaml: rows.first: {EPOCHS}"
    _refuse(monkeypatch, {"scored": EPOCHS})  # the one of its stage
    assert _said(cells) == f"t.yaml: rows.scored: {EPOCHS}"


def test_where_a_row_has_run_the_fault_is_another_row_s(
    earmark_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, scored = _cells(tmp_path / "t.yaml")
    _refuse(monkeypatch, {"first": EPOCHS, "second": EPOCHS})
    assert _said([first, replace(second, state="finished"), scored]) == f"t.yaml: rows.first: {EPOCHS}"


def test_rows_of_one_shape_on_other_sources_are_both_looked_at(
    earmark_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "  heard: {why: four, stage: score, from: {own: first}}\n"
    cells = _cells(tmp_path / "t.yaml", TABLE + more)
    for wrong in ("scored", "heard"):
        _refuse(monkeypatch, {wrong: "scoring: needs a source"})
        assert _said(cells, one_of_a_shape=True) == f"t.yaml: rows.{wrong}: scoring: needs a source"
