"""Runs of before the move into wings: they count, unless what they computed has changed; old names are told the new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from experiments.configuration.schema import parse
from experiments.errors import UserError
from experiments.planning import judge
from experiments.planning.cell import Cell
from experiments.planning.known_runs import ACCEPTED
from experiments.planning.plan import make_plan
from experiments.runs import keys, moved_files, recipe
from experiments.table_files.spec import Row, Table, read_table
from experiments.tracking.mlflow_store import STATE, TrackedRun, Tracker

MOVED = {
    "mine": {"now": "p2", "module": "mine", "then": "p1"},
    "mine.wing": {"now": "w"},
    "mine.wing.net": {"now": "n2", "module": "mine.net", "then": "n1"},
}
DATA = {"class_path": "other.Data", "init_args": {"corpus": "tones/tiny"}}
CONFIG = {
    "data": DATA,
    "model": {"class_path": "mine.wing.net.Net", "init_args": {"parts": ["mine.wing.net.Part", "other.Part"]}},
}
CONFIG_THEN = {
    "data": DATA,
    "model": {"class_path": "mine.net.Net", "init_args": {"parts": ["mine.net.Part", "other.Part"]}},
}
CODE = {"mine": "p2", "mine.wing": "w", "mine.wing.net": "n2", "other": "o", "recipe": "2"}
CODE_THEN = {"mine": "p1", "mine.net": "n1", "other": "o", "recipe": "2"}


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(moved_files, "_moved", lambda: MOVED)
    moved_files._today.cache_clear()
    yield
    moved_files._today.cache_clear()


def test_names_and_digests_of_then(moved: None) -> None:
    assert moved_files.config_then(CONFIG) == CONFIG_THEN
    assert moved_files.config_today(CONFIG_THEN) == CONFIG
    assert moved_files.code_then(CODE) == CODE_THEN
    assert moved_files.name_today("mine.net.Net") == "mine.wing.net.Net"
    assert moved_files.name_today("mine.wing.net.Net") is None


def test_code_that_was_edited_since_is_no_longer_what_it_was(moved: None) -> None:
    edited = moved_files.code_then({**CODE, "mine.wing.net": "n3"})
    assert edited == {**CODE_THEN, "mine.net": "n3"}
    assert keys.code_key(edited) != keys.code_key(CODE_THEN)


class Store:
    """One run in memory, found by its tags."""

    def __init__(self, root: Path, run: TrackedRun) -> None:
        self.root, self.run = root, run

    def run_dir(self, key_id: str) -> Path:
        return self.root / key_id

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        found = tags.items() <= self.run.tags.items() and set(having) <= self.run.tags.keys()
        return [self.run][:limit] if found else []

    def artifact_folder(self, uri: str) -> None:
        return None

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        raise OSError("no such artifact")


def planned(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: dict[str, str], more: Mapping[str, str] | None = None
) -> Cell:
    """The cell of CONFIG and ``code``, with a finished run of then in the store."""
    key = keys.RunKey(keys.config_key(CONFIG_THEN, stage="fit"), keys.code_key(CODE_THEN), "data", 0, "")
    tags = {f"key.{name}": part for name, part in key.parts().items()}
    tags |= {"key": key.id, "seed": "0", "row.t": "a", "scale": "demo", STATE: "finished", recipe.NAME: recipe.VERSION}
    tags |= more or {}
    store = Store(root, TrackedRun("first", "finished", tags, {}))
    monkeypatch.setattr(judge.CheckedCorpora, "digest", lambda *_, **__: "data")
    monkeypatch.setattr(judge.keys, "code_digests", lambda *_, **__: code)
    row = Row("t", "a", "", "fit", CONFIG, {})
    table = Table("t", root / "t.yaml", "T", "sed", "demo", {"a": row}, (0,), (), {}, (), ())
    (cell,) = make_plan(table, cast(Tracker, store))
    return cell


def test_a_run_of_then_is_finished_under_its_own_key(
    moved: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = planned(tmp_path, monkeypatch, CODE)
    assert cell.key is not None
    assert (cell.state, cell.why, cell.run and cell.run.run_id) == ("finished", judge.MOVED, "first")
    assert (cell.key.config, cell.key.code) == (keys.config_key(CONFIG_THEN, stage="fit"), keys.code_key(CODE_THEN))


def test_a_run_of_then_is_stale_where_code_changed_and_only_that_is_named(
    moved: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = planned(tmp_path, monkeypatch, {**CODE, "other": "o2"})
    assert (cell.state, cell.why) == ("stale", "code changed")


def test_an_old_class_path_is_refused_with_the_new_one() -> None:
    row = read_table("ctc_decoding", scale="demo").rows["greedy"]
    old = {**row.config, "model": {**row.config["model"], "class_path": "lightning_modules.asr.ctc.CTC"}}
    with pytest.raises(UserError) as refused:
        parse(old, stage="fit", seed=0, where="t.yaml: rows.greedy")
    was, now = "'lightning_modules.asr.ctc.CTC'", "'lightning_modules.asr.ctc.ctc.CTC'"
    assert str(refused.value) == f"t.yaml: rows.greedy: model.class_path: {was} is now {now}"


def test_what_the_shipped_tables_name_is_there() -> None:
    row = read_table("ctc_decoding", scale="demo").rows["greedy"]
    code = keys.code_digests(row.config, recipe_version=recipe.VERSION)
    assert "lightning_modules.asr.ctc.ctc" in code
    assert "lightning_modules.asr.ctc" in moved_files.code_then(code)


def test_an_edit_of_a_moved_module_can_be_accepted(
    moved: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = {**CODE, "mine.wing.net": "n3"}
    cell = planned(tmp_path, monkeypatch, edited)
    assert cell.state == "stale"
    assert cell.change is not None
    assert (cell.change.parts, cell.change.code) == (("code",), keys.code_key(moved_files.code_then(edited)))
    tag = {ACCEPTED + cell.change.code: "mine.net"}  # as accept sets it
    kept = planned(tmp_path, monkeypatch, edited, more=tag)
    assert (kept.state, kept.why) == ("finished", "before a code change that was accepted: mine.net")
