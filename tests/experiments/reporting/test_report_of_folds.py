"""Means over folds and seeds in every format, against sums by hand, and what is said of runs that are not there."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from experiments.reporting.environments import Environment
from experiments.reporting.formats.report_csv import comma_separated
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import Report, make_report
from experiments.reporting.report_notes import notes
from experiments.runs.keys import RunKey
from experiments.table_files.spec import Table
from experiments.tracking.tracked_run import TrackedRun

WER = "test/wer"
VALUES = {("a", 0): 0.2, ("a", 1): 0.3, ("b", 0): 0.4, ("b", 1): 0.1, ("c", 0): 0.6, ("c", 1): 0.2}


def folded(stored: ModuleType, folder: Path) -> Table:
    table: Table = stored.make_table(folder, "asr", ["base", "new"])
    return replace(table, folds={fold: {"data.corpus": f"x/{fold}"} for fold in "abc"})


def test_folds_are_named_by_the_first_and_the_last(stored: ModuleType, tmp_path: Path) -> None:
    table, tracker = folded(stored, tmp_path), stored.Folders(tmp_path)
    cells = [replace(stored.make_cell(table, tracker, "base", number, None), fold=f"{number}") for number in range(3)]
    for number, cell in enumerate(cells):
        config = {**cell.row.config, "data": {**cell.row.config["data"], "init_args": {"corpus": f"x/fold{number}"}}}
        cells[number] = replace(cell, row=replace(cell.row, config=config))
    assert "x/fold0 to x/fold2, each (not prepared here)" in make_report(table, cells).heading
    assert "x/fold0, x/fold1 (not prepared here)" in make_report(table, cells[:2]).heading


def report_of(stored: ModuleType, folder: Path, values: Mapping[tuple[str, int], float]) -> Report:
    table, tracker = folded(stored, folder), stored.Folders(folder)
    cells = []
    for number, place in enumerate(VALUES):
        fold, seed = place
        key = RunKey(f"base {fold}", "", "", seed, "")
        cell = replace(stored.make_cell(table, tracker, "base", number, None), seed=seed, fold=fold, key=key)
        if place in values:
            run = TrackedRun(f"run{fold}{seed}", "finished", {"key": key.id}, {WER: values[place]})
            cell = replace(cell, state="finished", run=run)
        cells.append(cell)
    return make_report(table, cells)


def test_a_mean_is_over_every_fold_and_seed(stored: ModuleType, tmp_path: Path) -> None:
    report = report_of(stored, tmp_path, VALUES)
    summary = report.cells["base", WER]
    assert summary is not None
    mean = (0.2 + 0.3 + 0.4 + 0.1 + 0.6 + 0.2) / 6
    std = math.sqrt(sum((value - mean) ** 2 for value in VALUES.values()) / 5)
    assert (summary.mean, summary.std, summary.n) == (pytest.approx(mean), pytest.approx(std), 6)
    assert report.of_fewer("base", WER) == ""
    assert report.heading.endswith("mean ± std over 3 folds × 2 seeds")
    assert "30.0 ± 17.9" in markdown(report)


def test_programs_find_every_run_by_fold_and_seed(stored: ModuleType, tmp_path: Path) -> None:
    report = report_of(stored, tmp_path, VALUES)
    (line, _) = csv.DictReader(io.StringIO(comma_separated(report)))
    assert line["runs"] == "a/0:runa0 a/1:runa1 b/0:runb0 b/1:runb1 c/0:runc0 c/1:runc1"
    document = json.loads(json_text(report))
    seeds = document["rows"]["base"][WER]["seeds"]
    assert {name: of["value"] for name, of in seeds.items()} == {
        f"{fold}/{seed}": VALUES[fold, seed] for fold, seed in VALUES
    }
    assert document["folds"] == ["a", "b", "c"]


def test_runs_that_are_missing_or_diverged_are_named_by_fold(stored: ModuleType, tmp_path: Path) -> None:
    values = {**VALUES, ("b", 1): math.nan}
    del values["c", 0]
    report = report_of(stored, tmp_path, values)
    assert report.of_fewer("base", WER) == "(n=4, 1 of 5 diverged)"
    assert report.missing == ("t/base fold c seed 0 (missing)",)
    text = "\n".join(notes(report))
    assert "diverged, so that the row's mean is of its other runs" in text
    assert "base fold b seed 1 (test/wer nan)" in text


def test_a_run_elsewhere_is_named_by_fold(stored: ModuleType, tmp_path: Path) -> None:
    report = report_of(stored, tmp_path, VALUES)
    here, there = Environment(torch=("2.9",)), Environment(torch=("2.8",))
    values = {
        place: tuple(replace(of, environment=there if of.name == "b/1" else here) for of in runs)
        for place, runs in report.values.items()
    }
    assert "base fold b seed 1: torch 2.8; the others: torch 2.9" in "\n".join(notes(replace(report, values=values)))


def test_the_page_says_fold_and_seed_behind_a_number(stored: ModuleType, tmp_path: Path) -> None:
    from experiments.reporting.formats.report_page import write_page
    from experiments.stored_results.stored_scores import StoredScores

    report, tracker = report_of(stored, tmp_path, VALUES), stored.Folders(tmp_path)
    path = tmp_path / "report.html"
    write_page(
        report, [], tracker, StoredScores(tracker), stored.Splits(None), path=path, mlflow_url="http://localhost"
    )
    page = path.read_text(encoding="utf-8")
    assert "<li>fold b seed 0: <b>40.0</b>" in page
    assert "over folds and seeds" in page
