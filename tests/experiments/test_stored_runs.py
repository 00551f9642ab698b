"""Reports of stored runs: which tests there are against the baseline, on what, what is left out; and the page.

Score files are written by hand: no training, no MLflow store, no corpus.
"""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations import ClipReferences, Event, UtteranceReferences
from datamodules.dcase_tsv import write_events, write_tags
from experiments.errors import UserError
from experiments.keys import RunKey
from experiments.page_media import Media
from experiments.plan import Cell
from experiments.report import Report, latex, make_report, markdown
from experiments.report_json import json_text
from experiments.report_page import write_page
from experiments.significance import Significance, compare_rows
from experiments.significance_text import footnotes, tested
from experiments.spec import Column, Row, Table
from experiments.split_references import References, TestSplits
from experiments.stats import holm
from experiments.stored_scores import StoredScores, Utterance
from experiments.tracking import TrackedRun, Tracker
from experiments.unit_counts import event_counts, tag_counts, text_counts
from lightning_modules.metrics.bootstrap import Bootstrap

COLUMNS = {
    "asr": (Column("test/wer", "WER", "lower", "percent", 1), Column("test/cer", "CER", "lower", "percent", 1)),
    "sed": (
        Column("test/event_f1_macro", "Event F1", "higher", "percent", 1),
        Column("test/tagging_f1_macro", "Tag F1", "higher", "percent", 1),
        Column("test/event_er", "Event ER", "lower", "number", 2),
    ),
}
DATA = {"asr": "datamodules.asr.SpeechDataModule", "sed": "datamodules.sed.SoundEventClips"}


class Folders(Tracker):
    """Knows where run folders are and has no store behind it, which takes seconds to make."""

    def __init__(self, home: Path) -> None:
        self.root = home / "mlruns"
        self.uri = "sqlite:///none"
        self.asked: list[str] = []

    def experiment_id(self, family: str) -> str:
        return "7"

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        self.asked.append(f"{run_id}/{artifact}")
        raise OSError("no server")


class Splits(TestSplits):
    """One split for all rows."""

    def __init__(self, references: References | None) -> None:
        super().__init__()
        self._references = references

    def of(self, cell: Cell) -> References | None:
        return self._references


def make_table(folder: Path, family: str, rows: Sequence[str], *, baseline: str | None = None) -> Table:
    config = {"data": {"class_path": DATA[family], "init_args": {"corpus": "x/demo"}}, "scoring": {}}
    specs = {row: Row("t", row, f"why of {row}", "fit", config, {}) for row in rows}
    return Table("t", folder / "t.yaml", "Title", family, "demo", specs, (0, 1), COLUMNS[family], {}, (), (),
                 baseline=baseline)  # fmt: skip


def make_cell(table: Table, tracker: Tracker, row: str, seed: int, metrics: Mapping[str, float] | None) -> Cell:
    key = RunKey(row, "", "", seed, "")
    run = None if metrics is None else TrackedRun(f"run_{row}_{seed}", "finished", {"key": key.id}, metrics)
    if run is not None:
        (tracker.run_dir(key.id) / "scores").mkdir(parents=True)
    return Cell(table, table.rows[row], seed, key, {}, "missing" if run is None else "finished", "", run)


def scores_of(tracker: Tracker, cell: Cell) -> Path:
    assert cell.key is not None
    return tracker.run_dir(cell.key.id) / "scores"


