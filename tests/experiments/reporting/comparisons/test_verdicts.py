"""Verdicts of a table from stored files: each kind, in words with its figures, and of any two rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest

from experiments.reporting.comparisons.verdicts import verdict_between
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_latex import latex
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import Report, make_report
from experiments.reporting.significance import compare_rows
from experiments.reporting.verdict_text import verdict_lines, verdicts_of
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.groups import Group
from lightning_modules.metrics.bootstrap import Interval


def made(stored: Stored, folder: Path, wrong: dict[str, list[int]], *, num: int = 60, **changes: object) -> Report:
    """A row for each name, whose first utterances have a word of four wrong: so many by seed."""
    tracker, table = stored.Folders(folder), stored.make_table(folder, "asr", list(wrong), baseline="base")
    wer = replace(table.columns[0], equivalent_within=0.05)
    table = replace(table, columns=(wer,), **changes)
    cells = [
        stored.text_cell(table, tracker, row, seed, stored.texts(number, num=num, speakers=1))
        for row, numbers in wrong.items()
        for seed, number in enumerate(numbers)
    ]
    found = compare_rows(table, cells, StoredScores(tracker), stored.Splits(None), num_resamples=stored.DRAWS)
    return make_report(table, cells, found)


SOME = {"base": [30, 31, 32], "better": [1, 2, 2], "worse": [58, 59, 59], "same": [31, 30, 31], "noisy": [20, 40, 30]}


def test_each_row_has_one_of_four_verdicts(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    report = made(stored, tmp_path, SOME)
    verdicts = {verdict.row: verdict for verdict in verdicts_of(report.table, report.significance)}
    assert {row: verdict.kind for row, verdict in verdicts.items()} == {
        "better": "better", "worse": "worse", "same": "equivalent", "noisy": "undecided",
    }  # fmt: skip
    noisy = verdicts["noisy"]
    assert noisy.least_shown is not None
    assert noisy.least_by_units is not None
    assert noisy.least_by_trainings is not None
    assert noisy.least_shown >= max(noisy.least_by_units, noisy.least_by_trainings)
    assert noisy.ci95.low < noisy.difference < noisy.ci95.high
    assert (verdicts["same"].p_equivalent or 1) < 0.05 == pytest.approx(verdicts["same"].within)


def test_the_words_have_every_row_with_its_figure(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    report = made(stored, tmp_path, SOME)
    heading, says = verdict_lines(report.table, report.significance)
    assert heading.startswith("In words (of other trainings and other test units together, at 5 % after Holm")
    assert "WER, against base: better: better −12.2 (−1" in says
    assert "; worse: worse +11.5 (+" in says
    assert "; equivalent within 5.0: same −0.1 (−" in says
    assert "; undecided: noisy −0.4, since 80 % sure to be seen is a difference of " in says
    assert "by 60 utterances alone" in says
    assert "by 3 seeds alone" in says
    assert f"- {says}" in markdown(report)
    assert json.loads(json_text(report))["in_words"] == [heading, says]
    assert r"WER, against base: better: better $-$12.2" in latex(report)
    document = json.loads(json_text(report))
    assert {verdict["row"]: verdict["kind"] for verdict in document["verdicts"]}["noisy"] == "undecided"


def test_what_the_correction_alone_leaves_undecided_is_said_with_its_own_interval(
    stored: Stored, tmp_path: Path, earmark_home: Path
) -> None:
    """Holm's over ten like rows: each by itself is below 5 %, none is after the correction."""
    many = {f"a{number}": [12, 16, 20] for number in range(10)}
    report = made(stored, tmp_path, {"base": [30, 31, 32], **many})
    verdicts = verdicts_of(report.table, report.significance)
    assert report.significance is not None
    assert all(report.significance.joint[verdict.row, "test/wer"].p < 0.05 <= (verdict.p or 0) for verdict in verdicts)
    assert all(verdict.is_shown_alone for verdict in verdicts)
    says = verdict_lines(report.table, report.significance)[1]
    assert says.startswith("WER, against base: undecided here, better if asked alone: a0 −6.2 (−")
    assert "sure to be seen" not in says


