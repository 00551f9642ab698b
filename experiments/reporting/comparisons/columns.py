"""The columns of a plan, each with its finished runs: figures, counts, and the trainings that they came from."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from datamodules.corpus_folder import CorpusMissingError
from experiments.planning.cell import Cell
from experiments.reporting.comparisons.chosen_blocks import choose_blocks
from experiments.reporting.comparisons.column import ColumnRuns
from experiments.reporting.comparisons.unit_draws import RunCounts
from experiments.statistics.paired_bootstrap import NUM_RESAMPLES
from experiments.statistics.resampled_t import share_tested as share_of
from experiments.statistics.trainings import Training
from experiments.statistics.unit_statistics import MOST_RESAMPLES, UnitStatistics
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_counts import Run, StoredCounts, training_of
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table
from experiments.table_files.table_values import corpus_of


def read_columns(
    table: Table, finished: Sequence[Cell], counts: StoredCounts, splits: TestSplits, *, num_resamples: int
) -> dict[str, ColumnRuns]:
    """Those that are better one way, by metric; of ``counts`` the blocks that the table names are left."""
    choose_blocks(counts, table.blocks)
    origins: dict[str, dict[Training, frozenset[str]]] = {}
    for cell in finished:
        origins.setdefault(cell.row.name, {})[training_of(cell)] = origin(cell)
    share = share_tested(table, finished, splits)
    columns = {}
    for column in table.columns:
        if column.better == "neither":
            continue
        figures: dict[str, dict[Training, float]] = {}
        for cell in finished:
            if cell.run and column.metric in cell.run.metrics:
                figures.setdefault(cell.row.name, {})[training_of(cell)] = cell.run.metrics[column.metric]
        whole = {row: found for row, of in figures.items() if (found := _counts(row, of, counts, column.metric))}
        columns[column.metric] = ColumnRuns(column, figures, origins, whole, share, min(num_resamples, _most(whole)))
    return columns


def _most(counts: Mapping[str, RunCounts]) -> int:
    """Draws that a column's figures may cost."""
    one = next((of for runs in counts.values() for of in runs.values()), None)
    return MOST_RESAMPLES if isinstance(one, UnitStatistics) else NUM_RESAMPLES


def origin(cell: Cell) -> frozenset[str]:
    """The keys of the trainings that a run rests on: its own, or of what it scores those; empty of a constant."""
    if cell.row.stage == "fit":
        return frozenset([cell.key.id if cell.key else cell.name])
    return frozenset().union(*(origin(of) for of in cell.upstream.values()))


def share_tested(table: Table, finished: Sequence[Cell], splits: TestSplits) -> float | None:
    """n_test / n_train of a table's folds, from the clips that their corpora's cards count; None without folds.

    Of k deals of one corpus k - 2 train: 1 / (k - 2). Corpora whose cards are not on this disk or count no such splits
    have 1 / (k - 1).
    """
    folds = {cell.fold: cell for cell in finished if cell.fold is not None}
    if not folds:
        return None
    shares = []
    for cell in folds.values():
        deal = get_path(cell.row.config, "data.deal")
        num_clips = _num_clips(cell, splits) if deal is None else {"train": deal["of"] - 2, "test": 1}
        shares.append(share_of(num_clips.get("train"), num_clips.get("test"), num_folds=max(2, len(folds))))
    return statistics.fmean(shares)


def _num_clips(cell: Cell, splits: TestSplits) -> dict[str, int]:
    try:
        return splits.card(corpus_of(cell.row.config)).num_clips
    except (CorpusMissingError, ValueError):
        return {}


def _counts(row: str, figures: dict[Training, float], counts: StoredCounts, metric: str) -> RunCounts | None:
    """Of every run of a mean, or None."""
    of_metric = counts.of(metric)
    whole = all(math.isfinite(value) and Run(row, training) in of_metric for training, value in figures.items())
    return {training: of_metric[Run(row, training)] for training in figures} if whole and figures else None
