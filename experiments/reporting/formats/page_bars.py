"""A column of a report as the bars of its page, by group."""

from __future__ import annotations

from typing import NamedTuple

from experiments.reporting.report import Report, shown
from experiments.statistics.stats import Summary
from experiments.table_files.columns import Column


class BarLine(NamedTuple):
    """A bar of a chart in percent of its width: its end, and the ends of its whisker; ``heading`` starts a group."""

    row: str
    text: str
    start: float
    width: float
    low: float
    high: float
    kind: str
    heading: str = ""


def bars(report: Report, column: Column) -> list[BarLine]:
    """Bars from zero (or the least value, where there are negative ones), with whiskers of one standard deviation."""
    found = [summary for row in report.rows if (summary := report.cells[row, column.metric]) is not None]
    if not found:
        return []
    most = max(0.0, *(summary.mean + (summary.std or 0) for summary in found)) or 1.0
    least = min(0.0, *(summary.mean - (summary.std or 0) for summary in found))

    def percent(value: float) -> float:
        return round(100 * (value - least) / (most - least), 3)

    def bar(row: str, summary: Summary | None) -> BarLine:
        of_fewer = report.of_fewer(row, column.metric)
        if summary is None:
            return BarLine(row, of_fewer, 0.0, 0.0, 0.0, 0.0, "row")
        spread, (start, end) = summary.std or 0.0, sorted((percent(0.0), percent(summary.mean)))
        kind = "reference" if report.table.rows[row].reference else "best" if row in report.best(column) else "row"
        return BarLine(row, f"{shown(summary.mean, column)} {of_fewer}".strip(), start, end - start,
                       percent(summary.mean - spread), percent(summary.mean + spread), kind)  # fmt: skip

    lines: list[BarLine] = []
    for group in report.groups:
        own = [bar(row, report.cells[row, column.metric]) for row in group.rows]
        drawn = sorted((of for of in own if of.text), key=lambda of: report.cells[of.row, column.metric] is None)
        lines += [*(of._replace(heading=group.heading) for of in drawn[:1]), *drawn[1:]]
    return lines
