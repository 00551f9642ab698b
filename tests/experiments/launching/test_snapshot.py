"""The code that a launch's runs import is the code of its start, whatever is edited or deleted since."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from experiments.launching.snapshot import Snapshot
from experiments.runs import code_closure, keys, snapshots
from experiments.table_files.spec import Row, Table

ROOT = Path(__file__).resolve().parents[3]
OWN = "from pathlib import Path\n\nWORDS = Path(__file__).with_name('words.txt').read_text()\nVALUE = {value}\n"
LOOK = """
import inspect, json, sys
from experiments.runs.own_code import find_own_code
find_own_code()
from experiments.runs import keys
import datamodules, experiments, mine.part
config = {"model": {"class_path": "mine.part.Net"}}
print(json.dumps({"value": mine.part.VALUE, "words": mine.part.WORDS, "file": mine.part.__file__,
                  "source": inspect.getsource(mine.part), "ours": [experiments.__file__, datamodules.__file__],
                  "digests": keys.code_digests(config, recipe_version="1", imports=["mine"])}))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a user's package ``mine``, importable here."""
    folder = tmp_path / "own"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "__init__.py").touch()
    (folder / "mine" / "part.py").write_text(OWN.format(value=1) + "class Net: ...\n")
    (folder / "mine" / "words.txt").write_text("of its own")
    monkeypatch.syspath_prepend(folder)
    _forget()
    return folder


def _forget() -> None:
    """Look at the files anew, as another command does."""
    for cached in (code_closure.closure, code_closure._imported, code_closure._spec, code_closure._is_installed,
                   code_closure._is_dependency, keys._file_digest):  # fmt: skip
        cached.cache_clear()


def _table(folder: Path) -> Table:
    row = Row("t", "a", "", "fit", {"model": {"class_path": "mine.part.Net"}}, {})
    return Table("t", folder / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, ("mine",), ())


def _look(snapshot: Snapshot, folder: Path) -> dict:
    environment = {**os.environ, **snapshot.environment(), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", LOOK]
    return json.loads(subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True).stdout)


def test_copies_stand_for_what_was_edited_and_deleted(own: Path, tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path / "mlruns", _table(tmp_path))
    before = _look(snapshot, own)
    assert (before["value"], before["words"]) == (1, "of its own")
    assert before["file"] == str(own / "mine" / "part.py")
    assert all(path.startswith(str(snapshot.folder)) for path in before["ours"])
    (own / "mine" / "part.py").write_text(OWN.format(value=2) + "\n" * 50)
    assert _look(snapshot, own) == before
    (own / "mine" / "part.py").unlink()
    assert _look(snapshot, own) == before
    assert snapshot.copies[own / "mine" / "part.py"].read_text() == before["source"]


def test_equal_code_is_one_snapshot_and_an_edit_another(own: Path, tmp_path: Path) -> None:
    first, second = (Snapshot(tmp_path / "mlruns", _table(tmp_path)) for _ in range(2))
    assert first.folder == second.folder
    (own / "mine" / "part.py").write_text(OWN.format(value=2))
    _forget()
    assert Snapshot(tmp_path / "mlruns", _table(tmp_path)).folder != first.folder


def test_launches_at_once_find_one_whole_snapshot(tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    program = (
        "import sys; from pathlib import Path; from experiments.launching.snapshot import Snapshot; "
        "from experiments.table_files.spec import Table; "
        "table = Table('t', Path('t.yaml'), 'T', 'sed', 'demo', {}, (0,), (), {}, (), ()); "
        f"print(Snapshot(Path({str(root)!r}), table).folder)"
    )
    launches = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    (folder,) = {launch.communicate(timeout=120)[0].strip() for launch in launches}
    assert (Path(folder) / "experiments" / "training" / "train.py").is_file()
    assert [path.name for path in (root / "snapshots").iterdir() if path.is_dir()] == [Path(folder).name]


def test_a_snapshot_is_freed_when_nobody_holds_it(own: Path, tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    snapshot = Snapshot(root, _table(tmp_path))
    run = snapshots.hold(snapshot.folder)
    snapshot.release()
    assert snapshots.unused(root) == []
    assert not snapshots.free(snapshot.folder)
    run.close()
    assert snapshots.unused(root) == [snapshot.folder]
    assert snapshots.free(snapshot.folder)
    assert list((root / "snapshots").iterdir()) == []


TABLE = """
title: Edited
family: sed
imports: [mine]
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model:
    class_path: mine.Mine
    init_args:
      encoder: lightning_modules.layers.crnn.demo_crnn
      features: {num_mels: 40}
      optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.001}}
  trainer: {max_epochs: 2}
  checkpoint: {monitor: validation/loss, mode: min}
  scoring: lightning_modules.sed.detection_scoring.DetectionScoring
rows:
  first: {why: it trains while code is edited}
  second: {why: it starts after that, set: {trainer.max_epochs: 1}}
seeds: [0]
scales: {demo: {}}
columns: {test/event_f1_macro: {label: Event F1}}
"""


@pytest.mark.integration
def test_an_edit_while_a_table_runs_costs_nothing(tiny_tones: Path, earmark_home: Path, tmp_path: Path) -> None:
    checkout, here = tmp_path / "checkout", tmp_path / "here"
    for package in ("experiments", "lightning_modules", "datamodules"):
        shutil.copytree(ROOT / package, checkout / package, ignore=shutil.ignore_patterns("__pycache__"))
    here.mkdir()
    (here / "mine.py").write_text("from lightning_modules.sed.mil import MIL\n\n\nclass Mine(MIL):\n    pass\n")
    (here / "edited.yaml").write_text(TABLE)
    environment = {**os.environ, "EARMARK_HOME": str(earmark_home), "PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "experiments", "run", "edited.yaml", "--slots", "1"]
    launch = subprocess.Popen(command, cwd=here, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list(earmark_home.glob("mlruns/runs/*/journal.jsonl")):
        assert time.monotonic() < deadline
        assert launch.poll() is None
        time.sleep(0.05)
    for path in (here / "mine.py", *(checkout / "lightning_modules" / "sed").glob("mil*.py")):
        path.write_text("raise RuntimeError('edited while the table ran')\n")
    _, errors = launch.communicate(timeout=600)
    assert launch.returncode == 0, errors
    for run_dir in (earmark_home / "mlruns" / "runs").iterdir():
        with zipfile.ZipFile(run_dir / "code.zip") as archive:
            assert b"class Mine(MIL)" in archive.read("mine.py")
            assert b"edited" not in archive.read("lightning_modules/sed/mil.py")
