"""Is a row better or worse than its baseline? Each row of a table against the one that it is compared with.

*The stars* are of other trainings and other test units together (``statistics/combined_error.py``): the variance over
seeds of either mean (``training_spread.py``), and that of the difference over the test units, from the paired
bootstrap. Over folds they are the corrected resampled t-test's (``resampled_t.py``), whose differences hold both. No
star says more than the test over the test set alone, and of one seed there is none: it says nothing of others.

*Over the test set*: a paired bootstrap over clips, utterances or sentences, from stored predictions
(``statistics/paired_bootstrap.py``). Would these trained networks differ on other clips like these? Each draw is met by
all runs of both means, whose figures are averaged on it. Blocks are the coarsest recorded source (``unit_draws.py``).
There are no stars under ``ENOUGH_UNITS`` units, and no p is below what an exact test over the units that differ could
give (``least_p``).

*Over seeds*: Student's paired t-test of the figures; over folds the corrected resampled one.

Each is corrected by Holm within a column and group of rows. A test is of the two means that the table shows, of all
their runs and no others, or it is not made: not with the predictions of one seed gone, not where a seed diverged and,
over seeds, not where the two rows have different ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from experiments.planning.cell import Cell
from experiments.reporting.comparisons.column import ColumnRuns
from experiments.reporting.comparisons.columns import read_columns
from experiments.reporting.comparisons.findings import JointTest, SeedsTest, TestSetTest
from experiments.reporting.left_out import LeftOut
from experiments.statistics.paired_bootstrap import NUM_RESAMPLES
from experiments.statistics.stats import holm
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_counts import StoredCounts, read_counts
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.spec import Table

Place = tuple[str, str]  # row and metric


@dataclass(frozen=True)
class Significance:
    """The tests by (row, metric), each of a row against ``baselines[row]``; what was left out and why, a line each.

    ``columns`` has what they were made from, by metric: any other two rows can be compared in it. ``families`` are the
    rows within which p is corrected.
    """

    baselines: Mapping[str, str]
    num_resamples: int
    test_set: Mapping[Place, TestSetTest]
    seeds: Mapping[Place, SeedsTest]
    joint: Mapping[Place, JointTest]
    left_out: tuple[str, ...]
    columns: Mapping[str, ColumnRuns] = field(default_factory=dict)
    families: Sequence[Sequence[str]] = ()

    @property
    def baseline(self) -> str:
        """The row, or the rows in a list, that others are compared with."""
        return ", ".join(dict.fromkeys(self.baselines.values()))

    def p(self, row: str, metric: str) -> float | None:
        """The corrected p that the stars stand for; None where there is none, or too few units to say so."""
        units, joint = self.test_set.get((row, metric)), self.joint.get((row, metric))
        return None if units is None or joint is None or units.stars_withheld else joint.p_holm


def compare_rows(
    table: Table,
    cells: Sequence[Cell],
    scores: StoredScores,
    splits: TestSplits,
    *,
    baseline: str | None = None,
    num_resamples: int = NUM_RESAMPLES,
) -> Significance:
    """Every row of a plan against its own baseline, or against ``baseline``, in every column that is better one way.

    Raises ``UserError`` for a baseline that the table does not have at its scale.
    """
    baselines = table.baselines()
    if baseline is not None:
        table.row(baseline, where=f"{table.path.name}: baseline")
        baselines = {row: baseline for row in table.rows if row != baseline}
    finished = [cell for cell in cells if cell.row.table == table.name and cell.state == "finished" and cell.run]
    rows = {cell.row.name for cell in finished}
    lines = tuple(
        f"no tests: baseline {name} has no finished run"
        for name in dict.fromkeys(baselines.values())
        if name not in rows
    )
    baselines = {row: of for row, of in baselines.items() if of in rows and row in rows}
    if not baselines:
        return Significance(baselines, num_resamples, {}, {}, {}, lines)
    metrics = [column.metric for column in table.columns if column.better != "neither"]
    counts = read_counts(finished, scores, splits, metrics)
    columns = read_columns(table, finished, counts, splits, num_resamples=num_resamples)
    tests = _Tests(baselines)
    for of in columns.values():
        tests.add(of, counts)
        of.forget_draws()
    together = families(table)
    tests.correct(together)
    return Significance(
        baselines, num_resamples, tests.test_set, tests.seeds, tests.joint, (*lines, *tests.lines()), columns, together
    )


def families(table: Table) -> list[tuple[str, ...]]:
    """Rows within which p is corrected: each group's, and those that no group names."""
    grouped = {row for group in table.groups for row in group.rows}
    return [*(group.rows for group in table.groups), tuple(row for row in table.rows if row not in grouped)]


