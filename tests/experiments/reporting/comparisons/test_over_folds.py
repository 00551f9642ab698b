"""Two rows over 3 folds × 2 seeds from stored files: stars, both tests, verdict and power, all figures by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import numpy as np
import pytest

from experiments.planning.cell import Cell
from experiments.reporting.comparisons.power import power_document
from experiments.reporting.comparisons.verdicts import judge
from experiments.reporting.report import make_report
from experiments.reporting.significance import Significance, compare_rows
from experiments.reporting.significance_text import footnotes
from experiments.reporting.verdict_text import verdict_lines
from experiments.stored_results.stored_scores import StoredScores, Utterance
from experiments.table_files.spec import Table

FOLDS, SEEDS, UNITS, WORDS = ("a", "b", "c"), (0, 1), 20, 4
# Utterances with a word of four wrong, by fold and seed: differences over a fold's seeds are -6, -8 and -5 of 80 words.
BASE = {("a", 0): 10, ("a", 1): 12, ("b", 0): 14, ("b", 1): 12, ("c", 0): 9, ("c", 1): 11}
NEW = {("a", 0): 5, ("a", 1): 5, ("b", 0): 4, ("b", 1): 6, ("c", 0): 6, ("c", 1): 4}
WER = "test/wer"


def texts_of(stored: Stored, fold: str, wrong: int) -> Sequence[Utterance]:
    """Utterances of the fold's own, each of one of five speakers of its own."""
    named = stored.texts(wrong, num=UNITS, speakers=5)
    return [
        item._replace(utterance_id=f"{fold}-{item.utterance_id}", speaker=f"{fold}-{item.speaker}") for item in named
    ]


def compared(
    stored: Stored, folder: Path, rows: Mapping[str, Mapping[tuple[str, int], int]], *, named: bool = True
) -> tuple[Table, list[Cell], Significance]:
    """``named`` utterances are told apart by their ids, others by their corpora alone."""
    tracker = stored.Folders(folder)
    table = stored.make_table(folder, "asr", list(rows), baseline="base")
    table = replace(table, columns=(replace(table.columns[0], equivalent_within=0.2),),
                    folds={fold: {"data.corpus": f"x/{fold}"} for fold in FOLDS})  # fmt: skip
    cells = []
    for row, of in rows.items():
        for number, ((fold, seed), wrong) in enumerate(of.items()):
            texts = texts_of(stored, fold, wrong) if named else stored.texts(wrong, num=UNITS, speakers=5)
            cell = stored.text_cell(table, tracker, row, number, texts)
            if not named:
                (config := deepcopy(cell.row.config))["data"]["init_args"]["corpus"] = f"x/{fold}"
                cell = replace(cell, row=replace(cell.row, config=config))
            cells.append(replace(cell, seed=seed, fold=fold))
    found = compare_rows(table, cells, StoredScores(tracker), stored.Splits(None), num_resamples=stored.DRAWS)
    return table, cells, found


