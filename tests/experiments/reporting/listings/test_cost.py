"""What runs took: medians and ranges by what they did, each run once, and the option that prints them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.planning.cell import Cell
from experiments.reporting.listings.cost import GRID, cost_table
from experiments.table_files.spec import Table

MACHINE = {"hardware": "EPYC, 2 cores", "device": "cpu, 1 thread"}


@pytest.fixture
def table(stored: Stored, tmp_path: Path) -> Table:
    made: Table = stored.make_table(tmp_path, "asr", ["base", "untouched", "scored", "missing"])
    rows = {**made.rows, "scored": replace(made.rows["scored"], stage="score")}
    return replace(made, rows=rows)


@pytest.fixture
def cells(stored: Stored, table: Table, tmp_path: Path) -> list[Cell]:
    """Seed 1 of base ran elsewhere, and an attempt of it was killed; scored stands on base."""

    def cell(row: str, seed: int, metrics: dict[str, float] | None, **tags: str) -> Cell:
        made: Cell = stored.make_cell(table, stored.Folders(tmp_path), row, seed, metrics)
        if made.run is None:
            return made
        return replace(made, run=replace(made.run, tags={**made.run.tags, **MACHINE, **tags}))

    base = [
        cell("base", 0, {"run/seconds": 1000.4, "run/wall_seconds": 1003, "train/loss": 1}),
        cell("base", 1, {"run/seconds": 3000, "train/loss": 1}, hardware="Xeon"),
    ]
    untouched = cell("untouched", 0, {"run/seconds": 50, "run/wall_seconds": 51})
    scored = replace(cell("scored", 0, {"run/seconds": 2, "run/wall_seconds": 3}), upstream={"own": base[0]})
    elsewhere = replace(base[0], row=replace(base[0].row, table="lm", name="ngram"))
    return [scored, *base, untouched, base[0], elsewhere, cell("missing", 0, None)]


def test_a_line_a_name_and_kind_has_each_run_once(cells: list[Cell]) -> None:
    heading, rule, *lines = cost_table(cells[:-2], by=lambda cell: cell.row.table, heading="table").splitlines()
    assert heading == f"| table | {' | '.join(GRID)} |"
    assert rule.count("---") == len(GRID) + 1
    assert lines == [
        "| t | train | 2 | 2,000 (1,000 to 3,000) | 4,000 | 1,003 (1 of 2) | "
        "1 on EPYC, 2 cores (cpu, 1 thread); 1 on Xeon (cpu, 1 thread) |",
        "| t | predict alone | 1 | 50 | 50 | 51 | EPYC, 2 cores (cpu, 1 thread) |",
        "| t | score alone | 1 | 2 | 2 | 3 | EPYC, 2 cores (cpu, 1 thread) |",
    ]


def test_seconds_of_a_run_that_was_scored_again_are_on_the_machine_of_its_training(cells: list[Cell]) -> None:
    run = cells[1].run
    assert run is not None
    trained = {"trained_on.hardware": "H200", "trained_on.device": "gpu"}
    again = replace(cells[1], run=replace(run, tags={**run.tags, **trained}))
    assert cost_table([again], by=lambda cell: cell.row.name).endswith("| H200 (gpu) |\n")
    nowhere = replace(cells[1], run=replace(run, tags={"key": "k"}))
    assert cost_table([nowhere], by=lambda cell: cell.row.name).endswith("| not recorded |\n")


def test_the_option_prints_rows_and_what_they_stand_on(
    stored: Stored, table: Table, cells: list[Cell], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], earmark_home: Path,
) -> None:  # fmt: skip
    store = stored.Folders(tmp_path)
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table, store, cells))
    assert main(["report", "t", "--cost"]) == 0
    names = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()[2:]]
    assert names == ["| scored", "| base", "| untouched", "| lm/ngram"]
    assert main(["report", "t", "--cost", "--output", str(tmp_path / "cost.md")]) == 0
    assert (tmp_path / "cost.md").read_text().startswith("| row | its runs |")
    for options, says in (
        (["--quote", "base"], "--quote: not with --cost"),
        (["--json"], "--cost: prints Markdown, not json; allowed: --output NAME.md"),
        (["--output", "x.csv"], "--cost: prints Markdown, not .csv; allowed: --output NAME.md"),
        (["--charts", "x"], "--cost: not with --check, --write-expected, --charts"),
    ):
        assert main(["report", "t", "--cost", *options]) == 2
        assert says in capsys.readouterr().err
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table, store, cells[-1:]))
    assert main(["report", "t", "--cost"]) == 2
    assert "--cost: no finished run of t at scale demo" in capsys.readouterr().err