class _Tests:
    """The tests of all columns, and what each baseline's rows were left out of."""

    def __init__(self, baselines: Mapping[str, str]) -> None:
        self.test_set: dict[Place, TestSetTest] = {}
        self.seeds: dict[Place, SeedsTest] = {}
        self.joint: dict[Place, JointTest] = {}
        self._rows: dict[str, list[str]] = {}
        for row, baseline in baselines.items():
            self._rows.setdefault(baseline, []).append(row)
        self._left_out = {baseline: LeftOut(baseline) for baseline in self._rows}

    def add(self, column: ColumnRuns, counts: StoredCounts) -> None:
        """Every row that has a baseline, in one column."""
        metric = column.column.metric
        for baseline, rows in self._rows.items():
            left_out = self._left_out[baseline]
            shown = {row: column.all_figures[row] for row in (baseline, *rows) if row in column.all_figures}
            means = left_out.without_diverged(shown, metric)
            whole = left_out.with_counts(means, counts, metric)
            for row in left_out.with_its_trainings(means):
                if row != baseline and (test := column.over_trainings(row, baseline)) is not None:
                    self.seeds[row, metric] = test
            if why := column.uneven(baseline):
                left_out.over_test_set[baseline] = why
                continue
            for row in (row for row in whole if row != baseline and baseline in whole):
                pair = column.compare(row, baseline)
                if pair.test_set is not None:
                    self.test_set[row, metric] = pair.test_set
                if pair.joint is not None:
                    self.joint[row, metric] = pair.joint
                if pair.why_not:
                    left_out.over_test_set[row] = pair.why_not

    def correct(self, groups: Sequence[Sequence[str]]) -> None:
        """Holm's correction of every kind of test, within a group and column."""
        for family in _families_of(groups, {*self.test_set, *self.seeds}):
            units = holm(
                {row: self.test_set[row, metric].p for row, metric in family if (row, metric) in self.test_set}
            )
            joint = {row: self.joint[row, metric] for row, metric in family if (row, metric) in self.joint}
            seeds = {row: self.seeds[row, metric] for row, metric in family if (row, metric) in self.seeds}
            together = holm({row: test.p for row, test in joint.items()})
            equal = holm({row: test.p_equivalent for row, test in joint.items() if test.p_equivalent is not None})
            over_seeds = holm({row: test.p for row, test in seeds.items() if test.p is not None})
            for row, metric in family:
                place = row, metric
                if row in units:
                    self.test_set[place] = replace(self.test_set[place], p_holm=units[row])
                if row in joint:
                    corrected = replace(joint[row], p_holm=together[row], p_equivalent_holm=equal.get(row))
                    self.joint[place] = corrected
                if row in seeds:
                    self.seeds[place] = replace(seeds[row], p_holm=over_seeds.get(row))

    def lines(self) -> Iterator[str]:
        """Why rows are not tested, against each baseline."""
        for left_out in self._left_out.values():
            yield from left_out.lines()


def _families_of(groups: Sequence[Sequence[str]], places: set[Place]) -> Iterator[list[Place]]:
    metrics = sorted({metric for _, metric in places})
    for metric in metrics:
        for rows in groups:
            if family := [(row, metric) for row in rows if (row, metric) in places]:
                yield family