def text_cell(table: Table, tracker: Tracker, row: str, seed: int, utterances: Sequence[Utterance]) -> Cell:
    """A run that wrote these texts and logged their rates."""
    metrics = {name: of.value() for name, of in text_counts(utterances).items()}
    cell = make_cell(table, tracker, row, seed, metrics)
    with (scores_of(tracker, cell) / "errors_test.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["utterance", "language", "speaker", "reference", "hypothesis"])
        writer.writerows(utterances)
    return cell


def event_cell(
    table: Table,
    tracker: Tracker,
    row: str,
    seed: int,
    references: ClipReferences,
    events: Mapping[str, tuple[Event, ...]],
) -> Cell:
    """A run that found these events and logged their figures."""
    tags = {clip: frozenset(event.label for event in of) for clip, of in events.items()}
    counts = {**tag_counts(references, tags), **event_counts(references, events)}
    cell = make_cell(table, tracker, row, seed, {name: of.value() for name, of in counts.items()})
    write_events(scores_of(tracker, cell) / "events_test.tsv", events)
    write_tags(scores_of(tracker, cell) / "tags_test.tsv", tags)
    return cell


def some_references(num_clips: int = 12) -> ClipReferences:
    events = {
        f"clip{k:02}": (Event(0.5, 1.2, "dog"), Event(1.0 + k / 10, 3.0 + k / 10, "rain"))[: 1 + k % 2]
        for k in range(num_clips)
    }
    tags = {clip: frozenset(event.label for event in of) for clip, of in events.items()}
    noise_S = np.random.default_rng(0).normal(0, 0.1, 5 * 16000).astype(np.float32)
    return ClipReferences(("dog", "rain"), 16000, tags, events, dict.fromkeys(events, 5.0), lambda _: noise_S)


def moved(references: ClipReferences, *, every: int, seconds: float = 0.6) -> dict[str, tuple[Event, ...]]:
    """The true events, but in every so-manieth clip late by some seconds."""
    assert references.events is not None
    return {
        clip: tuple(
            Event(e.onset_seconds + seconds, e.offset_seconds + seconds, e.label) if k % every == 0 else e for e in of
        )
        for k, (clip, of) in enumerate(references.events.items())
    }


DRAWS = 2000


def texts(wrong: int, *, speakers: int = 3, num: int = 30) -> list[Utterance]:
    """Of ``num`` utterances the first ``wrong`` have one word of four wrong."""
    said = "one two three four"
    written = [said.replace("four", "for") if k < wrong else said for k in range(num)]
    return [Utterance(f"u{k:02}", "en", f"s{k % speakers}", said, text) for k, text in enumerate(written)]


def compare(folder: Path, wrong: dict[str, list[int]], *, speakers: int = 3) -> tuple[Significance, Folders]:
    tracker, table = Folders(folder), make_table(folder, "asr", list(wrong))
    cells = [
        text_cell(table, tracker, row, seed, texts(number, speakers=speakers))
        for row, numbers in wrong.items()
        for seed, number in enumerate(numbers)
    ]
    found = compare_rows(table, cells, StoredScores(tracker), Splits(None), baseline="base", num_resamples=DRAWS)
    return found, tracker


def test_word_errors_are_compared_on_the_same_utterances(tmp_path: Path) -> None:
    found, _ = compare(tmp_path, {"base": [15, 16], "better": [2, 3], "same": [15, 16]})
    better, same = found.test_set["better", "test/wer"], found.test_set["same", "test/wer"]
    assert better.difference == pytest.approx(-13 / 120)
    assert better.ci95.high < 0 < better.p < 0.01
    assert (better.units, better.num_units, better.num_speakers, better.seeds) == ("utterances", 30, 3, (0, 1))
    assert better.ci95_speakers is not None  # three speakers are too few to be the blocks
    assert (same.difference, same.p) == (0.0, 1.0)
    raw = {row: found.test_set[row, "test/wer"].p for row in ("better", "same")}
    assert {row: found.test_set[row, "test/wer"].p_holm for row in raw} == holm(raw)
    assert found.p("better", "test/wer") == better.p_holm
    assert found.p("base", "test/wer") is None


def test_one_seed_gives_the_bootstraps_own_interval_over_speakers(tmp_path: Path) -> None:
    found, _ = compare(tmp_path, {"base": [15], "other": [9]}, speakers=12)
    test = found.test_set["other", "test/wer"]
    assert (test.units, test.num_units, test.ci95_speakers) == ("speakers", 12, None)
    errors = [[int(item.hypothesis.endswith("for")) for item in texts(wrong, speakers=12)] for wrong in (15, 9)]
    own = Bootstrap(num_resamples=DRAWS).compare(*errors, [4] * 30, blocks=[f"s{k % 12}" for k in range(30)])
    assert test.ci95 == pytest.approx(own.ci95)
    assert found.seeds["other", "test/wer"].p is None  # of one seed


def test_seeds_have_their_own_test(tmp_path: Path) -> None:
    found, _ = compare(tmp_path, {"base": [15, 16, 14], "better": [2, 3, 4], "one": [9]})
    assert found.seeds["better", "test/wer"].n == 3
    assert 0 < (found.seeds["better", "test/wer"].p or 0) < 0.02
    assert found.seeds["one", "test/wer"].n == 1
    notes = footnotes(found)
    assert notes[0].startswith(
        "Stars: differs from base, ∗ p < .05, ∗∗ p < .01, ∗∗∗ p < .001; paired bootstrap over the 30"
    )
    assert "over the 2 rows compared" in notes[0]
    assert notes[1].startswith("Blocks are utterances: 3 speakers are too few")
    assert "better in test/wer" in notes[2]
    assert tested(found, "better", "test/wer")["p_seeds"] == found.seeds["better", "test/wer"].p
    assert set(tested(None, "better", "test/wer").values()) == {None}


def test_what_cannot_be_tested_is_left_out_with_the_reason(tmp_path: Path) -> None:
    tracker, table = Folders(tmp_path), make_table(tmp_path, "asr", ["base", "gone", "wrong", "other", "constant"])
    base = text_cell(table, tracker, "base", 0, texts(3))
    gone = make_cell(table, tracker, "gone", 0, {"test/wer": 0.5})
    scores_of(tracker, gone).rmdir()
    wrong = text_cell(table, tracker, "wrong", 0, texts(2))
    assert wrong.run is not None
    wrong = replace(wrong, run=replace(wrong.run, metrics={"test/wer": 0.9, "test/cer": 0.9}))
    other = text_cell(table, tracker, "other", 0, texts(1, num=20))
    constant = make_cell(table, tracker, "constant", 0, {"test/wer": 0.75, "test/cer": 0.9})
    constant_file = scores_of(tracker, constant) / "constants.json"
    constant_file.write_text('{"wer": {"text": "one", "rate": 0.75}}', encoding="utf-8")
    cells = [base, gone, wrong, other, constant]
    found = compare_rows(table, cells, StoredScores(tracker), Splits(None), baseline="base", num_resamples=DRAWS)
    assert {row for row, _ in found.test_set} == {"constant"}
    assert found.test_set["constant", "test/wer"].difference == pytest.approx(0.75 - 3 / 120)
    assert found.left_out == (
        "not tested over the test set: gone: its stored predictions or its corpus are not on this disk",
        "not tested over the test set: wrong: its stored predictions give test/wer 0.0167 and the run logged 0.9000",
        "not tested over the test set: other: it was scored on other utterances than base",
    )
    assert tracker.asked == ["run_gone_0/scores/errors_test.csv", "run_gone_0/scores/constants.json"]


def test_events_are_compared_over_clips(tmp_path: Path) -> None:
    tracker, table, references = Folders(tmp_path), make_table(tmp_path, "sed", ["base", "late"]), some_references()
    cells = [
        event_cell(table, tracker, row, seed, references, moved(references, every=every))
        for row, every in (("base", 7), ("late", 2))
        for seed in (0, 1)
    ]
    found = compare_rows(table, cells, StoredScores(tracker), Splits(references), baseline="base", num_resamples=DRAWS)
    late = found.test_set["late", "test/event_f1_macro"]
    assert late.ci95.low <= late.difference <= late.ci95.high
    assert late.difference < 0
    assert (late.units, late.num_units, late.num_speakers) == ("clips", 12, 0)
    assert found.test_set["late", "test/tagging_f1_macro"].p == 1.0
    assert found.left_out == ()


def test_a_baseline_that_is_not_there_is_said(tmp_path: Path) -> None:
    tracker, table = Folders(tmp_path), make_table(tmp_path, "asr", ["base", "other"])
    cells = [make_cell(table, tracker, "base", 0, None), text_cell(table, tracker, "other", 0, texts(2))]
    scores, splits = StoredScores(tracker), Splits(None)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=DRAWS)
    assert found.left_out == ("no tests: baseline base has no finished run",)
    with pytest.raises(UserError, match=r"baseline: unknown row 'bas' \(did you mean 'base'\?\)"):
        compare_rows(table, cells, scores, splits, baseline="bas", num_resamples=DRAWS)