def test_what_differs_on_two_utterances_is_not_shown_alone_whatever_its_interval(
    stored: Stored, tmp_path: Path, earmark_home: Path
) -> None:
    """The exact test's least p over two is .5; the interval of trainings that all agree lies on one side of 0."""
    report = made(stored, tmp_path, {"base": [2, 2, 2], "none": [0, 0, 0], "more": [58, 58, 59], "noisy": [30, 29, 31]})
    verdict = next(of for of in verdicts_of(report.table, report.significance) if of.row == "none")
    assert report.significance is not None
    test = report.significance.test_set["none", "test/wer"]
    assert (test.num_differing, verdict.kind) == (2, "equivalent")  # within the column's .05
    alone = replace(verdict, kind="undecided", ci95=Interval(-0.1, -0.01))
    assert (alone.p_alone, alone.is_shown_alone) == (0.5, False)


def test_rows_that_are_the_same_on_every_unit_are_said_by_name(
    stored: Stored, tmp_path: Path, earmark_home: Path
) -> None:
    numbers = {"base": [30, 30, 30], "twin": [30, 30, 30], "other": [30, 30, 30]}
    report = made(stored, tmp_path / "all", numbers)
    assert verdict_lines(report.table, report.significance)[1] == "WER, against base: the same in every row."
    report = made(stored, tmp_path / "two", numbers | {"other": [58, 59, 59]})
    says = verdict_lines(report.table, report.significance)[1]
    assert says.startswith("WER, against base: the same on every one of the 60 utterances: twin; worse: other +")
    assert "equivalent" not in says


def test_of_one_seed_nothing_is_decided(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    report = made(stored, tmp_path, {"base": [30], "better": [1]})
    (verdict,) = verdicts_of(report.table, report.significance)
    assert (verdict.kind, verdict.p, verdict.least_shown) == ("undecided", None, None)
    assert report.stars("better", "test/wer") == ""
    text = markdown(report)
    assert "No stars against base: there is one seed" in text
    assert "one training says nothing of others" in text
    assert verdict.ci95.high < 0  # the test set's interval stays


def test_any_two_rows_can_be_compared(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    report = made(stored, tmp_path, SOME)
    assert report.significance is not None
    columns = report.significance.columns
    verdict = verdict_between(columns, "better", "worse", "test/wer")
    assert verdict is not None
    assert (verdict.kind, verdict.against) == ("better", "worse")
    back = verdict_between(columns, "worse", "better", "test/wer")
    assert back is not None
    assert (back.kind, back.difference) == ("worse", -verdict.difference)
    own, corrected = (
        verdict_between(columns, "noisy", "base", "test/wer"),
        report.significance.joint["noisy", "test/wer"],
    )
    assert own is not None
    assert own.p == corrected.p <= corrected.p_holm
    assert verdict_between(columns, "better", "nobody", "test/wer") is None
    assert verdict_between(columns, "better", "base", "test/none") is None


def test_each_row_meets_its_own_baseline_and_holm_counts_its_group(
    stored: Stored, tmp_path: Path, earmark_home: Path
) -> None:
    """``same`` against ``noisy`` is a group of one: its p stays as it is; the rest are three."""
    groups = (Group("of_noisy", "Noisy", ("same",), "noisy"),)
    report = made(stored, tmp_path, SOME, groups=groups)
    found = report.significance
    assert found is not None
    assert found.baselines == {"better": "base", "worse": "base", "noisy": "base", "same": "noisy"}
    same, worse = found.joint["same", "test/wer"], found.joint["worse", "test/wer"]
    assert same.difference == pytest.approx((92 - 90) / 3 / 240)
    assert same.p_holm == same.p
    assert worse.p_holm >= 2 * worse.p
    assert "WER, against noisy: undecided: same" in verdict_lines(report.table, found)[2]


def test_what_no_training_changes_has_no_spread(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    """Two rows that are right everywhere at every seed are the same, however much other rows of the column vary."""
    report = made(stored, tmp_path, {"base": [0, 0], "same": [0, 0], "noisy": [10, 40], "constant": [50, 50]})
    assert report.significance is not None
    verdicts = {verdict.row: verdict for verdict in verdicts_of(report.table, report.significance)}
    assert (verdicts["same"].kind, verdicts["same"].difference, verdicts["same"].ci95) == ("equivalent", 0.0, (0, 0))
    assert verdicts["constant"].kind == "worse"
    assert verdicts["constant"].least_by_trainings == 0.0
    assert verdicts["noisy"].kind == "undecided"
