"""PSDS and average precision as columns: drawn and tested from the statistics of the runs, or it is said why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import numpy as np

from experiments.reporting.significance import Significance, compare_rows
from experiments.reporting.significance_text import footnotes
from experiments.statistics.unit_statistics import MOST_RESAMPLES
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.columns import Column
from lightning_modules.sed.curve_scores.report import score_whole_clips

COLUMNS = (
    Column("test/tagging_map", "Tag mAP", "higher", "percent", 1),
    Column("test/intersection_f1_at_half", "Intersection F1", "higher", "percent", 1),
)


def compared(stored: Stored, folder: Path, *, kept: bool) -> Significance:
    """Whole-clip scores of two rows at two seeds; the second is sure of what is there."""
    tracker, references = stored.Folders(folder), stored.some_references(num_clips=20)
    table = replace(stored.make_table(folder, "sed", ["base", "sure"]), columns=COLUMNS)
    cells = []
    for row, right in (("base", 0.1), ("sure", 0.6)):
        for seed in (0, 1):
            rng = np.random.default_rng(seed)
            scores = {
                clip: rng.uniform(0, 0.6, 2) + right * np.array([label in tags for label in references.classes])
                for clip, tags in references.tags.items()
            }
            aside = folder / f"{row}{seed}"
            metrics = score_whole_clips(scores, references, output_dir=aside)
            cell = stored.make_cell(table, tracker, row, seed, metrics)
            if kept:
                place = stored.scores_of(tracker, cell) / "curve_statistics.npz"
                place.write_bytes((aside / "curve_statistics.npz").read_bytes())
            cells.append(cell)
    return compare_rows(table, cells, StoredScores(tracker), stored.Splits(references), baseline="base")


def test_a_figure_of_every_threshold_has_an_interval_and_stars(stored: Stored, tmp_path: Path) -> None:
    found = compared(stored, tmp_path, kept=True)
    ranked, cut = (found.test_set["sure", column.metric] for column in COLUMNS)
    assert ranked.difference > 0
    assert ranked.ci95.low <= ranked.difference <= ranked.ci95.high
    assert ranked.p >= 2 / (MOST_RESAMPLES + 1)
    assert cut.units == ranked.units == "clips"
    assert ranked.num_units == 20
    assert found.joint["sure", "test/tagging_map"].p >= ranked.p
    assert found.columns["test/tagging_map"].num_resamples == MOST_RESAMPLES
    assert found.columns["test/intersection_f1_at_half"].num_resamples == found.num_resamples
    lines = [line for line in footnotes(found) if "1,000 draws" in line]
    assert lines == ["Tag mAP: 1,000 draws, each figure computed anew at every threshold."]


def test_without_the_statistics_the_columns_say_so(stored: Stored, tmp_path: Path) -> None:
    found = compared(stored, tmp_path, kept=False)
    assert not found.test_set
    assert found.seeds.keys() == {("sure", column.metric) for column in COLUMNS}  # figures need no counts


def test_runs_that_kept_other_files_say_which_metrics_have_none(stored: Stored, tmp_path: Path) -> None:
    tracker, references = stored.Folders(tmp_path), stored.some_references()
    table = stored.make_table(tmp_path, "sed", ["base", "sure"])
    table = replace(table, columns=(*table.columns, COLUMNS[0]))
    cells = [
        stored.event_cell(table, tracker, name, 0, references, stored.moved(references, every=every))
        for name, every in (("base", 3), ("sure", 5))
    ]
    logged = {"test/tagging_map": 0.5}
    cells = [replace(of, run=replace(of.run, metrics={**of.run.metrics, **logged})) for of in cells]
    found = compare_rows(table, cells, StoredScores(tracker), stored.Splits(references), baseline="base")
    assert ("sure", "test/event_f1_macro") in found.test_set
    assert (
        "not tested over the test set: test/tagging_map: no run's curve_statistics.npz is on this disk "
        "(a pack holds none)"
    ) in found.left_out
