"""Three quoted test texts: which are chosen, of which run, what stands beside them; and the option that prints them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType as Stored

import pytest

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.quoted_texts import quoted
from experiments.reporting.listings.score_files import Files
from experiments.table_files.spec import Table

SAID = {"a1": "ein Ton", "a2": "zwei Töne", "a3": "aus", "a4": "an"}
WRITTEN = {  # CER of base: a1 0, a2 0, a3 1/3, a4 3/2
    "base": {"a1": "ein Ton", "a2": "zwei Töne", "a3": "auf", "a4": "immer"},
    "late": {"a1": "ein", "a2": "zwei *Töne*", "a3": "aus", "a4": ""},
}


@dataclass
class Stores(Files):
    """Paths by row and seed."""

    paths: dict[tuple[str, int], Path] = field(default_factory=dict)

    def file(self, cell: Cell, name: str) -> Path | None:
        assert name == "errors_test.csv"
        return self.paths.get((cell.row.name, cell.seed))


def _write(path: Path, texts: Mapping[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["utterance", "language", "speaker", "reference", "hypothesis"])
        writer.writerows([name, "de", "x", SAID[name], text] for name, text in texts.items())
    return path


@pytest.fixture
def table(stored: Stored, tmp_path: Path) -> Table:
    made: Table = stored.make_table(tmp_path, "asr", ["base", "late", "floor", "missing"])
    return made


@pytest.fixture
def cells(stored: Stored, table: Table, tmp_path: Path) -> list[Cell]:
    """Seed 0 of base has not finished, so seed 1 is quoted; floor writes no texts."""
    there = {("base", 1), ("late", 0), ("late", 1), ("floor", 1)}
    places = [(row, seed) for row in table.rows for seed in (0, 1)]
    return [stored.make_cell(table, stored.Folders(tmp_path), *at, {} if at in there else None) for at in places]


@pytest.fixture
def scores(tmp_path: Path) -> Stores:
    other = dict.fromkeys(SAID, "of seed 0")
    return Stores(
        {
            ("base", 1): _write(tmp_path / "b1.csv", WRITTEN["base"]),
            ("late", 1): _write(tmp_path / "l1.csv", WRITTEN["late"]),
            ("late", 0): _write(tmp_path / "l0.csv", other),
        }
    )


def test_best_median_and_worst_of_the_row_s_first_finished_run(cells: list[Cell], scores: Stores) -> None:
    text = quoted(cells, scores, ["base", "late", "floor", "missing"], chosen_by="base")
    assert text.startswith(
        "Of `base`, seed 1, by its character error rate:\n\n**Best**: a2 (de)\n\n| row | CER % | text |\n"
    )
    assert re.findall(r"^\*\*(\w+)\*\*: (\w+)", text, re.MULTILINE) == [
        ("Best", "a2"),
        ("Median", "a3"),
        ("Worst", "a4"),
    ]
    assert "| *said* | | zwei Töne |\n| base | 0 | zwei Töne |\n| late | 22 | zwei \\*Töne\\* |\n" in text
    assert "| *said* | | an |\n| base | 250 | immer |\n| late | 100 | (nothing) |\n" in text
    assert text.endswith("\n\nNo texts of seed 1: floor.\n")
    assert "of seed 0" not in text


def test_rows_are_those_asked_for_and_the_choice_is_still_the_named_row_s(cells: list[Cell], scores: Stores) -> None:
    text = quoted(cells, scores, ["late"], chosen_by="base")
    assert "| base |" not in text
    assert "**Best**: a2" in text
    assert "No texts" not in text


def test_a_row_of_other_utterances_has_no_line(cells: list[Cell], scores: Stores, tmp_path: Path) -> None:
    scores.paths["late", 1] = _write(tmp_path / "other.csv", {"a1": "ein Ton"})
    assert "| late |" not in quoted(cells, scores, ["base", "late"], chosen_by="base")


@pytest.mark.parametrize("row", ["floor", "missing"])
def test_a_row_without_texts_chooses_nothing(cells: list[Cell], scores: Stores, row: str) -> None:
    with pytest.raises(UserError, match=f"--quote {row}: no finished run of it has test texts"):
        quoted(cells, scores, ["base"], chosen_by=row)


def test_the_option_prints_or_writes_them_and_refuses_what_it_cannot_do(
    table: Table,
    cells: list[Cell],
    stored: Stored,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = stored.Folders(tmp_path)
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table, store, cells))
    for cell in cells:
        if cell.state == "finished" and cell.row.name in WRITTEN and cell.key is not None:
            _write(store.run_dir(cell.key.id) / "scores" / "errors_test.csv", WRITTEN[cell.row.name])
    assert main(["report", "t", "--quote", "base", "--rows", "late"]) == 0
    assert "| late | 22 |" in (printed := capsys.readouterr().out)
    assert main(["report", "t", "--quote", "base", "--rows", "late", "--output", str(tmp_path / "q.md")]) == 0
    assert (tmp_path / "q.md").read_text(encoding="utf-8") == printed
    capsys.readouterr()
    for arguments, says in (
        (["--quote", "bass"], "--quote: unknown row 'bass'"),
        (["--quote", "base", "--json"], "--quote: prints Markdown, not json"),
        (["--quote", "base", "--charts", "x"], "--quote: not with --check"),
    ):
        assert main(["report", "t", *arguments]) == 2
        assert says in capsys.readouterr().err
