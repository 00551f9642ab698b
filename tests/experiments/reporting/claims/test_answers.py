"""Verdicts of claims on runs written by hand: all kinds of evidence and verdicts, and what is said of none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scipy.stats

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.claims.answers import Answer, Tested, answer, asked_columns, asked_rows
from experiments.reporting.claims.claims_text import document, markdown
from experiments.reporting.comparisons.columns import read_columns
from experiments.stored_results.stored_counts import read_counts
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.claims_file import Bound, Claim, Comparison, Evidence
from experiments.table_files.spec import Table

from ...stored_runs import Folders, Splits, make_cell, make_table, text_cell, texts

WRONG = {"good": (2, 3, 2), "bad": (20, 22, 21), "same": (3, 2, 3), "noisy": (1, 25, 4), "copy": (2, 3, 2)}
SPIKES = {"good": (0.7, 0.8, 0.75), "bad": (0.5, 0.5, 0.5), "same": (0.2, 0.9, 0.4)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Folders, list[Cell]]:
    """Four rows at three seeds with texts, of which three log a figure that is made of no counts."""
    home = tmp_path_factory.mktemp("home")
    table, tracker = replace(make_table(home, "asr", list(WRONG)), seeds=(0, 1, 2)), Folders(home)
    cells = []
    for row, wrong in WRONG.items():
        for seed, number in enumerate(wrong):
            cell = text_cell(table, tracker, row, seed, texts(number, speakers=30))
            if row in SPIKES and cell.run is not None:
                metrics = {**cell.run.metrics, "test/spikes": SPIKES[row][seed], "test/floor": 0.3}
                cell = replace(cell, run=replace(cell.run, metrics=metrics))
            cells.append(cell)
    return table, tracker, cells


def ask(stored: tuple[Table, Folders, list[Cell]], *evidence: Evidence, within: float | None = None) -> Answer:
    table, tracker, cells = stored
    columns = [replace(column, equivalent_within=within) for column in asked_columns(table, evidence)]
    assert asked_rows(table, evidence)
    table = replace(table, columns=tuple(columns))
    counts = read_counts(cells, StoredScores(tracker), Splits(None), [column.metric for column in columns])
    runs = read_columns(table, cells, counts, Splits(None), num_resamples=2000)
    tested = Tested(table, "heading", runs)
    return answer(Claim("c", "It is so.", "of that", evidence), {("t", None): tested})


def pair(row: str, against: str, expect: Any, metric: str = "test/wer") -> Comparison:
    return Comparison("t", None, row, against, metric, expect)


def bound(row: str, side: Any, value: float | str) -> Bound:
    return Bound("t", None, row, "test/spikes", side, value)


@pytest.mark.parametrize(
    ("row", "against", "expect", "verdict"),
    [
        ("good", "bad", "better", "supported"),
        ("good", "bad", "worse", "contradicted"),
        ("bad", "good", "worse", "supported"),
        ("good", "bad", "not_worse", "supported"),
        ("bad", "good", "not_worse", "contradicted"),
        ("good", "bad", "lower", "supported"),
        ("good", "bad", "higher", "contradicted"),
        ("good", "noisy", "better", "undecided"),
        ("good", "same", "better", "undecided"),
    ],
)
def test_two_rows(runs: tuple[Table, Folders, list[Cell]], row: str, against: str, expect: str, verdict: str) -> None:
    found = ask(runs, pair(row, against, expect))
    assert found.verdict == verdict
    (finding,) = found.findings
    means = {name: sum(wrong) / len(wrong) / 120 for name, wrong in WRONG.items()}
    assert finding.effect == pytest.approx(means[row] - means[against])
    assert finding.ci95 is not None
    assert finding.ci95[0] < finding.effect < finding.ci95[1]
    assert (verdict == "undecided") == (finding.ci95[0] < 0 < finding.ci95[1])


def test_nothing_decides_a_difference_that_is_none(runs: tuple[Table, Folders, list[Cell]]) -> None:
    (finding,) = ask(runs, pair("copy", "good", "better")).findings
    assert (finding.effect, finding.kind) == (0.0, "undecided")
    assert finding.decides == "nothing: no difference was seen"
    (finding,) = ask(runs, pair("good", "same", "better")).findings
    assert finding.decides == "65 folds"


def test_a_difference_below_the_margin_is_none_and_nothing_is_worse_then(
    runs: tuple[Table, Folders, list[Cell]],
) -> None:
    assert ask(runs, pair("good", "same", "better"), within=0.2).verdict == "equivalent"
    assert ask(runs, pair("good", "same", "not_worse"), within=0.2).verdict == "supported"
    assert ask(runs, pair("good", "same", "not_worse"), within=0.0001).verdict == "undecided"
    sure = ask(runs, pair("bad", "good", "not_worse"))  # the interval lies on one side of 0, and within the margin
    assert sure.verdict == "contradicted"
    assert ask(runs, pair("bad", "good", "not_worse"), within=1.0).verdict == "supported"
    assert ask(runs, pair("bad", "good", "worse"), within=1.0).verdict == "equivalent"


def test_equivalence_is_corrected_over_the_comparisons_too(runs: tuple[Table, Folders, list[Cell]]) -> None:
    within = 0.015  # alone below 5 %, of five lines not
    one = pair("good", "same", "not_worse")
    alone = ask(runs, one, within=within).findings[0].p_equivalent
    assert alone is not None
    assert 0.01 < alone < 0.05
    assert ask(runs, one, within=within).verdict == "supported"
    assert ask(runs, *[one] * 5, within=within).verdict == "undecided"


@pytest.mark.parametrize("expect", ["better", "worse", "not_worse"])
def test_what_is_better_neither_way_has_no_better(runs: tuple[Table, Folders, list[Cell]], expect: str) -> None:
    says = f"table t: expect {expect} in test/spikes, which is no column that is better one way; allowed: higher, lower"
    with pytest.raises(UserError, match=says):
        ask(runs, pair("good", "bad", expect, "test/spikes"))


def test_too_few_test_units_decide_nothing(tmp_path: Path) -> None:
    table, tracker = make_table(tmp_path, "asr", ["a", "b"]), Folders(tmp_path)
    cells = [
        text_cell(table, tracker, row, seed, texts(number, num=8, speakers=1))
        for row, number in (("a", 0), ("b", 8))
        for seed in (0, 1, 2)
    ]
    (finding,) = ask((table, tracker, cells), pair("a", "b", "better")).findings
    assert (finding.kind, finding.p) == ("undecided", None)
    assert finding.why == "8 test utterances are too few, allowed: 10 or more"


def test_a_bound_is_students_t_over_the_runs(runs: tuple[Table, Folders, list[Cell]]) -> None:
    above, below = ask(runs, bound("good", "above", 0.5)), ask(runs, bound("good", "below", 0.5))
    assert (above.verdict, below.verdict) == ("supported", "contradicted")
    expected = scipy.stats.ttest_1samp(SPIKES["good"], 0.5)
    (finding,) = above.findings
    assert finding.p == pytest.approx(expected.pvalue)
    assert finding.ci95 == pytest.approx([end - 0.5 for end in expected.confidence_interval()])
    assert ask(runs, bound("same", "above", 0.3)).verdict == "undecided"
    assert ask(runs, bound("good", "above", "test/floor")).verdict == "supported"


def test_figures_without_counts_are_compared_run_by_run(runs: tuple[Table, Folders, list[Cell]]) -> None:
    (finding,) = ask(runs, pair("good", "bad", "higher", "test/spikes")).findings
    expected = scipy.stats.ttest_rel(SPIKES["good"], SPIKES["bad"])
    assert finding.kind == "supported"
    assert finding.p == pytest.approx(expected.pvalue)


def test_p_are_corrected_over_the_comparisons_of_a_claim(runs: tuple[Table, Folders, list[Cell]]) -> None:
    evidence = (bound("good", "above", 0.6), pair("good", "bad", "better"))
    alone = {str(k): ask(runs, one).findings[0].p or 0.0 for k, one in enumerate(evidence)}
    together = {str(k): of.p for k, of in enumerate(ask(runs, *evidence).findings)}
    smaller, larger = sorted(alone, key=lambda name: alone[name])
    assert together[smaller] == pytest.approx(2 * alone[smaller])
    assert together[larger] == pytest.approx(max(alone[larger], 2 * alone[smaller]))


def test_one_that_contradicts_decides_and_what_was_not_run_is_named(
    runs: tuple[Table, Folders, list[Cell]],
) -> None:
    mixed = ask(runs, pair("good", "bad", "better"), pair("good", "bad", "worse"), pair("good", "noisy", "better"))
    assert [of.kind for of in mixed.findings] == ["supported", "contradicted", "undecided"]
    assert mixed.verdict == "contradicted"
    missing = ask(runs, pair("good", "bad", "better"), bound("noisy", "above", 0.5))
    assert missing.verdict == "not run"
    assert missing.findings[1].why == "no finished run of noisy has test/spikes"
    nowhere = answer(Claim("c", "It is so.", "of that", (pair("good", "bad", "better"),)), {})
    assert (nowhere.verdict, nowhere.findings[0].why) == ("not run", "no results of table t")


def test_one_run_decides_nothing(tmp_path: Path) -> None:
    table, tracker = make_table(tmp_path, "asr", ["a", "b"]), Folders(tmp_path)
    cells = [make_cell(table, tracker, row, 0, {"test/spikes": value}) for row, value in (("a", 0.9), ("b", 0.1))]
    found = ask((table, tracker, cells), bound("a", "above", 0.5), pair("a", "b", "higher", "test/spikes"))
    assert found.verdict == "undecided"
    assert [of.why for of in found.findings] == ["one run says nothing of others"] * 2


def test_text_and_document_say_the_same(runs: tuple[Table, Folders, list[Cell]]) -> None:
    table, _, _ = runs
    found = ask(runs, pair("good", "bad", "better"), bound("good", "above", 0.5))
    tables = {("t", None): Tested(table, "heading", {})}
    text, known = markdown([found], tables), document([found], tables)["claims"]["c"]
    assert "| It is so. | **supported** |" in text
    assert "- `t`: heading" in text
    first, second = known["evidence"]
    assert f"| t: good better than bad in test/wer | {100 * first['effect']:+.1f} |" in text
    assert f"| t: good in test/spikes above 0.5 | {second['effect']:+.3f} |" in text
    assert (known["verdict"], first["says"], second["above"]) == ("supported", "supported", 0.5)


def test_a_verdict_of_lines_that_differ_says_what_each_column_says(runs: tuple[Table, Folders, list[Cell]]) -> None:
    worse, better = pair("good", "bad", "worse"), pair("good", "bad", "better")
    mixed = markdown([ask(runs, better, pair("good", "noisy", "better"), bound("good", "above", 0.5))], {})
    assert "| **undecided**: WER 1 supported and 1 undecided, test/spikes supported |" in mixed
    apart = markdown([ask(runs, worse, worse, bound("good", "above", 0.5))], {})
    assert "| **contradicted**: WER 2 contradicted, test/spikes supported |" in apart
