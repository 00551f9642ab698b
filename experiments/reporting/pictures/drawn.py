"""All pictures of a report that ``charts:`` declares, and its comparison where the table declares none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datamodules.corpus_folder import CorpusMissingError
from experiments.planning.cell import Cell
from experiments.reporting.pictures.comparison_chart import comparisons_of, draw_comparison
from experiments.reporting.pictures.confused_pairs import LINES, draw_confused
from experiments.reporting.pictures.example_choice import ChosenClip, NotDrawnError, choose_clip
from experiments.reporting.pictures.example_picture import draw_example
from experiments.reporting.report import Report
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.charts import Confused, ExampleClip
from experiments.tracking.run_store import RunStore


class ChartSource(NamedTuple):
    """A report, its cells, and where its runs and their test splits are."""

    report: Report
    cells: Sequence[Cell]
    store: RunStore
    scores: StoredScores
    splits: TestSplits


class Picture(NamedTuple):
    """A file that was drawn; of an example the clip too, for its sound."""

    path: Path
    chosen: ChosenClip | None = None


def draw_comparisons(source: ChartSource, *, folder: Path) -> tuple[list[Picture], list[str]]:
    """The comparisons, and a line for each that has nothing to show. Raises ``UserError``, ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures, undrawn = [], []
    for chart in comparisons_of(source.report):
        if path := draw_comparison(source.report, chart, source.cells, folder=folder):
            pictures.append(Picture(path))
        else:
            undrawn.append(f"{source.report.table.path.name}: charts.{chart.name}: not drawn, none of its rows has a "
                           "finished run with its columns")  # fmt: skip
    return pictures, undrawn


def draw_all_confused(source: ChartSource, *, folder: Path) -> tuple[list[Picture], list[str]]:
    """The confused pairs, and a line for each chart of them that has nothing to show. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    report, pictures, undrawn = source.report, [], []
    for chart in (chart for chart in report.table.charts if isinstance(chart, Confused)):
        if path := draw_confused(report, chart, source.cells, source.scores, folder=folder):
            pictures.append(Picture(path))
        else:
            undrawn.append(f"{report.table.path.name}: charts.{chart.name}: not drawn, {' and '.join(chart.rows)} have "
                           f"no finished run with {LINES}, or nothing is found in vain")  # fmt: skip
    return pictures, undrawn


def draw_examples(source: ChartSource, *, folder: Path) -> tuple[list[Picture], list[str]]:
    """The example clips, and a line for each that cannot be drawn. Raises ``UserError``, ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    report, pictures, undrawn = source.report, [], []
    for chart in report.table.charts:
        if not isinstance(chart, ExampleClip):
            continue
        try:
            chosen = choose_clip(report, chart, source.cells, source.store, source.scores, source.splits)
            path = draw_example(chosen, title=report.table.title, path=folder / f"{chart.name}.png")
        except CorpusMissingError as error:
            undrawn.append(f"{report.table.path.name}: charts.{chart.name}: not drawn, {error}")
        except NotDrawnError as error:
            undrawn.append(str(error))
        else:
            pictures.append(Picture(path, chosen))
    return pictures, undrawn