def test_utterances_of_one_name_in_other_corpora_are_others(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    found = {}
    for named in (True, False):
        (folder := tmp_path / str(named)).mkdir()
        found[named] = compared(stored, folder, {"base": BASE, "new": NEW}, named=named)[2]
    named, by_corpus = (of.joint["new", WER] for of in (found[True], found[False]))
    assert by_corpus.p == named.p
    of_units = [of.test_set["new", WER] for of in found.values()]
    assert of_units[0].num_differing == of_units[1].num_differing > UNITS / 2
    assert of_units[0].num_units == of_units[1].num_units


def test_three_folds_of_two_seeds_by_hand(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    table, cells, found = compared(stored, tmp_path, {"base": BASE, "new": NEW})
    by_fold = np.array([-6.0, -8.0, -5.0]) / (UNITS * WORDS)
    joint, seeds = found.joint["new", WER], found.seeds["new", WER]
    assert joint.difference == pytest.approx(by_fold.mean())
    assert (joint.over, joint.n, seeds.over, seeds.n) == ("folds", 3, "folds", 3)
    share = 1 / 2  # no card of these corpora is on this disk: 1 / (k - 1)
    se = math.sqrt((1 / 3 + share) * by_fold.var(ddof=1))
    t = abs(by_fold.mean()) / se  # 4.54
    p = 1 - t / math.sqrt(t * t + 2)  # Student's t of two degrees of freedom, both sides
    assert seeds.p == pytest.approx(p)
    assert joint.p == pytest.approx(max(p, found.test_set["new", WER].p))
    assert joint.ci95 == pytest.approx((by_fold.mean() - 4.302653 * se, by_fold.mean() + 4.302653 * se), rel=1e-5)
    t = (0.2 + by_fold.mean()) / se  # within 20 points: the nearer end
    assert joint.p_equivalent == pytest.approx((1 - t / math.sqrt(t * t + 2)) / 2)
    assert set(make_report(table, cells, found).stars("new", WER)) == {"*"}
    assert "corrected resampled t-test over 3 folds" in footnotes(found)[0]
    verdict = judge(
        table.columns[0], "new", "base", found.test_set["new", WER], joint, p=joint.p_holm, p_equivalent=None
    )
    assert (verdict.kind, verdict.least_by_trainings) == ("better", None)
    assert "WER, against base: " in verdict_lines(table, found)[1]
    row = power_document(table, found, {WER: 0.05})["columns"][WER]["rows"]["new"]
    assert (row["over"], row["n"], row["seeds"], row["units"]) == ("folds", 3, None, None)
    one = by_fold.var(ddof=1)
    # the least k with (t.025 + t.2) · sqrt((1/k + 1/(k - 2)) · s²) within five points: quantiles of 4 and 5 degrees
    assert (
        math.sqrt((1 / 5 + 1 / 3) * one) * (2.776445 + 0.940965)
        > 0.05
        >= math.sqrt((1 / 6 + 1 / 4) * one) * (2.570582 + 0.919544)
    )
    assert row["folds"] == 6


def test_the_test_set_is_drawn_fold_by_fold_in_blocks(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    """Fifteen speakers, five a fold, are enough blocks: each fold's are drawn by themselves, and figures averaged."""
    _, _, found = compared(stored, tmp_path, {"base": BASE, "new": NEW})
    test = found.test_set["new", WER]
    assert (test.units, test.num_units, test.seeds, test.baseline_seeds) == ("speakers", 15, SEEDS, SEEDS)
    variance = 0.0
    for fold in FOLDS:
        wrong = [np.mean([[k < of[fold, seed] for k in range(UNITS)] for seed in SEEDS], axis=0) for of in (NEW, BASE)]
        by_speaker = np.array([(wrong[0] - wrong[1])[speaker::5].sum() for speaker in range(5)]) / (UNITS * WORDS)
        variance += 5 * by_speaker.var() / 9  # of five draws' sum, as a third of the mean
    assert test.se == pytest.approx(math.sqrt(variance), rel=0.05)  # of so many draws
    assert test.ci95.low < test.difference < test.ci95.high < 0


def test_folds_of_one_test_set_meet_the_same_draws(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    """Training folds scored on one test split: its units count once."""
    tracker = stored.Folders(tmp_path)
    table = replace(stored.make_table(tmp_path, "asr", ["base", "new"], baseline="base"),
                    folds={fold: {"data.corpus": f"x/{fold}"} for fold in FOLDS})  # fmt: skip
    cells = [
        replace(stored.text_cell(table, tracker, row, number, stored.texts(wrong, speakers=1)), seed=seed, fold=fold)
        for row, of in (("base", BASE), ("new", NEW))
        for number, ((fold, seed), wrong) in enumerate(of.items())
    ]
    found = compare_rows(table, cells, StoredScores(tracker), stored.Splits(None), num_resamples=stored.DRAWS)
    assert found.test_set["new", WER].num_units == 30


def test_rows_of_other_folds_are_not_compared(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    _, _, found = compared(stored, tmp_path, {"base": BASE, "new": {of: NEW[of] for of in NEW if of[0] != "c"}})
    assert found.joint == {}
    assert found.left_out == (
        "not tested over the test set: new: it was scored on other utterances than base",
        "not tested over seeds: new: its mean is over fold a seeds 0, 1; fold b seeds 0, 1, that of base over fold a "
        "seeds 0, 1; fold b seeds 0, 1; fold c seeds 0, 1",
    )
