"""Runs that travel: packed in one home, printed without one, merged into another; real trainings on synthetic tones."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.planning.merged_data import MERGED
from experiments.stored_results.packs.archive import read_archive
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import TrackedRun

from ....launches import earmark
from .packs import Report, everything, stored_runs

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("style", ["md", "csv", "json", "latex"])
def test_a_report_from_a_pack_is_that_of_its_store_without_store_and_corpora(
    style: str, home: Path, table: Path, pack: Path, other: Path, printed: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_pack = printed("report", "--results", pack, "--format", style)
    assert not everything(other), "a pack needs no store"
    monkeypatch.setenv("EARMARK_HOME", str(home))
    assert printed("report", table, "--format", style) == from_pack
    assert "Stars" in from_pack or "No stars" in from_pack or style == "csv", "with its tests"


def test_rows_of_a_pack_are_those_of_a_plan(pack: Path, home: Path, table: Path, other: Path, printed: Report,
                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    some = ("--rows", "mil_oracle", "--seeds", "1")
    from_pack = printed("report", "tiny", "--results", pack, *some)
    monkeypatch.setenv("EARMARK_HOME", str(home))
    assert printed("report", table, *some) == from_pack


def test_a_page_from_a_pack_has_everything_but_sounds(pack: Path, other: Path, printed: Report, tmp_path: Path) -> None:
    printed("report", "--results", pack, "--output", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "mil_oracle" in page
    assert "earmark-" not in page, "no link into a folder that is gone"


def test_a_pack_is_the_same_bytes_again_and_has_nothing_of_this_machine(pack: Path, home: Path, table: Path) -> None:
    again = pack.with_name("again.tar.xz")
    assert earmark(home, "results", "pack", str(table), "--output", str(again)).returncode == 0
    assert again.read_bytes() == pack.read_bytes()
    everything = b"\n".join(read_archive(pack).files.values()).decode()
    host = next(run.tags["earmark.host"] for run in stored_runs(home))
    for private in (str(home), str(Path.home()), f'"{host}"', "earmark.home", "mlflow."):
        assert private not in everything


def test_merged_runs_are_as_they_were(home: Path, table: Path, pack: Path, other: Path, printed: Report,
                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    assert printed("results", "merge", pack) == "4 runs merged, 0 were here with the same figures\n"
    assert printed("results", "merge", pack, pack) == "0 runs merged, 4 were here with the same figures\n"
    assert printed("data", "tones", "--scale", "tiny")
    assert "0 of 4 cells would run" in printed("plan", table)
    merged_text = printed("report", table)
    here, there = ({run.tags["key"]: run for run in stored_runs(of)} for of in (other, home))
    assert len(stored_runs(other)) == 4
    assert here.keys() == there.keys()
    for key, run in here.items():
        theirs = there[key]
        assert (run.metrics, run.params, run.start_ms) == (theirs.metrics, theirs.params, theirs.start_ms)
        assert run.tags[MERGED] == read_archive(pack).digest
        own = ("earmark.", "mlflow.", "scored_by")
        assert _without(run, own) == _without(theirs, own)
        for metric in run.metrics:
            assert _points(other, run, metric) == _points(home, theirs, metric)
    monkeypatch.setenv("EARMARK_HOME", str(home))
    assert printed("report", table) == merged_text, "to the last character"


@pytest.mark.parametrize("style", ["md", "csv", "json", "latex"])
def test_a_merged_store_reports_without_corpora_as_the_first_one(
    style: str, home: Path, table: Path, pack: Path, other: Path, printed: Report, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    printed("results", "merge", pack)
    assert not (other / "data").exists()
    merged = printed("report", table, "--format", style)
    printed("results", "pack", table, "--output", again := tmp_path / "again.tar.xz")
    assert printed("report", "--results", again, "--format", style) == merged, "its labels are packed again"
    monkeypatch.setenv("EARMARK_HOME", str(home))
    first = printed("report", table, "--format", style)
    ids = {run.run_id for of in (other, home) for run in stored_runs(of)}  # MLflow's own, which CSV and JSON name
    assert len(ids) == 8
    assert re.sub("|".join(ids), "ID", merged) == re.sub("|".join(ids), "ID", first), "to the last character"


def test_curves_travel_where_they_are_asked_for(
    home: Path, other: Path, table: Path, printed: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Stars of PSDS and mAP are drawn from them: without, the command says which columns have none."""
    with_curves, pack = tmp_path / "curves.yaml", tmp_path / "curves.tar.xz"
    with_curves.write_text(table.read_text().replace("columns:\n", "columns:\n  test/psds1: {label: PSDS}\n"))
    monkeypatch.setenv("EARMARK_HOME", str(home))
    first = printed("report", with_curves)
    said = []
    for more in ([], ["--curves"]):
        assert main(["results", "pack", str(with_curves), "--output", str(pack), *more]) == 0
        said.append(capsys.readouterr().err)
    assert ["no tests from it in PSDS" in text for text in said] == [True, False]
    assert printed("report", "--results", pack) == first
    monkeypatch.setenv("EARMARK_HOME", str(other))
    printed("results", "merge", pack)
    assert printed("report", with_curves) == first


