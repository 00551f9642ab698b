"""What a run stands on: a whole folder of this disk, or what the store has of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.launching.prepare import restore_upstream
from experiments.planning.cell import Cell
from experiments.runs.journal import Journal
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import BEST
from experiments.table_files.row_sources import SEED
from experiments.table_files.spec import Row, Table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

from ..stored_runs import Folders


def _cell(folder: Path) -> Cell:
    """Row b starts from the weights of row a, which the store says is finished."""
    rows = {name: Row("t", name, "", "fit", {}, {}) for name in ("a", "b")}
    table = Table("t", folder / "t.yaml", "T", "sed", "demo", rows, (0,), (), {}, (), ())
    stored = TrackedRun("r1", "finished", {}, {})
    seed = Cell(table, rows["a"], 0, RunKey("a", "", "", 0, ""), {}, "finished", "", stored)
    return Cell(table, rows["b"], 0, RunKey("b", "", "", 0, ""), {}, "missing", "", None, {SEED: seed})


@pytest.mark.parametrize(
    ("state", "is_trusted"), [("", True), ("finished", True), ("stopped", False), ("failed", False)]
)
def test_a_folder_is_trusted_when_its_run_ended_here_or_it_was_fetched(
    state: str, is_trusted: bool, tmp_path: Path
) -> None:
    folders, cell = Folders(tmp_path), _cell(tmp_path)
    seed = cell.upstream[SEED].key
    assert seed is not None
    best = folders.run_dir(seed.id) / BEST
    best.parent.mkdir(parents=True)
    best.write_text("weights")
    if state:
        Journal(folders.run_dir(seed.id)).state(state)
    if is_trusted:
        restore_upstream(cell, folders)
        assert folders.asked == []
    else:
        with pytest.raises(OSError, match="no server"):
            restore_upstream(cell, folders)
        assert folders.asked == [f"r1/{BEST}"]


@pytest.mark.parametrize("name", ["scores", "best.ckpt"])
def test_what_is_fetched_takes_the_place_of_a_part(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def download_artifacts(self, run_id: str, artifact: str, into: str) -> str:
            target = Path(into) / artifact
            if artifact == "scores":
                target.mkdir()
                (target / "whole").touch()
            else:
                target.write_text("whole")
            return str(target)

    tracker: Any = object.__new__(Tracker)
    monkeypatch.setattr(tracker, "_client", Client(), raising=False)
    target = tmp_path / name
    if name == "scores":
        target.mkdir()
        (target / "part").touch()
    else:
        target.write_text("part")
    tracker.download("r1", name, tmp_path)
    found = [path.name for path in target.iterdir()] if target.is_dir() else [target.read_text()]
    assert found == ["whole"]
