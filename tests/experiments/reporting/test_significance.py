"""A table's rows against its baseline from stored files: which tests there are, on what, and what is left out."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import jiwer
import pytest

from experiments.errors import UserError
from experiments.reporting.comparisons.column import ENOUGH_UNITS
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import make_report
from experiments.reporting.significance import compare_rows
from experiments.reporting.significance_text import compared, footnotes
from experiments.statistics.stats import holm
from experiments.stored_results.stored_scores import StoredScores, Utterance
from lightning_modules.metrics.bootstrap import Bootstrap


def test_word_errors_are_compared_on_the_same_utterances(stored: Stored, tmp_path: Path) -> None:
    found, _ = stored.compare(tmp_path, {"base": [15, 16], "better": [2, 3], "same": [15, 16]})
    better, same = found.test_set["better", "test/wer"], found.test_set["same", "test/wer"]
    assert better.difference == pytest.approx(-13 / 120)
    assert better.ci95.high < 0 < better.p < 0.01
    assert (better.units, better.num_units, better.num_speakers, better.seeds) == ("utterances", 30, 3, (0, 1))
    assert better.ci95_speakers is not None  # three speakers are too few to be the blocks
    assert (same.difference, same.p) == (0.0, 1.0)
    raw = {row: found.test_set[row, "test/wer"].p for row in ("better", "same")}
    assert {row: found.test_set[row, "test/wer"].p_holm for row in raw} == holm(raw)
    together = found.joint["better", "test/wer"]
    assert found.p("better", "test/wer") == together.p_holm
    assert together.p >= better.p  # of other seeds too
    assert found.p("base", "test/wer") is None


def test_one_seed_gives_the_bootstraps_own_interval_over_speakers(stored: Stored, tmp_path: Path) -> None:
    found, _ = stored.compare(tmp_path, {"base": [15], "other": [9]}, speakers=12)
    test = found.test_set["other", "test/wer"]
    assert (test.units, test.num_units, test.ci95_speakers) == ("speakers", 12, None)
    errors = [[int(item.hypothesis.endswith("for")) for item in stored.texts(wrong, speakers=12)] for wrong in (15, 9)]
    own = Bootstrap(num_resamples=stored.DRAWS).compare(*errors, [4] * 30, blocks=[f"s{k % 12}" for k in range(30)])
    assert test.ci95 == pytest.approx(own.ci95)
    assert found.seeds["other", "test/wer"].p is None  # of one seed


def test_seeds_have_their_own_test(stored: Stored, tmp_path: Path) -> None:
    found, _ = stored.compare(tmp_path, {"base": [15, 16, 14], "better": [2, 3, 4], "one": [9]})
    assert found.seeds["better", "test/wer"].n == 3
    assert 0 < (found.seeds["better", "test/wer"].p or 0) < 0.02
    assert ("one", "test/wer") not in found.seeds
    assert found.left_out == ("not tested over seeds: one: its mean is over seed 0, that of base over seeds 0, 1, 2",)
    assert found.test_set["one", "test/wer"].difference == pytest.approx((9 - 15) / 120)  # of the means that are shown
    notes = footnotes(found)
    assert notes[0].startswith("Stars: better than base, ∗ p < .05, ∗∗ p < .01, ∗∗∗ p < .001; ▾, ▾▾, ▾▾▾ worse at")
    assert "the spread over 3 seeds and the paired bootstrap over the 30 test utterances" in notes[0]
    assert "over the one row compared" in notes[0]  # one seed has no star
    assert notes[1].startswith("Blocks are utterances: 3 speakers are too few")
    assert "better in test/wer" in notes[2]
    assert compared(found, "better", "test/wer")["p_seeds"] == found.seeds["better", "test/wer"].p
    assert set(compared(None, "better", "test/wer").values()) == {None}


def test_what_cannot_be_tested_is_left_out_with_the_reason(stored: Stored, tmp_path: Path) -> None:
    tracker, table = (
        stored.Folders(tmp_path),
        stored.make_table(tmp_path, "asr", ["base", "gone", "wrong", "other", "constant"]),
    )
    base = stored.text_cell(table, tracker, "base", 0, stored.texts(3))
    gone = stored.make_cell(table, tracker, "gone", 0, {"test/wer": 0.5})
    stored.scores_of(tracker, gone).rmdir()
    wrong = stored.text_cell(table, tracker, "wrong", 0, stored.texts(2))
    assert wrong.run is not None
    wrong = replace(wrong, run=replace(wrong.run, metrics={"test/wer": 0.9, "test/cer": 0.9}))
    other = stored.text_cell(table, tracker, "other", 0, stored.texts(1, num=20))
    constant = stored.make_cell(table, tracker, "constant", 0, {"test/wer": 0.75, "test/cer": 0.9})
    constant_file = stored.scores_of(tracker, constant) / "constants.json"
    constant_file.write_text('{"wer": {"text": "one", "rate": 0.75}}', encoding="utf-8")
    cells = [base, gone, wrong, other, constant]
    found = compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(None), baseline="base", num_resamples=stored.DRAWS
    )
    assert {row for row, _ in found.test_set} == {"constant"}
    assert found.test_set["constant", "test/wer"].difference == pytest.approx(0.75 - 3 / 120)
    assert found.left_out == (
        "not tested over the test set: gone: its stored predictions or its corpus are not on this disk",
        "not tested over the test set: wrong: its stored predictions give test/wer 0.0167 and the run logged 0.9000",
        "not tested over the test set: other: it was scored on other utterances than base",
    )
    assert tracker.asked == ["run_gone_0/scores/errors_test.csv", "run_gone_0/scores/constants.json"]


def test_events_are_compared_over_clips(stored: Stored, tmp_path: Path) -> None:
    tracker, table, references = (
        stored.Folders(tmp_path),
        stored.make_table(tmp_path, "sed", ["base", "late"]),
        stored.some_references(),
    )
    cells = [
        stored.event_cell(table, tracker, row, seed, references, stored.moved(references, every=every))
        for row, every in (("base", 7), ("late", 2))
        for seed in (0, 1)
    ]
    found = compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(references), baseline="base", num_resamples=stored.DRAWS
    )
    late = found.test_set["late", "test/event_f1_macro"]
    assert late.ci95.low <= late.difference <= late.ci95.high
    assert late.difference < 0
    assert (late.units, late.num_units, late.num_speakers) == ("clips", 12, 0)
    assert found.test_set["late", "test/tagging_f1_macro"].p == 1.0
    assert found.left_out == ()


def test_a_baseline_that_is_not_there_is_said(stored: Stored, tmp_path: Path) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "other"])
    cells = [
        stored.make_cell(table, tracker, "base", 0, None),
        stored.text_cell(table, tracker, "other", 0, stored.texts(2)),
    ]
    scores, splits = StoredScores(tracker), stored.Splits(None)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=stored.DRAWS)
    assert found.left_out == ("no tests: baseline base has no finished run",)
    with pytest.raises(UserError, match=r"baseline: unknown row 'bas' \(did you mean 'base'\?\)"):
        compare_rows(table, cells, scores, splits, baseline="bas", num_resamples=stored.DRAWS)


def test_files_of_another_disk_are_fetched_once(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "other"])
    cells = [stored.text_cell(table, tracker, row, 0, stored.texts(3)) for row in ("base", "other")]
    elsewhere, asked = tmp_path / "elsewhere", []
    stored.scores_of(tracker, cells[1]).rename(elsewhere)

    def download(run_id: str, artifact: str, folder: Path) -> None:
        asked.append(f"{run_id}/{artifact}")
        (folder / artifact).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(elsewhere / Path(artifact).name, folder / artifact)

    monkeypatch.setattr(tracker, "download", download)
    for _ in range(2):
        scores, splits = StoredScores(tracker), stored.Splits(None)
        found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=stored.DRAWS)
        assert found.test_set["other", "test/wer"].p == 1.0
    assert asked == ["run_other_0/scores/errors_test.csv"]


def _exact_p(own: Sequence[Utterance], others: Sequence[Utterance]) -> float:
    """The share of all ways to swap the two systems, utterance by utterance, that differ in WER at least as much."""
    errors, base = (
        [jiwer.process_words(of.reference, of.hypothesis).substitutions for of in texts] for texts in (own, others)
    )
    seen = abs(sum(errors) - sum(base))
    swaps = itertools.product((1, -1), repeat=len(errors))
    found = [abs(sum(sign * (a - b) for sign, a, b in zip(swap, errors, base, strict=True))) for swap in swaps]
    return sum(of >= seen for of in found) / len(found)


@pytest.mark.parametrize(
    ("num", "wrong", "stars"), [(4, 4, ""), (6, 6, ""), (9, 9, ""), (10, 10, "*"), (12, 6, "*"), (12, 5, "")]
)
def test_no_star_says_more_than_an_exact_test_could(
    stored: Stored, tmp_path: Path, num: int, wrong: int, stars: str
) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "better"])
    texts = {row: stored.texts(of, num=num, speakers=1) for row, of in (("base", wrong), ("better", 0))}
    cells = [stored.text_cell(table, tracker, row, seed, of) for row, of in texts.items() for seed in (0, 1)]
    found = compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(None), baseline="base", num_resamples=stored.DRAWS
    )
    test = found.test_set["better", "test/wer"]
    exact = _exact_p(texts["better"], texts["base"])
    assert exact == 2.0 ** (1 - wrong)  # all that differ agree: the least that the exact test can give
    assert test.p >= exact
    assert (test.num_units, test.num_differing, test.stars_withheld) == (num, wrong, num < ENOUGH_UNITS)
    assert set(make_report(table, cells, found).stars("better", "test/wer")) == set(stars)
    if num == 4:
        assert test.p == 0.125
        assert footnotes(found)[0] == (
            "No stars against base: 4 test utterances are too few to draw from (allowed: 10 or more), and an exact "
            "paired test over 4 cannot give p below 0.125."
        )


def test_blocks_are_the_units_that_count(stored: Stored, tmp_path: Path) -> None:
    """Thirty utterances that differ, three of each of ten speakers: the exact test over speakers has ten signs."""
    found, _ = stored.compare(tmp_path, {"base": [30], "better": [0], "little": [26]}, speakers=10)
    better, little = found.test_set["better", "test/wer"], found.test_set["little", "test/wer"]
    assert (better.units, better.num_units, better.num_differing, better.p) == ("speakers", 10, 10, 2.0**-9)
    assert better.p_holm == 2 * better.p
    assert little.num_differing == 4  # four utterances, of four speakers
    assert little.p == 0.125


def test_withheld_stars_are_nowhere_and_the_json_says_so(stored: Stored, tmp_path: Path) -> None:
    references = stored.some_references(4)
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "sed", ["base", "late"])
    cells = [
        stored.event_cell(table, tracker, row, seed, references, stored.moved(references, every=every))
        for row, every in (("base", 9), ("late", 1))
        for seed in (0, 1)
    ]
    page, made = stored.page_of(tmp_path, "sed", references, cells, tracker)
    assert "No stars against base: 4 test clips are too few" in page
    assert "∗" not in markdown(made)
    assert "<sup>*" not in page.replace("∗", "*")
    document = json.loads(json_text(made))
    cell = document["rows"]["late"]["test/event_f1_macro"]
    assert (cell["stars"], cell["test_set"]["stars_withheld"], cell["test_set"]["num_units"]) == ("", True, 4)
    assert cell["test_set"]["p"] >= 0.125
    assert document["tests"]["stars_from_units"] == ENOUGH_UNITS


def test_one_utterance_makes_no_test_and_that_is_said(stored: Stored, tmp_path: Path) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "other"])
    cells = [
        stored.text_cell(table, tracker, row, 0, stored.texts(k, num=1)) for k, row in enumerate(("base", "other"))
    ]
    found = compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(None), baseline="base", num_resamples=stored.DRAWS
    )
    assert found.test_set == {}
    assert found.left_out == (
        "not tested over the test set: other: too few utterances to draw from: 1, allowed: 2 or more",
    )
