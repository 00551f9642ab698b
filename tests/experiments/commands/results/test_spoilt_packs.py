"""Packs that say something else than they should, or than this store; runs that another table made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.stored_results.packs.archive import read_archive
from experiments.tracking.mlflow_store import Tracker

from .packs import Report, everything, spoilt_pack, stored_runs

pytestmark = pytest.mark.integration


def test_other_labels_of_the_same_data_are_a_conflict(
    pack: Path, other: Path, printed: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.startswith("references/"))
        labels = json.loads(files[name])
        labels["tags"] = dict.fromkeys(labels["tags"], labels["classes"])
        files[name] = json.dumps(labels).encode()

    printed("results", "merge", pack)
    (labels,) = (other / "mlruns" / "merged").glob("*/labels-*.json")
    before = labels.read_bytes()
    assert main(["results", "merge", str(spoilt_pack(pack, tmp_path / "spoilt.tar.xz", change))]) == 2
    assert f"{labels.name} than in the pack; nothing was merged" in capsys.readouterr().err
    assert labels.read_bytes() == before


@pytest.mark.parametrize("are_there", [False, True])
def test_merged_runs_of_another_table_are_of_the_packs_rows_too(
    *, are_there: bool, pack: Path, other: Path, printed: Report, tmp_path: Path
) -> None:
    """After a change of code a plan looks for them by their row."""

    def of_another_table(files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.endswith("run.json")]:
            record = json.loads(files[name])
            record["tags"]["row.another"] = record["tags"].pop("row.tiny")
            files[name] = json.dumps(record).encode()

    another = spoilt_pack(pack, tmp_path / "another.tar.xz", of_another_table)
    if are_there:
        printed(
            "results", "merge", spoilt_pack(another, tmp_path / "runs.tar.xz", lambda files: files.pop("plan.json"))
        )
        assert all("row.tiny" not in run.tags for run in stored_runs(other))
    printed("results", "merge", another)
    runs = stored_runs(other)
    assert len(runs) == 4
    assert all(run.tags["row.tiny"] == run.tags["row.another"] for run in runs)


def test_a_conflict_is_named_with_both_values_and_nothing_is_merged(
    pack: Path, home: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(files: dict[str, bytes]) -> None:
        name = next(name for name in sorted(files) if name.endswith("run.json"))
        record = json.loads(files[name])
        logged = f'"test/tagging_f1_macro": {json.dumps(record["metrics"]["test/tagging_f1_macro"])}'.encode()
        journal = name.replace("run.json", "journal.jsonl")
        assert logged in files[journal]
        files[journal] = files[journal].replace(logged, b'"test/tagging_f1_macro": 0.123')
        record["metrics"]["test/tagging_f1_macro"] = 0.123
        files[name] = json.dumps(record).encode()

    changed = spoilt_pack(pack, tmp_path / "changed.tar.xz", change)
    assert main(["results", "merge", str(pack), str(changed)]) == 2
    says = capsys.readouterr().err
    assert "test/tagging_f1_macro is " in says
    assert " and 0.123, in " in says
    assert not everything(other / "mlruns" / "runs")
    assert main(["results", "merge", str(pack)]) == 0
    before = everything(other)
    capsys.readouterr()
    assert main(["results", "merge", str(changed)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is 0.123" in line or "and 0.123" in line
    assert line.endswith("nothing was merged")
    assert everything(other) == before


def _of_first(files: dict[str, bytes], last: str) -> str:
    return next(name for name in sorted(files) if name.startswith("runs/") and name.endswith(last))


def _edit_run(files: dict[str, bytes], section: str, more: dict[str, str]) -> None:
    name = _of_first(files, "run.json")
    record = json.loads(files[name])
    record[section] |= more
    files[name] = json.dumps(record).encode()


def _of_table(files: dict[str, bytes], name: str) -> None:
    plan = json.loads(files["plan.json"])
    plan["cells"][0]["row"]["table"] = name
    files["plan.json"] = json.dumps(plan).encode()


SPOILT: dict[str, Callable[[dict[str, bytes]], object]] = {
    "is not that of its parts": lambda files: _edit_run(files, "tags", {"key.data": "../../elsewhere"}),
    "key of run": lambda files: _edit_run(files, "tags", {"key.config": "0" * 16}),
    "name of the store alone": lambda files: _edit_run(files, "tags", {"mlflow.user": "me"}),
    "in run.json and in its journal": lambda files: _edit_run(files, "metrics", {"test/tagging_f1_macro": "0.5"}),
    "does not end with finished": lambda files: files.update({_of_first(files, "journal.jsonl"): b""}),
    "is damaged inside": lambda files: files.update({_of_first(files, "journal.jsonl"): b"[1]\n"}),
    "config.yaml": lambda files: files.update({_of_first(files, "config.yaml"): b"!!python/object:os.system {}"}),
    "provenance.json holds no mapping": lambda files: files.update({_of_first(files, "provenance.json"): b"[]"}),
    "'row.a?b': ": lambda files: _of_table(files, "a?b"),
    "KeyError": lambda files: files.pop(_of_first(files, "run.json")),
}


@pytest.mark.parametrize("says", SPOILT)
def test_a_pack_that_is_spoilt_inside_is_refused_in_a_line(
    says: str, pack: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = spoilt_pack(pack, tmp_path / "spoilt.tar.xz", SPOILT[says])
    assert main(["results", "merge", str(spoilt)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert str(spoilt) in line
    assert not everything(other / "mlruns" / "runs")
    assert not _names_of_experiments(other)


def test_scores_that_are_damaged_are_told_in_a_line(
    pack: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = {_of_first(dict(read_archive(pack).files), "events_test.tsv"): b"x\ty\n1\t\xff\n"}
    spoilt = spoilt_pack(pack, tmp_path / "spoilt.tar.xz", lambda files: files.update(damaged))
    assert main(["report", "--results", str(spoilt)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "spoilt.tar.xz: " in line


def _names_of_experiments(home: Path) -> Iterable[str]:
    return [name for name, _ in Tracker(home).experiments() if name != "Default"]
