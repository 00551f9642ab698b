"""What a run's folder holds before its process starts: the commit's own patch, and no folders of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.commands import reproduce
from experiments.launching import prepare
from experiments.planning.cell import Cell
from experiments.runs import repositories
from experiments.runs.keys import RunKey
from experiments.runs.run_folder import artifacts
from experiments.table_files.spec import TABLES, Row, Table
from experiments.tracking.stored_origin import find_origin
from experiments.tracking.tracked_run import TrackedRun

from ..stored_runs import Folders

CONFIG = {"data": {"class_path": "datamodules.sed.SoundEventClips", "init_args": {"corpus": "tones/tiny"}}}
KEY = "abc123"


class Store(Folders):
    """Has the run of ``KEY``, with the tags that it was prepared with."""

    def beginning_with(self, text: str) -> list[TrackedRun]:
        known = json.loads((self.run_dir(KEY) / "tracked.json").read_text())
        return [TrackedRun("r1", "finished", known["run"]["tags"], {})]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path)
    found.run_dir(KEY).mkdir(parents=True)
    return found


def _prepare(store: Store, path: Path, *, scale: str = "demo", git: dict[str, str] | None = None) -> Path:
    """The folder of a run of the table at ``path``."""
    row = Row(path.stem, "mil", "", "fit", CONFIG, {})
    table = Table(path.stem, path, "T", "sed", scale, {"mil": row}, (0,), (), {}, (), ())
    cell = Cell(table, row, 0, RunKey("c", "d", "e", 0, ""), {}, "missing", "", None)
    prepare.prepare_run(cell, store, machine={}, git=git or {})
    return store.run_dir(KEY)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunKey, "id", KEY)


def test_a_patch_stays_with_its_commit(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "patch", lambda checkout, files: b"the p\xe4tch")
    table = tmp_path / "mine.yaml"
    diff = _prepare(store, table, git={"git.sha": "a", "git.dirty": "true"}) / "git.diff"
    assert diff.read_bytes() == b"the p\xe4tch"
    _prepare(store, table, git={"git.sha": "b", "git.dirty": "false"})  # committed, and taken up again
    assert not diff.exists()
    _prepare(store, table, git={"git.sha": "b", "git.dirty": "false"})


def _prepared(store: Store, config: dict[str, Any], *, varied: tuple[str, ...] = ()) -> dict[str, Any]:
    """What MLflow is to know of a run of this configuration."""
    row = Row("t", "mil", "", "fit", config, {})
    table = Table("t", TABLES / "t.yaml", "T", "sed", "demo", {"mil": row}, (0,), (), {}, (), varied)
    cell = Cell(table, row, 3, RunKey("c", "d", "e", 3, ""), {}, "missing", "", None)
    prepare.prepare_run(cell, store, machine={}, git={})
    known: dict[str, Any] = json.loads((store.run_dir(KEY) / "tracked.json").read_text())["run"]
    return known


def test_what_rows_share_is_a_param_too(store: Store) -> None:
    optimizer = {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.006, "betas": [0.9, 0.999], "fused": None}}
    model = {"class_path": "m.MIL", "init_args": {"optimizer": optimizer, "features": {"num_mels": 40}, "deep": False}}
    known = _prepared(store, {**CONFIG, "model": model}, varied=("model.optimizer.betas", "model.absent"))
    assert known["params"] == {
        "row": "mil", "seed": 3, "scale": "demo", "model.optimizer.betas": [0.9, 0.999],
        "data": "datamodules.sed.SoundEventClips", "data.corpus": "tones/tiny", "model": "m.MIL",
        "model.optimizer": "torch.optim.Adam", "model.optimizer.lr": 0.006, "model.features.num_mels": 40,
        "model.deep": False,
    }  # fmt: skip
    assert prepare.LEFT_OUT not in known["tags"]


def test_params_that_are_too_many_are_counted(store: Store) -> None:
    many = {f"weight_{k:03}": k for k in range(prepare.MAX_SHARED + 20)}
    known = _prepared(store, {**CONFIG, "trainer": many}, varied=("trainer.weight_119",))
    assert known["params"]["trainer.weight_119"] == 119  # what rows differ in is always there
    assert len(known["params"]) == 3 + 1 + prepare.MAX_SHARED
    assert known["tags"][prepare.LEFT_OUT] == "21 of 121 that rows share; config.yaml has all"


def _commands(store: Store) -> list[str]:
    return reproduce._commands(find_origin(store, KEY), Path("again"))


def _record(folder: Path) -> Any:
    return json.loads((folder / "provenance.json").read_text())["table"]


@pytest.mark.parametrize(("where", "says"), [("here/tables", "tables/mine.yaml"), ("there", "mine.yaml")])
def test_folders_of_this_machine_stay_here(
    where: str, says: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / where).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    table = tmp_path / where / "mine.yaml"
    table.touch()
    folder = _prepare(store, table)
    assert _record(folder) == says
    for path in artifacts(folder):
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    monkeypatch.chdir(tmp_path)  # on this machine the table is found again, from any folder
    assert _commands(store)[1:] == [f"earmark run {table} --scale demo --rows mil --seeds 0"]
    table.unlink()
    assert _commands(store)[1:] == [f"earmark run {says} --scale demo --rows mil --seeds 0"]


def test_a_shipped_table_is_called_by_its_name(store: Store) -> None:
    assert _record(_prepare(store, TABLES / "weak_sed.yaml")) == "weak_sed"


def test_a_run_of_fit_is_of_no_table(store: Store, tmp_path: Path) -> None:
    """``earmark fit`` gives its file's path to a table called fit."""
    row = Row("fit", "my_run", "", "fit", CONFIG, {})
    table = Table("fit", tmp_path / "my_run.yaml", "T", "sed", "none", {"my_run": row}, (0,), (), {}, (), ())
    cell = Cell(table, row, 0, RunKey("c", "d", "e", 0, ""), {}, "missing", "", None)
    prepare.prepare_run(cell, store, machine={}, git={})
    folder = store.run_dir(KEY)
    assert _record(folder) == "fit"
    record = json.loads((folder / "provenance.json").read_text())
    for name in ("fit", str(tmp_path / "my_run.yaml")):  # the second as versions before wrote it
        (folder / "provenance.json").write_text(json.dumps({**record, "table": name}))
        assert _commands(store) == ["earmark fit again/config.yaml"]
