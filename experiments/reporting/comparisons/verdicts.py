"""Of two rows in a column: better, worse, equivalent within δ, or undecided, with every number that this rests on.

A verdict is of other trainings and other test units together, at 5 %. Equivalent is what lies within the column's δ by
two one-sided tests, even where a difference that small is sure to be there: δ is what the table's author counts as
none. Rows that are the same on every test unit at every seed are equivalent within 0, whether there is a δ or not. What
could not be tested (one seed, too few test units) is undecided, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from experiments.reporting.comparisons.column import ENOUGH_UNITS, ColumnRuns
from experiments.reporting.comparisons.findings import JointTest, TestSetTest
from experiments.statistics.combined_error import LEVEL
from experiments.table_files.columns import Column
from lightning_modules.metrics.bootstrap import Interval

Kind = Literal["better", "worse", "equivalent", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """A row against another one in one column; figures are as the metric is stored.

    ``ci95`` is over trainings and test units together, or of the test set alone where ``why`` says that there is no
    such test. ``p`` and ``p_equivalent`` are corrected by Holm in a report, and of one comparison alone in
    ``verdict_between``; ``p_alone`` never is. ``least_shown`` is the difference that would have been found with 80 %
    probability (two-sided 5 %, one comparison), ``least_by_units`` with any number of seeds on as many test units,
    ``least_by_trainings`` with as many seeds on any number of test units (None over folds: they hold both).
    """

    row: str
    against: str
    metric: str
    kind: Kind
    difference: float
    ci95: Interval
    p: float | None
    p_alone: float | None
    within: float | None
    p_equivalent: float | None
    least_shown: float | None
    least_by_units: float | None
    least_by_trainings: float | None
    over: Literal["seeds", "folds", ""]
    n: int
    baseline_n: int
    units: str
    num_units: int
    why: str = ""

    @property
    def is_shown_alone(self) -> bool:
        """Whether this comparison, had it been the only one, would be better or worse."""
        return self.kind == "undecided" and not self.why and self.p_alone is not None and self.p_alone < LEVEL

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def verdict_between(columns: Mapping[str, ColumnRuns], row: str, against: str, metric: str) -> Verdict | None:
    """Any two rows that have finished runs, uncorrected; None where they cannot be compared over the test set."""
    column = columns.get(metric)
    pair = None if column is None else column.compare(row, against)
    if column is None or pair is None or pair.test_set is None:
        return None
    joint = pair.joint
    p, p_equivalent = (None, None) if joint is None else (joint.p, joint.p_equivalent)
    return judge(column.column, row, against, pair.test_set, joint, p=p, p_equivalent=p_equivalent)


def direction(difference: float, column: Column) -> Literal["better", "worse"]:
    """What a difference in a column would be, were it sure."""
    return "better" if (difference > 0) == (column.better == "higher") else "worse"


def judge(
    column: Column,
    row: str,
    against: str,
    units: TestSetTest,
    joint: JointTest | None,
    *,
    p: float | None,
    p_equivalent: float | None,
) -> Verdict:
    """The verdict that tests allow, by ``p`` and ``p_equivalent``, corrected or not."""
    why = why_none(units, joint)
    kind: Kind = "undecided"
    same = joint is not None and joint.error.se == 0 and units.num_differing == 0
    if (same and not why) or (not why and p_equivalent is not None and p_equivalent < LEVEL):
        kind = "equivalent"
    elif not why and p is not None and p < LEVEL:
        kind = direction(units.difference, column)
    of_trainings = joint.of_trainings if joint else None
    return Verdict(
        row=row,
        against=against,
        metric=column.metric,
        kind=kind,
        difference=units.difference,
        ci95=joint.ci95 if joint else units.ci95,
        p=p,
        p_alone=joint.p if joint else None,
        within=0.0 if same and column.equivalent_within is None else column.equivalent_within,
        p_equivalent=p_equivalent,
        least_shown=joint.error.least_shown() if joint else None,
        least_by_units=joint.of_units.least_shown() if joint else None,
        # Cochran and Cox's quantile may fall where a part of more degrees comes to one of few
        least_by_trainings=min(of_trainings.least_shown(), joint.error.least_shown())
        if joint and of_trainings
        else None,
        over=joint.over if joint else "",
        n=joint.n if joint else len(units.seeds),
        baseline_n=joint.baseline_n if joint else len(units.baseline_seeds),
        units=units.units,
        num_units=units.num_units,
        why=why,
    )


def why_none(units: TestSetTest, joint: JointTest | None) -> str:
    """Why there is no verdict, whatever p is; empty where there is one."""
    if units.stars_withheld:
        return f"{units.num_units} test {units.units} are too few, allowed: {ENOUGH_UNITS} or more"
    return "one training says nothing of others; the intervals are of the test set alone" if joint is None else ""
