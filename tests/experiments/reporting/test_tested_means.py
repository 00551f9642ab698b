"""A test against the baseline is of the two means that are shown, of all their runs, or it is not made."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.reporting.formats.report_csv import comma_separated
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import Report, make_report
from experiments.reporting.significance import compare_rows
from experiments.reporting.significance_text import compared
from experiments.stored_results.stored_scores import StoredScores


def _without_scores(stored: Stored, folder: Path, *gone: tuple[str, int]) -> Report:
    """Four rows of two seeds each, of which some have no stored predictions."""
    tracker, table = stored.Folders(folder), stored.make_table(folder, "asr", ["base", "better", "best"])
    cells = [
        stored.text_cell(table, tracker, row, seed, stored.texts(wrong + seed))
        for row, wrong in (("base", 20), ("better", 2), ("best", 1))
        for seed in (0, 1)
    ]
    for cell in cells:
        if (cell.row.name, cell.seed) in gone:
            (stored.scores_of(tracker, cell) / "errors_test.csv").unlink()
    scores, splits = StoredScores(tracker), stored.Splits(None)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=stored.DRAWS)
    return make_report(table, cells, found)


def test_a_mean_is_tested_on_all_its_runs_or_has_no_star(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made = _without_scores(stored, tmp_path, ("best", 1))
    assert made.significance is not None
    assert {row for row, _ in made.significance.test_set} == {"better"}
    assert "Not tested over the test set: best: its stored predictions" in markdown(made)
    assert "(seed 1)." in markdown(made)
    assert made.stars("best", "test/wer") == ""
    assert compared(made.significance, "best", "test/wer")["p"] is None
    assert "test_set" not in json.loads(json_text(made))["rows"]["best"]["test/wer"]
    assert "best,test/wer,0.0125" in comma_separated(made)  # the mean is of both seeds
    for row, metric in made.significance.test_set:
        test, mean = made.significance.test_set[row, metric], {of: made.cells[of, metric] for of in (row, "base")}
        assert test.difference == pytest.approx(mean[row].mean - mean["base"].mean)


def test_with_a_run_of_the_baseline_gone_no_row_is_tested(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made = _without_scores(stored, tmp_path, ("base", 0))
    assert made.significance is not None
    assert not made.significance.test_set
    assert made.significance.left_out == (
        "not tested over the test set: base: its stored predictions or its corpus are not on this disk (seed 0); it is "
        "the baseline, so no row is tested",
    )
    assert {row for row, _ in made.significance.seeds} == {"better", "best"}  # which need the figures alone


def _with_a_diverged_seed(stored: Stored, folder: Path, row: str) -> tuple[Report, str]:
    """Two rows of two seeds, of which the first one of ``row`` has an infinite WER; the report and its page."""
    tracker, table = stored.Folders(folder), stored.make_table(folder, "asr", ["base", "better"])
    cells = [
        stored.text_cell(table, tracker, name, seed, stored.texts(wrong + seed))
        for name, wrong in (("base", 20), ("better", 2))
        for seed in (0, 1)
    ]
    place = next(place for place, cell in enumerate(cells) if cell.row.name == row)
    run = cells[place].run
    assert run is not None
    cells[place] = replace(cells[place], run=replace(run, metrics={**run.metrics, "test/wer": math.inf}))
    page, made = stored.page_of(folder, "asr", None, cells, tracker)
    return made, page


def test_a_diverged_seed_has_no_star_and_is_on_the_page(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made, page = _with_a_diverged_seed(stored, tmp_path, "better")
    assert made.significance is not None
    assert set(made.significance.test_set) == {("better", "test/cer")}
    assert set(made.significance.seeds) == {("better", "test/cer")}
    line = next(line for line in markdown(made).splitlines() if line.startswith("| better"))
    assert line.split("|")[2].strip() == "2.5 (1 of 2 diverged)"
    assert "**" in line.split("|")[3]  # its other column has both seeds
    assert "Not tested in test/wer: better: 1 of 2 seeds diverged." in page
    assert "(1 of 2 diverged)</button>" in page
    assert "seed 0: <b>inf</b>" in page


def test_nothing_is_tested_against_a_baseline_that_diverged(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    made, _ = _with_a_diverged_seed(stored, tmp_path, "base")
    assert made.significance is not None
    assert set(made.significance.test_set) == {("better", "test/cer")}
    assert "Not tested in test/wer: base: 1 of 2 seeds diverged; it is the baseline, so no row is tested." in markdown(
        made
    )


FIGURES = st.sampled_from(["fine", "diverged", "without scores", "missing"])


@given(
    base=st.lists(FIGURES, min_size=1, max_size=3),
    better=st.lists(FIGURES, min_size=1, max_size=3),
)
@settings(max_examples=30)
def test_whatever_is_lost_a_test_is_of_the_means_that_are_shown(
    stored: Stored, tmp_path_factory: pytest.TempPathFactory, base: list[str], better: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    tracker, table = stored.Folders(folder), stored.make_table(folder, "asr", ["base", "better"])
    cells = []
    for row, wrong, states in (("base", 20, base), ("better", 2, better)):
        for seed, state in enumerate(states):
            if state == "missing":
                cells.append(stored.make_cell(table, tracker, row, seed, None))
                continue
            cell = stored.text_cell(table, tracker, row, seed, stored.texts(wrong + seed))
            if state == "without scores":
                (stored.scores_of(tracker, cell) / "errors_test.csv").unlink()
            if state == "diverged":
                cell = replace(cell, run=replace(cell.run, metrics={**cell.run.metrics, "test/wer": math.inf}))
            cells.append(cell)
    scores, splits = StoredScores(tracker), stored.Splits(None)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=200)
    made = make_report(table, cells, found)
    place, means = ("better", "test/wer"), {row: made.cells[row, "test/wer"] for row in ("base", "better")}
    finished = {row: [state for state in of if state != "missing"] for row, of in (("base", base), ("better", better))}
    whole = all(of and set(of) == {"fine"} for of in finished.values())
    assert (place in found.test_set) == whole
    if "diverged" in better:
        assert "better" not in made.best(table.columns[0])
        assert made.stars(*place) == ""
    for test in (found.test_set.get(place), found.seeds.get(place)):
        if test is not None:
            assert means["better"] is not None
            assert means["base"] is not None
            assert test.difference == pytest.approx(means["better"].mean - means["base"].mean)
