"""Whose weights go into a pack, by rows' names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.stored_results.packs.packed_weights import keys_with_weights
from experiments.table_files.spec import Table, read_table
from experiments.tracking.tracked_run import TrackedRun

TABLE = Path(__file__).parents[2] / "tiny.yaml"


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table(str(TABLE))


def _cell(table: Table, row: str, seed: int = 0, *, key: str = "", upstream: dict[str, Cell] | None = None) -> Cell:
    run = TrackedRun("id", "finished", {"key": key}, {}) if key else None
    return Cell(
        table, table.rows[row], seed, None, {}, "finished" if key else "missing", "", run, upstream=upstream or {}
    )


@pytest.fixture(scope="module")
def cells(table: Table) -> list[Cell]:
    """Two seeds of a training and a third that is not finished, a scoring of one, and a seed of another table's."""
    mil = [_cell(table, "mil", seed, key=key) for seed, key in enumerate(("k0", "k1", ""))]
    scored = _cell(table, "mil_oracle", key="k2", upstream={"own": mil[0]})
    elsewhere = _cell(table, "mil", 5, key="k3")
    elsewhere = replace(elsewhere, row=replace(elsewhere.row, table="other", name="seed_model"))
    return [*mil, replace(scored, upstream={"own": mil[0], "seed": elsewhere}), _cell(table, "broken")]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ([], set()), (["mil"], {"k0", "k1"}), (["other/seed_model"], {"k3"}), (["all"], {"k0", "k1", "k3"}),
        (["mil", "other/seed_model", "mil"], {"k0", "k1", "k3"}),
    ],
)  # fmt: skip
def test_finished_trainings_of_the_rows(names: list[str], keys: set[str], table: Table, cells: list[Cell]) -> None:
    assert keys_with_weights(names, table, cells) == keys


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mli", r"unknown row 'mli' \(did you mean 'mil'\?\); allowed: all, mil, other/seed_model"),
        (
            "mil_oracle",
            "row 'mil_oracle' has no weights, nothing is trained in it; allowed: all, mil, other/seed_model",
        ),
        ("broken", "row 'broken' has no finished run; allowed: all, mil, other/seed_model"),
        ("on_broken", "row 'on_broken' is not among what is packed; allowed: all, mil, other/seed_model"),
        ("other/mil", "unknown row 'other/mil'"),
    ],
)
def test_a_row_without_weights_is_refused(name: str, says: str, table: Table, cells: list[Cell]) -> None:
    with pytest.raises(UserError, match=f"^--weights: {says}"):
        keys_with_weights([name], table, cells)


def test_all_of_what_was_never_trained_is_refused(table: Table, cells: list[Cell]) -> None:
    with pytest.raises(UserError, match=r"^--weights all: no finished run of tiny at scale demo was trained$"):
        keys_with_weights(["all"], table, cells[-1:])
