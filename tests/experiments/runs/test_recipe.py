"""The recipe's number: a change of what training does asks for a decision, and plans say what a number changed."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from experiments.commands import plan
from experiments.planning import accepted_code, changes
from experiments.planning.cell import Cell
from experiments.runs import keys, recipe
from experiments.table_files.spec import Row, Table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

HERE = Path(__file__).parent


def _training_code() -> ModuleType:
    spec = importlib.util.spec_from_file_location("training_code", HERE / "training_code.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


training_code = _training_code()


def test_code_of_training_is_what_was_recorded_for_this_recipe() -> None:
    record = json.loads(training_code.RECORD.read_text(encoding="utf-8"))
    old, new = record["definitions"], training_code.digests()
    changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    assert (record["recipe"], changed) == (recipe.VERSION, []), (
        f"training's own code changed: {', '.join(changed)}. Does a run of it compute and store the same as before? "
        "If not, add what became another to HISTORY in experiments/runs/recipe.py under a higher version; either way "
        "then record the code: python tests/experiments/runs/training_code.py"
    )


def test_what_training_computes_with_is_looked_at_and_planning_is_not() -> None:
    found = set(training_code.digests())
    assert {"_trainer", "_fit", "run", "LastingEarlyStopping", "ResumedOrder", "RandomState", "JournalLogger"} <= found
    assert {"with_length", "build", "Checkpoint", "check_metrics", "Attempt"} <= found  # schedules, schema, journal
    assert not {"make_plan", "Launcher", "read_view", "Tracker", "report", "CorpusCard"} & found


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``experiments`` of two files, of which one definition is not reached."""
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "train.py").write_text(
        '"""Trains."""\nfrom experiments.parts import stop\nimport os\n\ndef run(n: int) -> int:\n    """Runs."""\n'
        "    return stop(n)\n"
    )
    (folder / "parts.py").write_text("LIMIT = 3\n\ndef stop(n):\n    return n > LIMIT\n\ndef unused():\n    return 1\n")
    monkeypatch.setattr(training_code, "EXPERIMENTS", folder)
    return folder


def edited(folder: Path, name: str, old: str, new: str) -> dict[str, str]:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    training_code._read.cache_clear()
    return cast(dict[str, str], training_code.digests())


def test_a_changed_constant_behind_an_import_is_named(package: Path) -> None:
    training_code._read.cache_clear()
    before = training_code.digests()
    assert set(before) == {"run", "stop", "LIMIT"}
    after = edited(package, "parts.py", "LIMIT = 3", "LIMIT = 4")
    assert {name for name in after if after[name] != before[name]} == {"LIMIT"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("train.py", '"""Runs."""', '"""Runs it all."""'),
        ("train.py", "n: int) -> int", "n: float) -> float"),
        ("train.py", "import os\n", "import os, sys  # both\n\n\n"),
        ("train.py", "stop(n)", "(stop(\n        n\n    ))"),
        ("parts.py", "return 1", "return 2"),
    ],
)
def test_what_computes_nothing_is_no_change(package: Path, name: str, old: str, new: str) -> None:
    training_code._read.cache_clear()
    before = training_code.digests()
    assert edited(package, name, old, new) == before


def test_a_move_is_no_change(package: Path) -> None:
    training_code._read.cache_clear()
    before = training_code.digests()
    (package / "training").mkdir()
    (package / "parts.py").rename(package / "training" / "stopping.py")
    (package / "train.py").rename(package / "training" / "train.py")
    assert edited(package, "training/train.py", "experiments.parts", "experiments.training.stopping") == before


