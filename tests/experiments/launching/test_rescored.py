"""What a run takes over of a finished one of the same training, also where it was interrupted while it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.launching.rescored import take_over
from experiments.planning.cell import Cell, Trained
from experiments.runs.journal import NAME, Journal, read_lines
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import BEST
from experiments.table_files.spec import Row, Table
from experiments.tracking import run_files
from experiments.tracking.tracked_run import TrackedRun

from ..stored_runs import Folders

CONFIG = {"checkpoint": {"monitor": "validation/loss", "mode": "min"}}


class Store(Folders):
    """Its artifacts are on a server."""

    def artifact_folder(self, uri: str) -> None:
        return None

    def stored_files(self, run_id: str) -> dict[str, int]:
        return {}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """With the finished run ``old`` of two epochs."""
    found = Store(tmp_path)
    old = found.run_dir("old")
    for name in (BEST, "predictions/test.npz", "predictions/deep/er.pt"):
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_text(name)
    journal = Journal(old)
    journal.state("started")
    for epoch, loss in enumerate((0.5, 0.7)):
        journal.metrics({"epoch": epoch, "validation/loss": loss}, step=epoch)
    journal.metrics({"model/parameters": 3.0, "run/seconds": 9.0, "validation/loss": 99.0, "test/f1": 0.1}, step=2)
    journal.state("finished")
    return found


def _cell(store: Store, *, predicts: bool = False, **tags: str) -> Cell:
    row = Row("t", "a", "", "fit", CONFIG, {})
    table = Table("t", store.root / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    run = TrackedRun("r1", "finished", {"key": "old", "device": "cuda", **tags}, {})
    key = RunKey("new", "", "", 0, "")
    store.run_dir(key.id).mkdir(exist_ok=True)
    return Cell(table, row, 0, key, {}, "unscored", "", None, trained=Trained(run, predicts, "m.n"))


def _folder(store: Store, cell: Cell) -> Path:
    assert cell.key is not None
    return store.run_dir(cell.key.id)


@pytest.mark.parametrize("linked", [True, False])
def test_files_are_the_old_ones_or_copies_of_them(store: Store, linked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not linked:  # another file system
        monkeypatch.setattr(run_files, "link", lambda path, target: False)
    cell = _cell(store)
    record = take_over(cell, store)
    folder = _folder(store, cell)
    for name in (BEST, "predictions/test.npz", "predictions/deep/er.pt"):
        assert (folder / name).read_text() == name
        assert (folder / name).samefile(store.run_dir("old") / name) == linked
    assert record is not None
    assert (record.trained_as, record.predicted_as, record.step, record.accepted) == ("old", "old", 2, "m.n")
    assert record.metrics == {"model/parameters": 3.0, "run/seconds": 9.0, "validation/loss": 0.5}
    assert record.tags()["trained_on.device"] == "cuda"
    assert store.asked == []


def test_the_curves_are_taken_over_once_whatever_was_interrupted(store: Store) -> None:
    cell = _cell(store)
    folder = _folder(store, cell)
    old = [line for line in read_lines(store.run_dir("old") / NAME)[0] if "epoch" in line.fields.get("values", {})]
    first = json.dumps({"t": old[0].time_ms, "kind": "metrics", **old[0].fields})
    (folder / NAME).write_text(f"{first}\n" + first[:20])  # a kill in the middle of the second line
    take_over(cell, store)
    again = take_over(cell, store)
    assert again is not None
    assert read_lines(folder / NAME)[0] == old


def test_a_run_that_predicts_again_takes_the_weights_alone(store: Store) -> None:
    cell = _cell(store, predicts=True, trained_as="first", predicted_as="first")
    record = take_over(cell, store)
    folder = _folder(store, cell)
    assert record is not None
    assert (record.trained_as, record.predicted_as) == ("first", "")
    assert (folder / BEST).exists()
    assert not (folder / "predictions").exists()
    assert (cell.weights_of, cell.predictions_of) == ("first", folder.name)


def test_a_run_that_failed_in_its_scoring_gives_what_it_has_of_its_training(store: Store) -> None:
    old = store.run_dir("old")
    lines = [line for line in (old / NAME).read_text().splitlines() if '"epoch"' in line]
    (old / NAME).write_text("".join(f"{line}\n" for line in lines))
    Journal(old).fitted({"model/parameters": 3.0, "run/seconds": 8.0}, step=2)
    Journal(old).state("failed", "no such decoder")
    record = take_over(_cell(store), store)
    assert record is not None
    assert (record.trained_as, record.predicted_as, record.step) == ("old", "old", 2)
    assert record.metrics == {"model/parameters": 3.0, "run/seconds": 8.0, "validation/loss": 0.5}


def test_nothing_is_recorded_where_the_store_does_not_give_the_files(store: Store) -> None:
    cell = _cell(store)
    (store.run_dir("old") / "predictions").rename(store.run_dir("old") / "gone")
    with pytest.raises(OSError, match="no server"):
        take_over(cell, store)
    assert store.asked == ["r1/predictions"]
    assert not (_folder(store, cell) / "trained.json").exists()
