"""Means and comparisons over runs of different torch versions, devices or machines are marked, in every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest

from experiments.planning.cell import Cell, Place
from experiments.reporting.environments import environment_notes, environment_of
from experiments.reporting.formats.report_csv import comma_separated
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_latex import latex
from experiments.reporting.formats.report_markdown import markdown, note
from experiments.reporting.report import Report
from experiments.runs import attempts, provenance

HERE = {"torch": "2.9.1+cpu", "device": "cpu, 1 thread", "hardware": "EPYC, 2 cores"}
OTHER = {**HERE, "torch": "2.8.0+cpu"}


def _on(cell: Cell, facts: Mapping[str, str]) -> Cell:
    assert cell.run is not None
    return replace(cell, run=replace(cell.run, tags={**cell.run.tags, **facts}))


@pytest.fixture
def made(stored: Stored, tmp_path: Path, earmark_home: Path) -> tuple[str, Report]:
    """``mixed`` has a seed with another torch than all else, ``moved`` both."""
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "same", "mixed", "moved"])
    cells = []
    for row, facts in {
        "base": (HERE, HERE),
        "same": (HERE, HERE),
        "mixed": (HERE, OTHER),
        "moved": (OTHER, OTHER),
    }.items():
        for seed in (0, 1):
            cell = stored.text_cell(table, tracker, row, seed, stored.texts(5 + seed))
            cells.append(_on(cell, facts[seed]))
    page, report = stored.page_of(tmp_path, "asr", None, cells, tracker)
    return page, report


def test_every_format_marks_means_and_comparisons_over_environments(made: tuple[str, Report]) -> None:
    page, report = made
    marks = {row: report.mark(row, "test/wer") for row in report.rows}
    assert marks == {"base": "", "same": "", "mixed": "†", "moved": "‡"}
    lines = {line.split("|")[1].strip(): line for line in markdown(report).splitlines() if line.startswith("|")}
    assert {row for row, line in lines.items() if "†" in line or "‡" in line} == {"mixed", "moved"}
    says = "mixed seed 1, moved: torch 2.8.0+cpu; the others: torch 2.9.1+cpu"
    assert says in markdown(report)
    assert says in latex(report)
    assert says in page
    assert "<sup>‡</sup>" in page
    assert r"$^{\dagger}$" in latex(report)
    assert "†, ‡: runs of different torch versions" in note(report)
    cells = json.loads(json_text(report))["rows"]
    assert cells["mixed"]["test/wer"]["mark"] == "†"
    assert cells["mixed"]["test/wer"]["seeds"]["1"]["environment"]["torch"] == ["2.8.0+cpu"]
    rows = {line["row"]: line["mark"] for line in csv.DictReader(io.StringIO(comma_separated(report)))}
    assert rows == marks


def test_only_what_differs_is_named_and_what_is_not_recorded_is_not_compared(stored: Stored, tmp_path: Path) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base"])
    cell = stored.make_cell(table, tracker, "base", 0, {})
    here, unknown = environment_of(_on(cell, HERE)), environment_of(cell)
    threads = environment_of(_on(cell, {**HERE, "device": "cpu, 2 threads"}))
    assert environment_notes({Place("a", 0): here, Place("a", 1): unknown}) == []
    (line,) = environment_notes(
        {Place("a", 0): here, Place("a", 1): unknown, Place("b", 0): threads, Place("b", 1): here}
    )
    assert line.endswith(": a seed 1: not recorded; b seed 0: cpu, 2 threads; the others: cpu, 1 thread")


def test_a_row_that_only_scores_has_the_device_of_the_training_below(stored: Stored, tmp_path: Path) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["fit", "scored"])
    trained = _on(stored.make_cell(table, tracker, "fit", 0, {}), {**HERE, "device": "cuda, 1 thread"})
    scored = _on(stored.make_cell(table, tracker, "scored", 0, {}), {"torch": HERE["torch"], "hardware": "Xeon"})
    found = environment_of(replace(scored, upstream={"own": trained}))
    assert found == (("2.9.1+cpu",), ("cuda, 1 thread",), ("Xeon", "EPYC, 2 cores"))


def test_a_run_says_all_that_it_was_made_on(tmp_path: Path) -> None:
    for torch, device in (("2.8.0", "cpu, 1 thread"), ("2.9.1", "cpu, 1 thread")):  # interrupted, and taken up again
        attempts.begin(tmp_path, {"table": "t"})
        attempt = attempts.Attempt(tmp_path)
        attempt.runs_on(torch=torch)
        attempt.runs_on(device=device)
    tags = provenance.tags(tmp_path)
    assert (tags["torch"], tags["device"]) == ("2.8.0, then 2.9.1", "cpu, 1 thread")
    assert "then" not in tags["hardware"]
