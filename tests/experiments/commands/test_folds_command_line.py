"""Tables of folds as a user runs them: three folds and two seeds, interrupted, resumed, reported, by hand."""

from __future__ import annotations

import csv
import io
import json
import signal
import statistics
import subprocess
from pathlib import Path
from typing import Any

import pytest

from datamodules.corpora.sounds import tones

from ...launches import TINY, command, earmark, environment, runs, wait_for

pytestmark = pytest.mark.integration
PLACES = [(str(fold), seed) for fold in "abc" for seed in (0, 1)]
CORPORA = (
    "folds: {a: {data.corpus: tones/tiny}, b: {data.corpus: tones/tiny-seed1}, c: {data.corpus: tones/tiny-seed2}}\n"
)
F1 = "test/tagging_f1_macro"


def table_in(folder: Path, folds: str) -> Path:
    """The tiny table with two seeds of a row that trains, one of a row that scores it, and folds."""
    text = TINY.read_text(encoding="utf-8")
    start, end = text.index("  broken:"), text.index("seeds:")
    path = folder / "folded.yaml"
    text = text[:start] + text[end:].replace("seeds: [0]", "seeds: [0, 1]") + folds
    path.write_text(text.replace("stage: score", "stage: score, seeds: [0]"), encoding="utf-8")
    return path


def stored(home: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """(row, fold, seed) of every run folder, with its key, its data section and its last test figure by the journal."""
    found = {}
    for folder in runs(home):
        place = json.loads((folder / "provenance.json").read_text())
        lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
        figures = [line["values"][F1] for line in lines if line["kind"] == "metrics" and F1 in line["values"]]
        key = json.loads((folder / "key.json").read_text())
        found[place["row"], place["fold"], place["seed"]] = {
            "f1": figures[-1], "folder": folder, "data": key["config"]["data"]["init_args"],
        }  # fmt: skip
    return found


def _journal(folder: Path) -> str:
    path = folder / "journal.jsonl"
    return path.read_text() if path.exists() else ""


def check_report(home: Path, table: Path, runs_of: dict[tuple[str, str, int], dict[str, Any]]) -> None:
    """The CSV's figures are the mean and deviation of what the runs' journals have."""
    report = earmark(home, "report", str(table), "--format", "csv")
    assert report.returncode == 0, report.stderr
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(report.stdout)) if line["metric"] == F1}
    assert set(lines) == {"mil", "mil_oracle"}
    for row in {row for row, *_ in runs_of}:
        line = lines[row]
        values = [of["f1"] for (name, *_), of in runs_of.items() if name == row]
        assert len(values) == int(line["n"]) == (6 if row == "mil" else 3)
        assert float(line["mean"]) == pytest.approx(sum(values) / len(values))
        assert float(line["std"]) == pytest.approx(statistics.stdev(values))
        places = sorted(name.partition(":")[0] for name in line["runs"].split())
        assert places == sorted(f"{fold}/{seed}" for name, fold, seed in runs_of if name == row)


def test_corpora_as_folds_planned_stopped_resumed_and_reported(tiny_tones: Path, tmp_path: Path) -> None:
    home = tiny_tones.parents[2]
    tones.prepare("tiny", seed=1)
    tones.prepare("tiny", seed=2)
    table = table_in(tmp_path, CORPORA)
    plan = earmark(home, "plan", str(table))
    assert "9 of 9 cells would run" in plan.stdout
    assert "folded/mil_oracle fold c seed 0" in plan.stdout

    only = ("--folds", "b", "--seeds", "1", "--rows", "mil")
    assert "1 of 1 cells would run" in earmark(home, "plan", str(table), *only).stdout
    launcher = subprocess.Popen(command("run", str(table)), stderr=subprocess.PIPE, text=True, env=environment(home))
    wait_for(lambda: any("finished" in _journal(folder) for folder in runs(home)), 600)
    launcher.send_signal(signal.SIGINT)
    _, errors = launcher.communicate(timeout=60)
    assert launcher.returncode == 130, errors
    num_left = int(earmark(home, "plan", str(table)).stdout.rpartition(" of 9 cells would run")[0].split()[-1])
    assert 0 < num_left < 9
    whole = earmark(home, "run", str(table))
    assert whole.returncode == 0, whole.stderr

    found = stored(home)
    assert set(found) == {("mil", *place) for place in PLACES} | {("mil_oracle", fold, 0) for fold in "abc"}
    assert {fold: of["data"]["corpus"] for (_, fold, _), of in found.items()} == {
        "a": "tones/tiny", "b": "tones/tiny-seed1", "c": "tones/tiny-seed2",
    }  # fmt: skip
    check_report(home, table, found)
    assert "0 of 9 cells would run" in earmark(home, "plan", str(table)).stdout
    markdown = earmark(home, "report", str(table)).stdout
    assert "mean ± std over 3 folds × 2 seeds" in markdown
    one = earmark(home, "report", str(table), "--folds", "b").stdout
    assert "mean ± std over 1 fold × 2 seeds" in one

    folder = found["mil", "b", 1]["folder"]
    again = earmark(home, "reproduce", folder.name, "--output", str(tmp_path / "again"))
    assert again.returncode == 0, again.stdout
    assert "mil fold b seed 1" in again.stdout
    assert "--rows mil --folds b --seeds 1" in again.stdout


@pytest.mark.slow  # the same through deals
def test_deals_of_one_corpus_as_folds(tiny_tones: Path, tmp_path: Path) -> None:
    home = tiny_tones.parents[2]
    table = table_in(tmp_path, "folds: {deals: 3, by: family}\n")
    done = earmark(home, "run", str(table), "--rows", "mil")
    assert done.returncode == 0, done.stderr
    assert "tones/tiny: deal 0 of 3 by family: train" in done.stdout + done.stderr
    found = stored(home)
    assert set(found) == {("mil", str(fold), seed) for fold in range(3) for seed in (0, 1)}
    check_report(home, table, found)
    tested: list[str] = []
    for fold in range(3):
        of = found["mil", str(fold), 0]
        assert of["data"]["deal"] == {"fold": fold, "of": 3, "by": "family"}
        tags = (of["folder"] / "scores" / "tags_test.tsv").read_text().splitlines()[1:]
        tested += [line.split("\t")[0] for line in tags]
    assert len(tested) == len(set(tested)) == 16


def test_deals_by_family_of_more_parts_than_sources_are_refused_at_the_plan(tiny_tones: Path, tmp_path: Path) -> None:
    table = table_in(tmp_path, "folds: {deals: 40, by: family}\n")
    plan = earmark(tiny_tones.parents[2], "plan", str(table))
    assert plan.returncode == 2
    (line,) = plan.stderr.splitlines()
    assert "deal 0 of 40 by family" in line
    assert "allowed: 40 or more" in line