class Links(HTMLParser):
    """Every address of a page, and how its tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(
    folder: Path, family: str, references: References, cells: Sequence[Cell], tracker: Folders
) -> tuple[str, Report]:
    table, scores, splits = cells[0].table, StoredScores(tracker), Splits(references)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=DRAWS)
    made = make_report(table, cells, found)
    path = folder / "out.html"
    write_page(made, cells, tracker, scores, splits, path=path, mlflow_url="http://127.0.0.1:5000/")
    return path.read_text(encoding="utf-8"), made


def media_of(page: str) -> dict[str, str]:
    found = re.search(r'<script type="application/json" id="media">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


@pytest.fixture
def detection(tmp_path: Path, earmark_home: Path) -> tuple[str, Report]:
    tracker, table, references = Folders(tmp_path), make_table(tmp_path, "sed", ["base", "late"]), some_references()
    cells = [
        event_cell(table, tracker, row, seed, references, moved(references, every=every))
        for row, every in (("base", 7), ("late", 2))
        for seed in (0, 1)
    ]
    return page_of(tmp_path, "sed", references, cells, tracker)


def test_every_number_of_the_page_leads_to_its_runs(detection: tuple[str, Report]) -> None:
    page, _ = detection
    links = Links()
    links.feed(page)
    assert links.open == []
    for row in ("base", "late"):
        for seed in (0, 1):
            key = RunKey(row, "", "", seed, "").id
            assert links.addresses.count(f"http://127.0.0.1:5000/#/experiments/7/runs/run_{row}_{seed}") >= 3
            assert links.addresses.count(f"mlruns/runs/{key}/") >= 3
    assert all(address.startswith(("#", "mlruns/", "data:", "http://127.0.0.1:5000/#/")) for address in links.addresses)
    assert not re.search(r"(src|href)=.https?://(?!127)", page)


def test_clips_have_their_sound_and_their_events(detection: tuple[str, Report]) -> None:
    page, _ = detection
    media = media_of(page)
    sounds = {name for name in media if name.startswith("sound ")}
    assert len(sounds) >= 4  # two worst and two best of two rows, some of them the same clips
    assert {name.replace("sound", "strip") for name in sounds} == {name for name in media if name.startswith("strip ")}
    kind, _, content = media[min(sounds)].partition(";base64,")
    assert kind == "data:audio/mpeg"
    assert 2_000 < len(base64.b64decode(content)) < 60_000
    assert page.count('class="predicted"') >= 4
    assert "0 of 2 events found, 2 predicted" in page


def test_markdown_latex_and_json_have_the_stars(tmp_path: Path, earmark_home: Path) -> None:
    tracker, table = Folders(tmp_path), make_table(tmp_path, "asr", ["base", "better"])
    cells = [text_cell(table, tracker, row, 0, texts(wrong)) for row, wrong in (("base", 20), ("better", 1))]
    found = compare_rows(table, cells, StoredScores(tracker), Splits(None), baseline="base", num_resamples=DRAWS)
    made = make_report(table, cells, found)
    line = next(line for line in markdown(made).splitlines() if line.startswith("| better"))
    assert "**0.8**∗∗∗" in line
    assert "Stars: differs from base" in markdown(made)
    assert r"\textbf{0.8}$^{***}$" in latex(made)
    document = json.loads(json_text(made))
    cell = document["rows"]["better"]["test/wer"]
    assert (cell["stars"], cell["n"], cell["std"], cell["best"]) == ("***", 1, None, True)
    assert cell["seeds"]["0"]["run_id"] == "run_better_0"
    assert cell["test_set"]["p_holm"] == found.p("better", "test/wer")
    assert document["versions"]["numpy"] == np.__version__
    assert document["tests"]["baseline"] == "base"


def test_texts_are_aligned_and_escaped_on_the_page(tmp_path: Path, earmark_home: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    wrong = [item._replace(hypothesis=f"{evil} two three") for item in texts(1)]
    ids = [item.utterance_id for item in wrong]
    references = UtteranceReferences(
        ("", "a"), 16000, dict.fromkeys(ids, "a"), dict.fromkeys(ids, "en"), dict.fromkeys(ids, "s"),
        dict.fromkeys(ids, 1.0), (), lambda _: np.zeros(16000, np.float32),
    )  # fmt: skip
    tracker, table = Folders(tmp_path), make_table(tmp_path, "asr", ["base", "evil"])
    cells = [text_cell(table, tracker, "base", 0, texts(1)), text_cell(table, tracker, "evil", 0, wrong)]
    page, _ = page_of(tmp_path, "asr", references, cells, tracker)
    assert evil not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert '<span class="substitution"><b>one</b>' in page
    assert '<span class="deletion"><b>four</b>' in page


def test_a_full_page_counts_what_it_leaves_out() -> None:
    media = Media(limit_bytes=100)
    media.add("sounds", "a", ("audio/mpeg", b"x" * 30))
    media.add("sounds", "b", ("audio/mpeg", b"x" * 60))
    assert list(media.uris) == ["a"]
    assert media.left_out == {"sounds": 1}
    assert media.known("b")