def _without(run: TrackedRun, prefixes: tuple[str, ...]) -> dict[str, str]:
    return {name: text for name, text in run.tags.items() if not name.startswith(prefixes)}


def _points(home: Path, run: TrackedRun, metric: str) -> Counter[tuple[int, int, float]]:
    history = Tracker(home)._client.get_metric_history(run.run_id, metric)
    return Counter((point.step, point.timestamp, point.value) for point in history)


def test_runs_of_other_code_are_merged_and_reported_as_they_were(
    table: Path, pack: Path, other: Path, printed: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed("results", "merge", pack)
    edited = tmp_path / "tiny.yaml"
    edited.write_text(table.read_text().replace("max_epochs: 1", "max_epochs: 2"))
    printed("data", "tones", "--scale", "tiny")
    assert main(["report", str(edited)]) == 1
    capsys.readouterr()
    assert "| mil " in printed("report", edited, "--as-run")


def test_an_attempt_that_has_not_finished_here_is_a_conflict(
    pack: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = next(name.split("/")[1] for name in read_archive(pack).files if name.startswith("runs/"))
    folder = other / "mlruns" / "runs" / key
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text('{"t": 1, "kind": "state", "state": "started", "message": ""}\n')
    assert main(["results", "merge", str(pack)]) == 2
    assert "an attempt that has not finished" in capsys.readouterr().err
    assert [path.name for path in folder.parent.iterdir()] == [key]


def test_packs_of_rows_and_seeds_are_a_table_together(
    home: Path, table: Path, pack: Path, other: Path, printed: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(home))
    parts = [tmp_path / f"{seed}.tar.xz" for seed in (0, 1)]
    for seed, part in enumerate(parts):
        printed("results", "pack", table, "--seeds", seed, "--output", part)
    whole = printed("report", table)
    monkeypatch.setenv("EARMARK_HOME", str(other))
    assert printed("report", "--results", ",".join(map(str, parts))) == whole


def test_what_does_not_fit_a_pack_is_refused(pack: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["weak_sed"], "TABLE weak_sed"), (["--scale", "full"], "--scale full"), (["--as-run"], "--as-run"),
        (["--rows", "none"], "unknown row 'none'"), (["--set", "data.corpus=x"], "--set"),
    ):  # fmt: skip
        assert main(["report", *arguments, "--results", str(pack)]) == 2
        assert says in capsys.readouterr().err
    assert main(["report"]) == 2
    assert "TABLE: the name of a shipped table" in capsys.readouterr().err


@pytest.mark.parametrize(("choice", "merged"), [("none", []), ("test", []), ("all", ["test.npz", "validation.npz"])])
def test_predictions_travel_whole_or_stay_in_the_pack(
    choice: str, merged: list[str], home: Path, table: Path, other: Path, printed: Report, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("EARMARK_HOME", str(home))
    some = ("--rows", "mil", "--seeds", "0", "--predictions", choice)
    printed("results", "pack", table, *some, "--output", tmp_path / "p.tar.xz")
    packed = sorted(name for name in read_archive(tmp_path / "p.tar.xz").files if "/predictions/" in name)
    assert [Path(name).name for name in packed] == {"test": ["test.npz"]}.get(choice, merged)
    monkeypatch.setenv("EARMARK_HOME", str(other))
    printed("results", "merge", tmp_path / "p.tar.xz")
    assert sorted(path.name for path in other.glob("mlruns/runs/*/predictions/*")) == merged
