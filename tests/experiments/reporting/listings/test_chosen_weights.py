"""Weights that validation chose: a line a row and weight over its runs, what lies at an edge, and the option."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType as Stored
from typing import Any

import pytest

from experiments.cli import main
from experiments.commands import table_arguments
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.chosen_weights import HEADS, chosen_weights
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.spec import Table


def fitted(error: float, at_edge: tuple[str, ...] = (), **weights: tuple[float, float | None, float | None]) -> Any:
    """A run's file: of each weight what won, and the error one step below and above where there is one."""

    def trial(of: float | None, step: float) -> Any:
        return None if of is None else {"weight": step, "error": of}

    sides = {name: {"below": trial(low, -1), "above": trial(high, 1)} for name, (_, low, high) in weights.items()}
    return {
        "fitted_for": "validation/wer",
        "weights": {name: won for name, (won, *_) in weights.items()},
        "error": error,
        "beside": sides,
        "at_edge": list(at_edge),
        "trials": [],
    }


KEPT = {
    ("base", 0): fitted(0.5, lm_weight=(1.3, 0.51, 0.53), word_bonus=(1.0, 0.5, 0.62)),
    ("base", 1): fitted(0.4, ("lm_weight",), lm_weight=(0.8, 0.45, None), word_bonus=(-2.0, 0.41, 0.42)),
    ("greedy", 0): fitted(0.7),
    ("fixed", 0): {**fitted(0.6), "weights": {"ctc_weight": 0.4}},
    ("old", 0): {"fitted_for": "validation/wer", "weights": {"ctc_weight": 0.4}},  # before there was more
}


@pytest.fixture
def table(stored: Stored, tmp_path: Path) -> Table:
    made: Table = stored.make_table(tmp_path, "asr", ["base", "greedy", "fixed", "old", "constant", "missing"])
    return made


@pytest.fixture
def cells(stored: Stored, table: Table, tmp_path: Path) -> list[Cell]:
    places = [*KEPT, ("constant", 0), ("missing", 0)]
    return [stored.make_cell(table, stored.Folders(tmp_path), *at, None if at[0] == "missing" else {}) for at in places]


@pytest.fixture
def scores(stored: Stored, cells: list[Cell], tmp_path: Path) -> StoredScores:
    found = StoredScores(stored.Folders(tmp_path))
    for cell in cells:
        if (kept := KEPT.get((cell.row.name, cell.seed))) is not None:
            folder = found.run_dir(cell)
            assert folder is not None
            (folder / "scores" / "decoding.json").write_text(json.dumps(kept), encoding="utf-8")
    return found


def test_a_line_a_weight_says_what_lies_beside_it(table: Table, cells: list[Cell], scores: StoredScores) -> None:
    heading, _, *lines = chosen_weights(cells, scores, [*table.rows]).splitlines()
    assert heading == f"| {' | '.join(HEADS)} |"
    assert lines == [
        "| base | lm_weight | 1.3, 0.8 | validation/wer | 40.0 to 50.0 | +1.0 to +5.0 | +3.0 | 1 of 2 |",
        "| base | word_bonus | 1, -2 | validation/wer | 40.0 to 50.0 | +0.0 to +1.0 | +2.0 to +12.0 | none |",
    ]
    with pytest.raises(UserError, match="--weights: no finished run of these rows has fitted a weight"):
        chosen_weights(cells, scores, ["greedy", "fixed", "old", "constant", "missing"])


def test_each_of_several_decoders_has_its_lines_over_all_runs(
    stored: Stored, table: Table, cells: list[Cell], scores: StoredScores, tmp_path: Path
) -> None:
    table.rows["base"].config["scoring"] = {
        "init_args": {"decoders": {"greedy": "Greedy", "joint": {}, "joint_lm": {}}}
    }
    for cell, weight in zip(cells[:2], (0.2, 0.4), strict=True):
        folder = scores.run_dir(cell)
        assert folder is not None
        for name, kept in {
            "greedy": fitted(0.9),
            "joint": fitted(0.6, ctc_weight=(weight, 0.61, 0.7)),
            "joint_lm": fitted(0.3, ("lm_weight",), lm_weight=(1.0, 0.35, None)),
        }.items():
            (folder / "scores" / name).mkdir()
            (folder / "scores" / name / "decoding.json").write_text(json.dumps(kept), encoding="utf-8")
    assert chosen_weights(cells, scores, ["base"]).splitlines()[2:] == [
        "| base, by joint | ctc_weight | 0.2, 0.4 | validation/wer | 60.0 | +1.0 | +10.0 | none |",
        "| base, by joint_lm | lm_weight | 1, 1 | validation/wer | 30.0 | +5.0 | – | 2 of 2 |",
    ]


def test_weights_of_an_alignment_have_milliseconds(cells: list[Cell], scores: StoredScores) -> None:
    def trial(gap: float, shift: float, error: float) -> Any:
        return {"weights": {"gap": gap, "shift": shift, "prior": 0.0}, "error": error}

    trials = [
        trial(0.1, 0.0, 48.0),
        trial(0.1, -0.02, 30.0),
        trial(0.2, -0.02, 22.0),
        trial(0.2, 0.0, 28.5),
        trial(0.2, -0.1, 60.0),
    ]
    kept = {
        "fitted_for": "validation/boundary_ms",
        "weights": trials[2]["weights"],
        "at_edge": ["gap"],
        "trials": trials,
    }
    folder = scores.run_dir(next(cell for cell in cells if cell.row.name == "constant"))
    assert folder is not None
    (folder / "scores" / "alignment.json").write_text(json.dumps(kept), encoding="utf-8")
    heads, _, *lines = chosen_weights(cells, scores, ["constant"]).splitlines()
    assert "| at it, ms | below, ms | above, ms |" in heads
    assert lines == [
        "| constant | gap | 0.2 | validation/boundary_ms | 22.0 | +8.0 | – | 1 of 1 |",
        "| constant | shift | -0.02 | validation/boundary_ms | 22.0 | +38.0 | +6.5 | none |",
    ]


def test_the_option_prints_it(
    stored: Stored, table: Table, cells: list[Cell], scores: StoredScores, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], earmark_home: Path,
) -> None:  # fmt: skip
    store = stored.Folders(tmp_path)
    monkeypatch.setattr(table_arguments, "read_plan", lambda arguments, **_: (table, store, cells))
    assert main(["report", "t", "--weights", "--rows", "base"]) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("| base | lm_weight | 1.3, 0.8 |")
    assert main(["report", "t", "--weights", "--by", "language"]) == 2
    assert "--weights: not with --by" in capsys.readouterr().err
