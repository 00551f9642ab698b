"""What a table would need to decide a difference of a given size: by column, as a plain document for any command."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from experiments.reporting.comparisons.findings import JointTest
from experiments.reporting.significance import Significance
from experiments.statistics.power import Spread, folds_for
from experiments.table_files.columns import Column
from experiments.table_files.spec import Table

POINTS = 0.02  # of a rate, where a column names no δ
OF_A_NUMBER = 0.05  # of the baseline's mean, of a column that is no rate


def power_document(table: Table, significance: Significance, differences: Mapping[str, float]) -> dict[str, Any]:
    """By metric the difference asked about, and of each row, of the median one and of the widest what decides it.

    ``differences`` are as metrics are stored; a column without one has its δ, else two points, else 5 % of the
    baseline's mean of a number. ``seeds``, ``units`` and ``folds`` are null where more than any run would ever have
    would be needed; ``least_shown`` is what the runs that there are could have shown.
    """
    columns = {}
    for column in table.columns:
        joints = {row: joint for (row, metric), joint in significance.joint.items() if metric == column.metric}
        if joints:
            difference = differences.get(column.metric) or default_difference(column, significance)
            columns[column.metric] = _of_column(column, joints, significance, difference)
    return {"table": table.name, "scale": table.scale, "columns": columns}


def default_difference(column: Column, significance: Significance) -> float:
    """The column's δ, else two points of a rate, else 5 % of the baselines' largest mean."""
    if column.equivalent_within is not None:
        return column.equivalent_within
    if column.unit == "percent":
        return POINTS
    figures = significance.columns[column.metric].figures
    means = [statistics.fmean(figures[row].values()) for row in significance.baselines.values() if row in figures]
    return OF_A_NUMBER * max(map(abs, means), default=0.0) or POINTS


def _of_column(
    column: Column, joints: Mapping[str, JointTest], significance: Significance, difference: float
) -> dict[str, Any]:
    order = sorted(joints, key=lambda row: joints[row].error.se)
    rows = {
        row: {
            "against": significance.baselines[row],
            **what_decides(
                joints[row],
                significance.test_set[row, column.metric].num_units,
                difference,
                share=significance.columns[column.metric].test_share,
            ),
        }
        for row in order
    }
    return {
        "label": column.label,
        "difference": difference,
        "units": significance.test_set[order[0], column.metric].units,
        "num_units": significance.test_set[order[0], column.metric].num_units,
        "median": order[(len(order) - 1) // 2],
        "widest": order[-1],
        "rows": rows,
    }


def what_decides(joint: JointTest, num_units: int, difference: float, *, share: float | None) -> dict[str, Any]:
    """Of one comparison: what it could have shown, and how many seeds, units or folds would show a ``difference``."""
    shown = {
        "least_shown": joint.error.least_shown(),
        "least_by_units": joint.of_units.least_shown(),
        "over": joint.over,
        "n": min(joint.n, joint.baseline_n),
    }
    if joint.of_trainings is None:  # over folds: seeds and units are in their differences
        (part,) = joint.error.parts
        one = part.variance / (1 / joint.n + (share or 0.0))
        return {**shown, "seeds": None, "units": None, "folds": folds_for(one, difference)}
    num_seeds = 2 / (1 / joint.n + 1 / joint.baseline_n)
    if num_seeds <= 1:  # rows that nothing was trained for: test units alone count
        num_seeds = 2
    spread = Spread(joint.of_trainings.parts, num_seeds, joint.of_units.parts[0], num_units)
    return {
        **shown,
        "seeds": spread.seeds_for(difference),
        "units": spread.units_for(difference),
        "folds": spread.folds_for(difference),
    }
