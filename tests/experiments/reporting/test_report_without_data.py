"""A report where the corpus is not on this disk: figures come from the store, by one draw of the data for all cells."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from datamodules.corpus_folder import CorpusCard
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import make_report
from experiments.reporting.significance import compare_rows
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.spec import Table, read_table
from experiments.tracking.tracked_run import TrackedRun

from ..stored_runs import Folders

F1 = "test/event_f1_macro"


class Store(Folders):
    """Finds the runs that it was given, newest first, and counts its searches."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.runs: list[TrackedRun] = []
        self.searches = 0

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        self.searches += 1
        wanted = {"earmark.state": "finished", **tags}
        found = [run for run in self.runs if wanted.items() <= run.tags.items() and set(having) <= set(run.tags)]
        return sorted(found, key=lambda run: -run.start_ms)[:limit]

    def finish(self, cells: Sequence[Cell], *, f1: float, start_ms: int) -> None:
        """These cells' runs, each with a figure a little above the one before."""
        for number, cell in enumerate(cells):
            assert cell.key is not None
            parts = {f"key.{name}": part for name, part in cell.key.parts().items()}
            tags = {"earmark.state": "finished", "key": cell.key.id, "seed": str(cell.seed), **parts}
            metrics = {F1: f1 + number / 100, "test/tagging_f1_macro": f1}
            self.runs.append(TrackedRun(f"{start_ms}{number}", "finished", tags, metrics, start_ms + number))


@pytest.fixture
def table(tmp_path: Path) -> Table:
    text = (Path(__file__).parents[1] / "tiny.yaml").read_text(encoding="utf-8")
    path = tmp_path / "t.yaml"
    path.write_text(text.replace("seeds: [0]", "seeds: [0, 1]\nbaseline: mil_oracle"), encoding="utf-8")
    return read_table(str(path))


def draw_data(home: Path, digest: str) -> None:
    """A prepared corpus of which nothing is there but its card."""
    folder = home / "data" / "tones" / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    CorpusCard("tones/tiny", digest, ("a",), 16000, True, {}, {"train": 4, "test": 2}, "").write(folder)


def test_finished_runs_are_reported_without_their_corpus(table: Table, earmark_home: Path) -> None:
    store, rows = Store(earmark_home), ["mil", "mil_oracle"]
    draw_data(earmark_home, "a" * 16)
    store.finish(make_plan(table, store, rows=rows), f1=0.2, start_ms=100)
    with_data = make_plan(table, store, rows=rows, from_store=True)
    shutil.rmtree(earmark_home / "data")
    without = make_plan(table, store, rows=rows, from_store=True)
    assert [cell.state for cell in without] == ["finished"] * 4
    assert [cell.key for cell in without] == [cell.key for cell in with_data]
    splits = TestSplits()
    found = compare_rows(table, without, StoredScores(store), splits, baseline="mil_oracle", num_resamples=100)
    made = make_report(table, without, found)
    assert made.cells == make_report(table, with_data).cells
    text = markdown(made)
    assert "tones/tiny (not prepared here)" in text
    assert "cells without a finished run" not in text
    assert "tones/tiny is not on this disk: its figures are those of runs in the store on the data aaaaaaaa" in text
    assert found.seeds  # which need the figures alone
    assert text.count("Not tested over the test set") == 1  # the baseline's line stands for all
    assert "aaaaaaaa" in json_text(made)
    assert not make_report(table, with_data).stored_data


def test_what_needs_the_labels_of_a_corpus_asks_for_it_in_one_line(table: Table, earmark_home: Path) -> None:
    store = Store(earmark_home)
    draw_data(earmark_home, "a" * 16)
    store.finish(make_plan(table, store, rows=["mil", "mil_oracle"], seeds=[0]), f1=0.2, start_ms=100)
    shutil.rmtree(earmark_home / "data")
    cells = make_plan(table, store, rows=["mil", "mil_oracle"], seeds=[0], from_store=True)
    for cell in cells:
        assert cell.key is not None
        scores = store.run_dir(cell.key.id) / "scores"
        scores.mkdir(parents=True)
        (scores / "events_test.tsv").write_text("filename\tonset\toffset\tevent_label\n", encoding="utf-8")
    found = compare_rows(table, cells, StoredScores(store), TestSplits(), baseline="mil_oracle", num_resamples=100)
    (line,) = found.left_out
    assert line.startswith("not tested over the test set: mil_oracle: no labels of its test split: corpus 'tones/tiny'")
    assert "run: earmark data tones --scale tiny; it is the baseline, so no row is tested" in line


def test_what_starts_trainings_still_asks_for_the_corpus(table: Table, earmark_home: Path) -> None:
    store = Store(earmark_home)
    draw_data(earmark_home, "a" * 16)
    store.finish(make_plan(table, store, rows=["mil"]), f1=0.2, start_ms=100)
    shutil.rmtree(earmark_home / "data")
    cells = make_plan(table, store, rows=["mil"])
    assert {cell.state for cell in cells} == {"missing"}
    assert all("earmark data tones --scale tiny" in cell.why for cell in cells)


def test_of_two_draws_of_the_data_the_newest_is_taken_for_all_cells(table: Table, earmark_home: Path) -> None:
    """The older draw has runs of both seeds, the newer one of one: a mean over both draws would be of nothing."""
    store = Store(earmark_home)
    for digest, seeds, start_ms in (("a" * 16, [0, 1], 100), ("b" * 16, [1], 200)):
        draw_data(earmark_home, digest)
        store.finish(make_plan(table, store, rows=["mil"], seeds=seeds), f1=0.2, start_ms=start_ms)
    shutil.rmtree(earmark_home / "data")
    cells = make_plan(table, store, rows=["mil"], from_store=True)
    assert {cell.seed: cell.state for cell in cells} == {0: "missing", 1: "finished"}
    text = markdown(make_report(table, cells))
    assert "1 cell without a finished run: t/mil seed 0" in text
    assert "on the data bbbbbbbb" in text
    assert "left out are runs on other data of that name (aaaaaaaa)" in text


def test_a_damaged_corpus_is_not_an_absent_one(table: Table, earmark_home: Path) -> None:
    store = Store(earmark_home)
    draw_data(earmark_home, "a" * 16)
    store.finish(make_plan(table, store, rows=["mil"]), f1=0.2, start_ms=100)
    (earmark_home / "data" / "tones" / "tiny" / "corpus.json").write_text("{torn")
    cells = make_plan(table, store, rows=["mil"], from_store=True)
    assert all("is damaged" in cell.why for cell in cells)


def test_a_store_is_asked_once_a_corpus(table: Table, earmark_home: Path) -> None:
    store = Store(earmark_home)
    draw_data(earmark_home, "a" * 16)
    cells = make_plan(table, store)
    store.finish([replace(cell) for cell in cells], f1=0.2, start_ms=100)
    store.searches = 0
    make_plan(table, store, from_store=True)
    asked = store.searches
    shutil.rmtree(earmark_home / "data")
    store.searches = 0
    make_plan(table, store, from_store=True)
    assert store.searches <= asked + 8  # two ways of each code, of which this table's four rows have two