def test_every_version_says_what_it_changed_and_since_which_commit() -> None:
    versions = [int(change.version) for change in recipe.HISTORY]
    assert versions == sorted(versions)
    assert set(versions) == set(range(2, int(recipe.VERSION) + 1))
    git = ["git", "-C", str(HERE)]
    shallow = subprocess.run(
        [*git, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false":
        pytest.skip("no checkout with its history")
    for change in recipe.HISTORY:
        known = subprocess.run([*git, "cat-file", "-e", f"{change.since}^{{commit}}"], capture_output=True, check=False)
        assert known.returncode == 0, change


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions after the first; the commit ``old`` has the first change, ``new`` has both."""
    monkeypatch.setattr(recipe, "HISTORY", (recipe.Change("2", "aaa", "A"), recipe.Change("3", "bbb", "B")))
    monkeypatch.setattr(recipe, "VERSION", "3")
    has = {"old": {"aaa"}, "newest0": {"aaa", "bbb"}}
    monkeypatch.setattr(recipe, "_has", lambda commit, since: since in has.get(commit, set()))


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("old", "commit", "said"),
    [
        ("1", "", "recipe 1 -> 3: A (since commit aaa); B (since commit bbb)"),
        ("2", "", "recipe 2 -> 3: B (since commit bbb)"),
        ("1", "old", "recipe 1 -> 3: B (since commit bbb)"),
        ("1", "newest0", "recipe 1 -> 3: its commit newest0 did all of that already"),
        ("4", "", "recipe 4 -> 3: made by another earmark"),
    ],
)
def test_a_difference_of_recipes_is_said_in_words(old: str, commit: str, said: str) -> None:
    assert recipe.difference(old, commit=commit) == said


def stale(tags: dict[str, str], record: Path) -> changes.Change:
    key = keys.RunKey("c", "new", "d", 0, "")
    parts = {f"key.{name}": part for name, part in key.parts().items()}
    older = TrackedRun("r", "finished", {**parts, "key.code": "old", **tags}, {})
    return changes.find_change(older, key, {}, {"recipe": "3", "m.loss": "2"}, record=record)


def stale_cell(change: changes.Change, folder: Path) -> Cell:
    row = Row("t", "a", "", "fit", {}, {})
    table = Table("t", folder / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    return Cell(table, row, 0, keys.RunKey("c", "new", "d", 0, ""), {}, "stale", change.why, None, change=change)


@pytest.mark.usefixtures("history")
def test_a_stale_cell_says_what_the_recipe_changed_with_and_without_its_folder(tmp_path: Path) -> None:
    change = stale({}, tmp_path / "gone.json")
    assert change.why == "code changed: recipe 1 -> 3: A (since commit aaa); B (since commit bbb)"
    assert change.is_outdated
    assert not stale({"git.sha": "newest0"}, tmp_path / "gone.json").is_outdated
    assert stale({"recipe": "3"}, tmp_path / "gone.json").why == "code changed"
    record = tmp_path / "key.json"
    record.write_text(json.dumps({"config": {}, "code": {"recipe": "2", "m.loss": "1"}}))
    assert stale({}, record).why == "code changed: recipe 2 -> 3: B (since commit bbb), m.loss"


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(("commit", "said"), [("old", True), ("newest0", False)])
def test_a_plan_names_the_results_of_an_older_recipe_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], commit: str, said: bool
) -> None:
    cell = stale_cell(stale({"git.sha": commit}, tmp_path / "gone.json"), tmp_path)
    monkeypatch.setattr(plan.table_arguments, "read_plan", lambda _, **__: (cell.table, None, [cell]))
    monkeypatch.setattr(plan.table_arguments, "check_configurations", lambda *_, **__: None)
    parser = ArgumentParser()
    plan.add_arguments(parser)
    assert plan.run(parser.parse_args(["t"])) == 0
    assert ("of an older recipe, 1 stored result: t/a seed 0\n" in capsys.readouterr().out) == said


@pytest.mark.usefixtures("history")
def test_accepting_a_code_change_names_a_raised_recipe(tmp_path: Path) -> None:
    cell = stale_cell(stale({}, tmp_path / "gone.json"), tmp_path)
    told: dict[str, Any] = {}

    class Store:
        def tag(self, run_id: str, tags: dict[str, str]) -> None:
            told.update(tags)

    (line,) = accepted_code.accept([cell], cast(Tracker, Store()))
    assert "recipe 1 -> 3: A (since commit aaa)" in line
    assert "recipe 1 -> 3: A (since commit aaa)" in told["code_accepted.new"]  # what plans and reports say from then on


def test_shapes_do_not_depend_on_empty_fields() -> None:
    """Python 3.13 leaves them out of ``ast.dump``."""
    (first,) = ast.parse("def f(): pass").body
    assert "decorator_list" not in repr(training_code._shape(first))
