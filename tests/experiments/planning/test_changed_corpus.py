"""A corpus that was edited in place: what plan, training and ``earmark data check --digest`` say of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import soundfile

from datamodules.corpora.sounds import tones
from datamodules.corpus_files import FILES
from datamodules.corpus_folder import data_root
from experiments.cli import main
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.runs.named_files import named_files
from experiments.runs.run_folder import KEY
from experiments.table_files.spec import read_table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun
from experiments.training import train

TABLE = Path(__file__).parents[1] / "tiny.yaml"
CORPUS = "tones/tiny"


class OneRun:
    """A store with one finished run, of the cell that it is given."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.runs: list[TrackedRun] = []

    def find(self, family: str, *, tags: Any, having: Sequence[str] = (), limit: int | None = None) -> list[TrackedRun]:
        return [run for run in self.runs if all(run.tags.get(name) == value for name, value in tags.items())]

    def run_dir(self, key: str) -> Path:
        return self.home / "mlruns" / "runs" / key


@pytest.fixture
def folder(earmark_home: Path) -> Path:
    """A prepared corpus."""
    tones.prepare("tiny")
    return data_root() / CORPUS


def planned(store: OneRun, table: Path = TABLE) -> Cell:
    (cell,) = make_plan(read_table(str(table)), cast(Tracker, store), rows=["mil"])
    return cell


def finished(cell: Cell) -> TrackedRun:
    """What the store says of the cell's run."""
    assert cell.key is not None
    parts = {f"key.{name}": part for name, part in cell.key.parts().items()}
    return TrackedRun("r", "finished", {**parts, "key": cell.key.id, "seed": "0", "row.tiny": "mil"}, {})


def replace_sound(path: Path) -> None:
    samples_S, rate_hz = soundfile.read(path, dtype="int16")
    soundfile.write(path, -samples_S, rate_hz)


def test_a_finished_cell_is_stale_once_its_audio_was_replaced(earmark_home: Path, folder: Path) -> None:
    store = OneRun(earmark_home)
    first = planned(store)
    store.runs.append(finished(first))
    assert planned(store).state == "finished"
    for path in (folder / "audio").rglob("*.flac"):
        os.utime(path)  # a copy, a checkout
    same = planned(store)
    assert (same.state, same.key) == ("finished", first.key)
    for path in (folder / "audio" / "train").iterdir():
        replace_sound(path)
    cell = planned(store)
    assert (cell.state, cell.key) == ("stale", None)
    assert cell.why.startswith(f"data: corpus {CORPUS!r}: ")
    assert cell.why.endswith("restore them, or make it again: earmark data tones --scale tiny --rebuild")


def test_a_finished_cell_is_stale_and_refused_once_a_file_that_it_names_was_edited(
    earmark_home: Path, folder: Path, tmp_path: Path
) -> None:
    words, table = tmp_path / "words.txt", tmp_path / "tiny.yaml"
    words.write_text("one")
    table.write_text(TABLE.read_text().replace("num_pictures: 1", f"num_pictures: 1, word_list: {words}"))
    store = OneRun(earmark_home)
    first = planned(store, table)
    assert first.key is not None
    store.runs.append(finished(first))
    record = store.run_dir(first.key.id) / KEY
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"files": named_files(first.row.config)}))
    assert planned(store, table).state == "finished"
    words.write_text("two words")
    cell = planned(store, table)
    assert (cell.state, cell.key) == ("stale", None)
    assert f"data: {words} changed since tiny/mil seed 0 ran" in cell.why


def test_a_plan_looks_at_a_corpus_once(earmark_home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.planning import checked_corpora

    calls: list[str] = []
    monkeypatch.setattr(checked_corpora, "check_files", calls.append)
    cells = make_plan(read_table(str(TABLE)), cast(Tracker, OneRun(earmark_home)), seeds=range(5))
    assert len(cells) > 5
    assert calls == [CORPUS]


def test_a_training_refuses_files_that_changed_since_the_plan(earmark_home: Path, folder: Path, tmp_path: Path) -> None:
    cell = planned(OneRun(earmark_home))
    assert cell.key is not None
    (tmp_path / KEY).write_text(json.dumps({"code": dict(cell.code), "data": cell.key.data}))
    train._check_key(tmp_path, {}, dict(cell.row.config))
    replace_sound(next((folder / "audio" / "train").iterdir()))
    with pytest.raises(UserError, match=r"'tones/tiny': 1 of 27 files changed since it was prepared"):
        train._check_key(tmp_path, {}, dict(cell.row.config))


def digest_check(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["data", "check", CORPUS, "--digest", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_whole_check_names_every_changed_and_lost_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = digest_check(capsys)
    assert (code, found["changed"], found["gone"], found["unrecorded"]) == (0, [], [], 0)
    assert found["digest"] == found["digest_found"]
    paths = sorted((folder / "audio" / "train").iterdir())
    replace_sound(paths[0])
    code, found = digest_check(capsys)
    assert (code, found["changed"], found["gone"]) == (1, [f"audio/train/{paths[0].name}"], [])
    assert found["digest"] != found["digest_found"]
    paths[1].unlink()
    code, found = digest_check(capsys)
    assert (code, found["gone"], found["digest_found"]) == (1, [f"audio/train/{paths[1].name}"], "")
    assert main(["data", "check", CORPUS, "--digest"]) == 1
    said = capsys.readouterr().out
    assert "1 changed since it was made: audio/train/" in said
    assert "1 are gone" in said


def test_the_whole_check_needs_no_record_and_makes_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((folder / FILES).read_text())
    (folder / FILES).unlink()
    code, found = digest_check(capsys)
    assert (code, found["unrecorded"]) == (0, len(record))
    assert json.loads((folder / FILES).read_text()) == record
    (folder / FILES).unlink()
    replace_sound(next((folder / "audio" / "train").iterdir()))
    assert main(["data", "check", CORPUS, "--digest"]) == 1
    assert "which files, nobody knows" in capsys.readouterr().out
    assert not (folder / FILES).exists()


@pytest.mark.parametrize(
    ("typed", "message"),
    [(["nowhere"], "allowed: one corpus in"), ([CORPUS, "x.tsv"], "allowed: one corpus in")],
)
def test_the_whole_check_is_of_one_corpus(
    folder: Path, capsys: pytest.CaptureFixture[str], typed: list[str], message: str
) -> None:
    assert main(["data", "check", *typed, "--digest"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_preparing_again_refuses_what_was_edited_until_it_is_rebuilt(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_sound(next((folder / "audio" / "train").iterdir()))
    assert main(["data", "tones", "--scale", "tiny"]) == 2
    assert "1 of 27 files changed since it was prepared" in capsys.readouterr().err
    assert main(["data", "tones", "--scale", "tiny", "--rebuild"]) == 0
    assert main(["data", "tones", "--scale", "tiny"]) == 0
