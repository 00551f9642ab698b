"""``experiments/expected/TABLE.yaml``: where each figure of a table is expected, so that a regression names its cells.

The file holds ``scale: {row: {metric: {low, high, rule, runs}}}``, rates in 0-1; ``rerun_interval.py`` has the rules
that ``--write-expected`` writes by, ``docs/report.md`` their reasons. ``[low, high]``, a person's own or an older
file's, is an interval of no stated rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from experiments.errors import UserError, unknown
from experiments.reporting.report import Report
from experiments.statistics.rerun_interval import RerunInterval, Rule, rerun_interval
from experiments.table_files.columns import Column
from experiments.table_files.spec import Table
from experiments.table_files.table_values import read_mapping
from experiments.table_files.yaml_files import read_yaml

HEAD = """# Where each mean over runs is expected: scale: {row: {metric: {low, high, rule, runs}}}, rates in 0-1.
# rule: spread, a prediction interval of 5 runs or more (1 % of means leave it by chance); share, a quarter of the mean
# to each side (fewer runs, or folds); floor, half a point of a percentage or 2 % of another number. Reasons:
# docs/report.md.
# Checked by `earmark report TABLE --check`, written by `earmark report TABLE --write-expected` from finished runs.
"""
FLOOR_PERCENT = 0.005  # half a point: other processors and library versions round elsewhere
FLOOR_RELATIVE = 0.02  # of a number that is no rate, but at least a step of its last printed decimal
MACHINE_METRICS = ("seconds", "real_time_factor")  # of the machine, not of the system
RULES: tuple[Rule, ...] = get_args(Rule)

Intervals = Mapping[str, Mapping[str, RerunInterval]]  # by row and metric


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
        of_scale: dict[str, dict[str, RerunInterval]] = {}
        for row, metrics in read_mapping(rows, where=f"{path.name}: {scale}").items():
            of_scale[row] = {
                metric: _interval(value, where=f"{path.name}: {scale}.{row}.{metric}")
                for metric, value in read_mapping(metrics, where=f"{path.name}: {scale}.{row}").items()
            }
        scales[scale] = of_scale
    return scales


def _interval(value: Any, *, where: str) -> RerunInterval:
    if isinstance(value, list):
        return _ends_of(value, None, None, where=where)
    fields = read_mapping(value, where=where, allowed=("low", "high", "rule", "runs"))
    rule, runs = fields.get("rule"), fields.get("runs")
    if rule not in RULES:
        raise UserError(f"{where}.rule: {unknown('rule', str(rule), RULES)}")
    if type(runs) is not int or runs < 1:
        raise UserError(f"{where}.runs: expected an integer >= 1, got {runs!r}")
    return _ends_of([fields.get("low"), fields.get("high")], rule, runs, where=where)


def _ends_of(ends: list[Any], rule: Rule | None, runs: int | None, *, where: str) -> RerunInterval:
    if len(ends) != 2 or not all(type(end) in (int, float) for end in ends) or ends[0] > ends[1]:
        raise UserError(f"{where}: expected [low, high], two numbers in this order, got {ends!r}")
    return RerunInterval(float(ends[0]), float(ends[1]), rule, runs)


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
        for metric, (low, high, _, _) in metrics.items():
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


def checked(report: Report, expected: Intervals) -> dict[tuple[str, str], RerunInterval]:
    """The interval of each figure of a report that has one, by (row, metric)."""
    return {
        (row, metric): interval
        for row, of_row in expected.items()
        for metric, interval in of_row.items()
        if report.cells.get((row, metric)) is not None
    }


def rules_text(found: Mapping[tuple[str, str], RerunInterval]) -> str:
    """By which rules intervals were made: ``5 by spread, 12 by share, 3 of no stated rule``."""
    counts = Counter("of no stated rule" if of.rule is None else f"by {of.rule}" for of in found.values())
    return ", ".join(f"{count} {rule}" for rule, count in counts.items())


def weak_checks(report: Report, found: Mapping[tuple[str, str], RerunInterval]) -> list[str]:
    """What the checks of a report could not see, or not as well as they say; a line each with count and names."""
    blind = _by_row([place for place, interval in found.items() if interval.is_blind])
    lines = [f"{sum(map(len, blind.values()))} of {len(found)} checks could not see a loss of a third: {_names(blind)}"]
    other = _by_row(
        [place for place, interval in found.items() if interval.num_runs not in (None, _num_runs(report, *place))]
    )
    lines.append(
        f"{sum(map(len, other.values()))} of {len(found)} figures are means of another number of runs than their "
        f"interval: {_names(other)}"
    )
    return [line for line, places in zip(lines, (blind, other), strict=True) if places]


def _num_runs(report: Report, row: str, metric: str) -> int:
    summary = report.cells[row, metric]
    return 0 if summary is None else summary.n


def _by_row(places: list[tuple[str, str]]) -> dict[str, list[str]]:
    by_row: dict[str, list[str]] = {}
    for row, metric in places:
        by_row.setdefault(row, []).append(metric)
    return by_row


def _names(by_row: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{row} {', '.join(metrics)}" for row, metrics in by_row.items())


def intervals(report: Report) -> dict[str, dict[str, RerunInterval]]:
    """The interval of every figure of a report, those of the machine's speed left out.

    A figure of which a seed diverged has none: what is expected of it is not known.
    """
    found: dict[str, dict[str, RerunInterval]] = {}
    for column in report.table.columns:
        for row in report.rows:
            summary = report.cells[row, column.metric]
            if summary is None or report.diverged(row, column.metric) or column.metric.endswith(MACHINE_METRICS):
                continue
            interval = rerun_interval(summary, floor=_floor(column, summary.mean), over_folds=bool(report.table.folds))
            found.setdefault(row, {})[column.metric] = interval
    return found


def _floor(column: Column, mean: float) -> float:
    """Half a point of a rate; of a number a share of itself, and near 0, where that is nothing, what can be printed."""
    return FLOOR_PERCENT if column.unit == "percent" else max(FLOOR_RELATIVE * abs(mean), 10.0**-column.decimals)


def write_expected(path: Path, report: Report) -> Intervals:
    """Write the intervals of a report's scale, other scales kept as they are; returns those of this scale."""
    scales: dict[str, Intervals] = read_expected(path) if path.is_file() else {}
    found = intervals(report)
    scales[report.table.scale] = found
    lines = [HEAD.replace("TABLE", report.table.name)]
    for scale, rows in scales.items():
        lines.append(f"{scale}:\n")
        for row, metrics in rows.items():
            lines.append(f"  {row}:\n")
            lines += [f"    {metric}: {_written(interval)}\n" for metric, interval in metrics.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return found


def _written(interval: RerunInterval) -> str:
    low, high = f"{interval.low:.5g}", f"{interval.high:.5g}"
    if interval.num_runs is None:
        return f"[{low}, {high}]"
    return f"{{low: {low}, high: {high}, rule: {interval.rule}, runs: {interval.num_runs}}}"
