"""A row on a merged run that came without what it reads is said by the plan, with the pack that would bring it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.planning.cell import Cell
from experiments.planning.merged_data import MERGED
from experiments.planning.merged_sources import lacking_of_merged
from experiments.table_files.spec import Table, read_table
from experiments.tracking.tracked_run import TrackedRun

TABLE = Path(__file__).parents[1] / "tiny_transfer.yaml"


class _Store:
    """Run folders alone, as a server's home has them; nothing in its artifacts."""

    def __init__(self, root: Path) -> None:
        self.root, self.asked = root, 0

    def run_dir(self, key: str) -> Path:
        return self.root / key

    def artifact_folder(self, uri: str) -> None:
        return None

    def stored_files(self, run_id: str) -> dict[str, int]:
        self.asked += 1
        return {"config.yaml": 1}


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table(str(TABLE))


def _seed(table: Table, *, merged: bool = True, state: str = "finished") -> Cell:
    run = TrackedRun("id", state, {"key": "k0", **({MERGED: "digest"} if merged else {})}, {})
    return Cell(table, table.rows["seed_model"], 0, None, {}, state, "", run)


def _says(table: Table, seed: Cell, store: Any, *, stage: str = "fit", name: str = "seed") -> str:
    return lacking_of_merged(replace(table.rows["frozen"], stage=stage), {name: seed}, store)


@pytest.mark.parametrize(
    ("stage", "name", "lacks", "option", "present", "others"),
    [
        ("fit", "seed", "weights", "--weights seed_model", "checkpoints/best.ckpt", "predictions/test.npz"),
        ("fit", "own", "predictions", "--predictions all", "predictions/test.npz", "checkpoints/best.ckpt"),
        ("score", "own", "predictions", "--predictions all", "predictions/test.npz", "checkpoints/best.ckpt"),
    ],
)
def test_what_is_lacking_is_named_with_the_option_that_packs_it(
    stage: str, name: str, lacks: str, option: str, present: str, others: str, table: Table, tmp_path: Path
) -> None:
    store = _Store(tmp_path)
    for file in (others, present):
        assert _says(table, _seed(table), store, stage=stage, name=name) == (
            f"merged run: tiny_transfer/seed_model seed 0 came in a pack without its {lacks}, which from.{name} of "
            f"this row reads: merge one of earmark results pack tiny_transfer {option}"
        )
        (tmp_path / "k0" / file).parent.mkdir(parents=True)
        (tmp_path / "k0" / file).touch()
    assert _says(table, _seed(table), store, stage=stage, name=name) == ""


def test_counted_ngrams_are_named_where_a_run_counted_some(table: Table, tmp_path: Path) -> None:
    """Scores come in every pack: a run that was scored, not trained, lacks its n-grams or nothing."""
    store = _Store(tmp_path)
    seed = _seed(table)
    scored = replace(seed, row=replace(seed.row, stage="score"))
    assert _says(table, scored, store, stage="score", name="own") == ""
    scores = tmp_path / "k0" / "scores"
    scores.mkdir(parents=True)
    (scores / "language_model.json").touch()
    for name in ("own", "language_model"):
        assert _says(table, scored, store, stage="score", name=name) == (
            f"merged run: tiny_transfer/seed_model seed 0 came in a pack without its n-grams, which from.{name} of "
            "this row reads: merge one of earmark results pack tiny_transfer --predictions all"
        )
    (scores / "language_model.arpa").touch()
    assert _says(table, scored, store, stage="score", name="language_model") == ""


def test_runs_that_were_made_here_are_not_asked_for(table: Table, tmp_path: Path) -> None:
    store = _Store(tmp_path)
    assert _says(table, _seed(table, merged=False), store) == ""
    assert _says(table, _seed(table, state="failed"), store) == ""
    assert store.asked == 0


def test_a_cell_that_lacks_it_is_left_by_a_launch(table: Table) -> None:
    cell = Cell(table, table.rows["frozen"], 0, None, {}, "missing", "merged run: x", None)
    assert cell.lacks_files
    assert not cell.would_run
