"""Finished runs on disk without training, store or corpus: their score files, written by hand, for tests of reports."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from datamodules.annotations import ClipReferences, Event
from datamodules.clips.dcase_tsv import write_events, write_tags
from experiments.planning.cell import Cell
from experiments.reporting.formats.report_page import write_page
from experiments.reporting.report import Report, make_report
from experiments.reporting.significance import Significance, compare_rows
from experiments.runs.keys import RunKey
from experiments.stored_results.split_references import References, TestSplits
from experiments.stored_results.stored_scores import StoredScores, Utterance
from experiments.stored_results.unit_counts import event_counts, tag_counts, text_counts
from experiments.table_files.columns import Column
from experiments.table_files.spec import Row, Table
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.store_place import StorePlace
from experiments.tracking.tracked_run import TrackedRun

COLUMNS = {
    "asr": (Column("test/wer", "WER", "lower", "percent", 1), Column("test/cer", "CER", "lower", "percent", 1)),
    "sed": (
        Column("test/event_f1_macro", "Event F1", "higher", "percent", 1),
        Column("test/tagging_f1_macro", "Tag F1", "higher", "percent", 1),
        Column("test/event_er", "Event ER", "lower", "number", 2),
    ),
}
DRAWS = 2000
DATA = {"asr": "datamodules.asr.SpeechDataModule", "sed": "datamodules.sed.SoundEventClips"}


class Folders(Tracker):
    """Knows where run folders are and has no store behind it, which takes seconds to make."""

    def __init__(self, home: Path) -> None:
        self.root, self.uri = home / "mlruns", "sqlite:////nowhere/none.db"
        self.place = StorePlace(self.root, self.uri, read_only=False)
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
        writer.writerow(["utterance", "language", "speaker", "reference", "hypothesis", "training_text"])
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


def page_of(
    folder: Path, family: str, references: References, cells: Sequence[Cell], tracker: Folders
) -> tuple[str, Report]:
    table, scores, splits = cells[0].table, StoredScores(tracker), Splits(references)
    found = compare_rows(table, cells, scores, splits, baseline="base", num_resamples=DRAWS)
    made = make_report(table, cells, found)
    path = folder / "out.html"
    write_page(made, cells, tracker, scores, splits, path=path, mlflow_url="http://127.0.0.1:5000/")
    return path.read_text(encoding="utf-8"), made
