"""A search in a report: validation chooses, the row has the winner's test figures, its trials win nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored
from typing import Any

import pytest

from experiments.planning.cell import Cell
from experiments.reporting.expected import leaving
from experiments.reporting.formats.report_csv import comma_separated
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_latex import latex
from experiments.reporting.formats.report_markdown import markdown, note
from experiments.reporting.formats.report_page import write_page
from experiments.reporting.report import Report, make_report
from experiments.reporting.searched import Searched, apart
from experiments.reporting.significance import compare_rows
from experiments.statistics.rerun_interval import RerunInterval
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.search_spec import read_search
from experiments.table_files.spec import Table

SEARCH = {"metric": "validation/cer", "better": "lower", "trials": 3, "space": {"model.dropout": [0.0, 0.2, 0.4]}}
TRIALS = [f"tuned.trial={number:03d}" for number in range(3)]


def _table(stored: Stored, folder: Path) -> Table:
    table = stored.make_table(folder, "asr", ["base", *TRIALS, "last"], baseline="base")
    rows = dict(table.rows)
    for number, name in enumerate(TRIALS):
        model = {"class_path": "m.M", "init_args": {"dropout": number / 5}}
        rows[name] = replace(rows[name], config={**rows[name].config, "model": model})
    search = read_search(SEARCH, where="t.yaml")
    return replace(table, rows=rows, searches={"tuned": search}, grids={"tuned": tuple(TRIALS)})


def _cells(stored: Stored, table: Table, tracker: Any, validation: Sequence[float | None]) -> list[Cell]:
    """Trial k has k wrong texts on the test split, and this on the validation split; None is a failed trial."""
    cells = [stored.text_cell(table, tracker, row, 0, stored.texts(9)) for row in ("base", "last")]
    for wrong, (name, figure) in enumerate(zip(TRIALS, validation, strict=True)):
        cell = stored.text_cell(table, tracker, name, 0, stored.texts(wrong))
        assert cell.run is not None
        found = {**cell.run.metrics, "validation/cer": figure or 0.0}
        failed = replace(cell, state="failed", run=None)
        cells.append(failed if figure is None else replace(cell, run=replace(cell.run, metrics=found)))
    return cells


def _report(stored: Stored, folder: Path, validation: Sequence[float | None]) -> tuple[Report, Searched, str]:
    tracker, table = stored.Folders(folder), _table(stored, folder)
    table, cells, searches = apart(table, _cells(stored, table, tracker, validation))
    scores, splits = StoredScores(tracker), stored.Splits(None)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=stored.DRAWS)
    made = make_report(table, cells, found, searches=searches)
    write_page(made, cells, tracker, scores, splits, path=folder / "out.html", mlflow_url="http://127.0.0.1:5000")
    return made, searches[0], (folder / "out.html").read_text(encoding="utf-8")


def test_the_row_is_validations_winner_though_another_is_better_on_the_test_split(
    stored: Stored, tmp_path: Path, earmark_home: Path
) -> None:
    made, searched, page = _report(stored, tmp_path, [0.3, 0.2, 0.1])
    assert made.rows == ("base", "tuned", "last")  # in the place of its trials
    assert searched.winner == TRIALS[2]
    assert made.cells["tuned", "test/wer"] == (2 / 120, None, 1)
    assert made.values["tuned", "test/wer"][0].run_id == f"run_{TRIALS[2]}_0"
    assert made.significance is not None
    assert {row for row, _ in made.significance.test_set} == {"tuned", "last"}  # Holm counts no trials
    says = "tuned is tuned.trial=002, the best: validation/cer 0.1, lower is better; 3 of 3 trials have one"
    for text in (markdown(made), note(made), page):
        assert says in text
    assert says in latex(made)


def test_trials_are_listed_apart_and_win_nothing(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made, _, page = _report(stored, tmp_path, [0.3, 0.2, 0.1])
    table, below = markdown(made).split("<details>")
    trials = below.split("</details>")[0]
    assert TRIALS[0] not in table.split("- `base`")[0]
    lines = [line for line in trials.splitlines() if line.startswith("| tuned")]
    assert [line.split("|")[1].strip() for line in lines] == [*TRIALS[:2], f"{TRIALS[2]} (chosen)"]
    assert [text.strip() for text in lines[0].split("|")[2:6]] == ["finished", "0.3", "0.0", "0.0"]
    assert "**" not in trials
    assert "∗" not in trials
    folded = page[page.index("Trials of tuned") :].split("</details>")[0]
    assert all(name in folded for name in TRIALS)
    assert "best" not in folded
    document = json.loads(json_text(made))
    assert set(document["rows"]) == {"base", "tuned", "last"}
    search = document["searches"]["tuned"]
    assert search["winner"] == TRIALS[2]
    assert search["trials"][TRIALS[0]]["settings"] == {"model.dropout": 0.0}
    of_trial = search["trials"][TRIALS[0]]["columns"]["test/wer"]
    assert (of_trial["best"], of_trial["stars"]) == (False, "")
    rows = [line["row"] for line in csv.DictReader(io.StringIO(comma_separated(made))) if line["metric"] == "test/wer"]
    assert rows == ["base", "tuned", "last", *TRIALS]
    assert TRIALS[0] not in latex(made)


def test_a_failed_trial_is_said_and_is_no_missing_cell(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made, searched, _ = _report(stored, tmp_path, [0.3, None, 0.1])
    assert searched.state(TRIALS[1]) == "failed"
    assert "; 2 of 3 trials have one, 1 failed" in markdown(made)
    assert made.missing == ()
    assert leaving(made, {"tuned": {"test/wer": RerunInterval(0.0, 0.1, None, None)}}, whole=True) == []


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_trial_that_diverged_or_is_not_whole_is_never_chosen(stored: Stored, tmp_path: Path, better: str) -> None:
    table = _table(stored, tmp_path)
    search = read_search({**SEARCH, "better": better}, where="t.yaml")
    cells = _cells(stored, table, stored.Folders(tmp_path), [0.3, float("inf"), 0.1])
    unfinished = replace(cells[-1], seed=1, state="missing", run=None)
    _, _, (searched,) = apart(replace(table, searches={"tuned": search}), [*cells, unfinished])
    assert searched.winner == TRIALS[0]
    assert "the best so far" in searched.says


def test_before_a_trial_has_ended_the_row_is_missing(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made, searched, _ = _report(stored, tmp_path, [None, None, None])
    assert searched.winner is None
    assert made.cells["tuned", "test/wer"] is None
    assert made.missing == ("t/tuned seed 0 (missing)",)
    assert "tuned: none of 3 trials has a figure yet, 3 failed" in markdown(made)


def test_a_table_without_a_search_is_left_as_it_is(stored: Stored, tmp_path: Path) -> None:
    table = stored.make_table(tmp_path, "asr", ["base"])
    cells = [stored.make_cell(table, stored.Folders(tmp_path), "base", 0, {"test/wer": 0.5})]
    assert apart(table, cells) == (table, cells, ())
