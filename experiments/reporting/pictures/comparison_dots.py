"""What a comparison chart shows of one column: a dot a row, with its interval, its single runs and its verdict.

The interval of a row that was tested is that of its difference from its baseline (the error behind the verdicts), laid
around the row's own mean: where it leaves out the baseline's mean, the two differ at 5 % before Holm's correction. A
baseline has none, since its error is in the others'. Rows of a column without tests have one standard deviation to each
side, as the table has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from experiments.reporting.comparisons.verdicts import Kind, Verdict
from experiments.reporting.report import Report
from experiments.reporting.verdict_text import verdicts_of
from experiments.table_files.columns import Column

Whisker = Literal["together", "units", "std", ""]  # of trainings and test units, of test units alone, of the runs


@dataclass(frozen=True)
class Dot:
    """A row's mean in the column's unit, its interval, and the figures of its finite single runs.

    ``verdict`` is after Holm's correction, empty of a row that was not tested. ``baseline`` is the mean of the row that
    it is compared with, None of a row that is compared with none, or whose baseline has no figure.
    """

    mean: float
    low: float
    high: float
    whisker: Whisker
    runs: tuple[float, ...]
    verdict: Kind | Literal[""]
    baseline: float | None


def dots(report: Report, column: Column) -> dict[str, Dot]:
    """By row, of those that have a figure in the column."""
    verdicts = {of.row: of for of in verdicts_of(report.table, report.significance) if of.metric == column.metric}
    baselines = {of.against for of in verdicts.values()}
    found = {row: _dot(report, row, column, verdicts.get(row), row in baselines) for row in report.rows}
    return {row: dot for row, dot in found.items() if dot is not None}


def _dot(report: Report, row: str, column: Column, verdict: Verdict | None, is_baseline: bool) -> Dot | None:
    summary = report.cells[row, column.metric]
    if summary is None:
        return None
    scale = 100 if column.unit == "percent" else 1
    runs = [of.value for of in report.values[row, column.metric] if math.isfinite(of.value)]
    against = report.against(row)
    baseline = report.cells.get((against, column.metric)) if against is not None else None
    low = high = summary.mean
    whisker: Whisker = ""
    if verdict is not None:
        low, high = (summary.mean + end - verdict.difference for end in verdict.ci95)
        whisker = "together" if verdict.over else "units"
    elif summary.std and not is_baseline:
        low, high, whisker = summary.mean - summary.std, summary.mean + summary.std, "std"
    return Dot(
        mean=scale * summary.mean,
        low=scale * low,
        high=scale * high,
        whisker=whisker,
        runs=tuple(scale * value for value in runs),
        verdict=verdict.kind if verdict else "",
        baseline=scale * baseline.mean if baseline else None,
    )
