"""``experiments/expected/TABLE.yaml``: where each figure of a table is expected, so that a regression names its cells.

The file holds ``scale: {row: {metric: [low, high]}}``, rates in 0-1; ``docs/report.md`` has the format and the rule of
the intervals that ``--write-expected`` writes.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.reporting.report import Report
from experiments.statistics.stats import Summary
from experiments.table_files.columns import Column
from experiments.table_files.spec import Table
from experiments.table_files.table_values import read_mapping
from experiments.table_files.yaml_files import read_yaml

HEAD = """# Where each mean over seeds is expected: scale: {{row: {{metric: [low, high]}}}}, rates in 0-1.
# Checked by `earmark report {table} --check`, written by `earmark report {table} --write-expected` from finished runs;
# docs/report.md has the rule.
"""
SPREADS = 3.0  # standard deviations of the difference of two means, which a rerun leaves once in hundreds of times
FLOOR_PERCENT = 0.005  # half a point: other processors and library versions round elsewhere
FLOOR_RELATIVE = 0.02  # of a number that is no rate
MACHINE_METRICS = ("seconds", "real_time_factor")  # of the machine, not of the system

Intervals = Mapping[str, Mapping[str, tuple[float, float]]]  # by row and metric


def expected_path(table: Table) -> Path:
    """``expected/NAME.yaml`` beside the folder of the shipped tables, or beside a user's own table file."""
    shipped = Path(__file__).parents[1]
    folder = shipped if table.path.parent == shipped / "tables" else table.path.parent
    return folder / "expected" / f"{table.name}.yaml"


def read_expected(path: Path) -> dict[str, Intervals]:
    """Intervals by scale. Raises ``UserError`` in one line that names file, key, value and what is allowed."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; --write-expected makes it from finished runs")
    scales: dict[str, Intervals] = {}
    for scale, rows in read_mapping(read_yaml(path), where=path.name).items():
        of_scale: dict[str, dict[str, tuple[float, float]]] = {}
        for row, metrics in read_mapping(rows, where=f"{path.name}: {scale}").items():
            of_scale[row] = {
                metric: _interval(value, where=f"{path.name}: {scale}.{row}.{metric}")
                for metric, value in read_mapping(metrics, where=f"{path.name}: {scale}.{row}").items()
            }
        scales[scale] = of_scale
    return scales


def _interval(value: Any, *, where: str) -> tuple[float, float]:
    numbers = isinstance(value, list) and len(value) == 2 and all(type(end) in (int, float) for end in value)
    if not numbers or value[0] > value[1]:
        raise UserError(f"{where}: expected [low, high], two numbers in this order, got {value!r}")
    return float(value[0]), float(value[1])


def leaving(report: Report, expected: Intervals, *, whole: bool) -> list[str]:
    """A line for each cell that left its interval or is missing; empty where all are within.

    A mean of fewer runs than were planned counts as missing too: it is another figure. So does one of finished runs of
    which some have no figure, or none that is finite. ``whole`` says that every row of the table was planned, so that
    one which is expected and no longer there is named.
    """
    name, runs = report.table.name, "runs" if report.table.folds else "seeds"
    lines = [f"{cell.removesuffix(' (missing)')}: missing" for cell in report.missing]
    for row, metrics in expected.items():
        if row not in report.rows:
            if whole:
                lines.append(f"{name}/{row}: missing (the table has no such row)")
            continue
        for metric, (low, high) in metrics.items():
            summary, num_runs = report.cells.get((row, metric)), report.num_finished.get(row, 0)
            if summary is None:
                if num_runs:
                    lines.append(f"{name}/{row} {metric}: missing (its runs have no such figure)")
            elif summary.n < num_runs:
                have = "has" if summary.n == 1 else "have"
                lines.append(f"{name}/{row} {metric}: {summary.n} of {num_runs} {runs} {have} a figure")
            elif not low <= summary.mean <= high:
                lines.append(f"{name}/{row} {metric}: {_ends(summary.mean, low, high)}")
    return lines


def _ends(mean: float, low: float, high: float) -> str:
    """With as many decimals as show on which side the mean is."""
    for decimals in range(2, 9):
        value, ends = f"{mean:.{decimals}f}", (f"{low:.{decimals}f}", f"{high:.{decimals}f}")
        if float(value) < float(ends[0]) or float(value) > float(ends[1]):
            break
    return f"{value} left [{ends[0]}, {ends[1]}]"


def num_checked(report: Report, expected: Intervals) -> int:
    """How many figures of a report have an interval."""
    return sum(report.cells.get((row, metric)) is not None for row, of in expected.items() for metric in of)


def intervals(report: Report) -> dict[str, dict[str, tuple[float, float]]]:
    """Mean ± max(3 s sqrt(2/n), floor) of every figure of a report, those of the machine's speed left out.

    A rerun's mean over n seeds is as far from this one as two means are: sqrt(2/n) standard deviations. Two seeds say
    little about a row's own, so s is the larger of the row's and the column's pooled one (root of the mean variance
    over rows); a row that was the same at every seed (an oracle, a constant) keeps to the floor: half a point of a
    percentage, 2 % of another number. A figure of which a seed diverged has none: what is expected of it is not known.
    """
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for column in report.table.columns:
        of_rows = {
            row: summary
            for row in report.rows
            if (summary := report.cells[row, column.metric]) is not None and not report.diverged(row, column.metric)
        }
        pooled = _pooled(of_rows)
        if not column.metric.endswith(MACHINE_METRICS):
            for row, summary in of_rows.items():
                half = _half_width(summary, pooled, column)
                found.setdefault(row, {})[column.metric] = (summary.mean - half, summary.mean + half)
    return found


def _pooled(of_rows: Mapping[str, Summary]) -> float:
    variances = [summary.std**2 for summary in of_rows.values() if summary.std]
    return math.sqrt(statistics.fmean(variances)) if variances else 0.0


def _half_width(summary: Summary, pooled: float, column: Column) -> float:
    floor = FLOOR_PERCENT if column.unit == "percent" else FLOOR_RELATIVE * abs(summary.mean)
    spread = 0.0 if summary.std == 0.0 else max(summary.std or 0.0, pooled)
    return max(SPREADS * spread * math.sqrt(2 / summary.n), floor)


def write_expected(path: Path, report: Report) -> int:
    """Write the intervals of a report's scale, other scales kept as they are; returns how many there are."""
    scales: dict[str, Intervals] = read_expected(path) if path.is_file() else {}
    found = intervals(report)
    scales[report.table.scale] = found
    lines = [HEAD.format(table=report.table.name)]
    for scale, rows in scales.items():
        lines.append(f"{scale}:\n")
        for row, metrics in rows.items():
            lines.append(f"  {row}:\n")
            lines += [f"    {metric}: [{low:.5g}, {high:.5g}]\n" for metric, (low, high) in metrics.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return sum(map(len, found.values()))
