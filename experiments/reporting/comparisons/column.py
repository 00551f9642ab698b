"""One column of a plan's finished runs, and any two of its rows compared in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from experiments.reporting.comparisons.findings import JointTest, SeedsTest, TestSetTest
from experiments.reporting.comparisons.unit_draws import Blocks, RowDraws, RunCounts, UnitDraws, aligned, ids_of
from experiments.statistics.combined_error import CombinedError, Part
from experiments.statistics.paired_bootstrap import Difference, difference_of_means, least_p, seen
from experiments.statistics.resampled_t import fold_differences, over_folds
from experiments.statistics.stats import paired_t
from experiments.statistics.training_spread import PooledSpread, TrainedRow, pooled_spread, training_parts
from experiments.statistics.trainings import Training
from experiments.table_files.columns import Column
from lightning_modules.metrics.bootstrap import Interval

# To draw from: of equal systems 15 % of bootstraps over 4 units say p < .05, 12 % over 6, 8 % over 10
# (benchmarks/stars_of_few_units.py).
ENOUGH_UNITS = 10


class Pair(NamedTuple):
    """Two rows compared, before any correction; ``why_not`` says why there is no test over the test set."""

    test_set: TestSetTest | None
    joint: JointTest | None
    why_not: str = ""


@dataclass(frozen=True)
class ColumnRuns:
    """A column's figures by row and training, from which trainings each came, and the counts of rows that are whole.

    ``counts`` has no row of which a run diverged or lost its counts. ``test_share`` is n_test / n_train over folds,
    None of a table without folds.
    """

    column: Column
    all_figures: Mapping[str, Mapping[Training, float]]
    origins: Mapping[str, Mapping[Training, frozenset[str]]]
    counts: Mapping[str, RunCounts]
    test_share: float | None
    num_resamples: int

    @cached_property
    def figures(self) -> dict[str, Mapping[Training, float]]:
        """Of the rows of which no run diverged."""
        return {row: of for row, of in self.all_figures.items() if all(map(math.isfinite, of.values()))}

    @cached_property
    def trained(self) -> dict[str, TrainedRow]:
        """Each row's figures with their origins; none of a row that no training changes on any test unit."""
        return {
            row: TrainedRow(of, {} if self._is_unchanged(row) else self.origins[row])
            for row, of in self.figures.items()
        }

    @cached_property
    def pooled(self) -> PooledSpread:
        """The spread over seeds of all rows; of a table with folds nobody asks for it."""
        return pooled_spread(self.trained.values())

    def compare(self, row: str, other: str) -> Pair:
        """A row against another one, both of which must have counts."""
        if row not in self.counts or other not in self.counts:
            return Pair(None, None)
        ids = ids_of(self.counts[other])
        unit = next(iter(self.counts[other].values())).unit
        drawn = self._drawn(ids)
        if other not in drawn.units.rows:
            return Pair(None, None, f"{other} {at_other_seeds(unit)}")
        if row not in drawn.units.rows:
            return Pair(None, None, f"it was scored on other {unit} than {other}")
        if drawn.units.num_ids < 2:
            return Pair(None, None, f"too few {unit} to draw from: 1, allowed: 2 or more")
        test = drawn.test(row, other)
        return Pair(test, None if test is None else self._joint(row, other, test))

    def uneven(self, row: str) -> str:
        """Why a row's runs can't be drawn together: they were scored on different units. Empty where they can."""
        counts = self.counts.get(row)
        if counts is None or row in aligned({row: counts}, ids_of(counts)):
            return ""
        return f"it {at_other_seeds(next(iter(counts.values())).unit)}"

    def over_trainings(self, row: str, other: str) -> SeedsTest | None:
        """Over seeds the paired t-test, over folds the corrected resampled one; None without a common run."""
        values, others = self.figures[row], self.figures[other]
        if self.test_share is None:
            test = paired_t(values, others)
            return None if test is None else SeedsTest(test.difference, test.p, None, test.n)
        differences = fold_differences(values, others)
        part = over_folds(differences, share=self.test_share)
        if not differences:
            return None
        mean = float(np.mean(list(differences.values())))
        p = None if part is None or part.variance == 0 else CombinedError((part,)).p(mean)
        return SeedsTest(mean, p, None, len(differences), over="folds")

    def forget_draws(self) -> None:
        """Free the draws; another question draws the same ones again."""
        self._kept.clear()

    @cached_property
    def _kept(self) -> dict[tuple[tuple[str | None, tuple[str, ...]], ...], _Drawn]:
        return {}

    def _is_unchanged(self, row: str) -> bool:
        """Whether all runs of a row have the same counts, as true tags have whichever network they are given to."""
        runs = list(self.counts.get(row, {}).values())
        return len(runs) > 1 and all(
            set(of.ids) == set(runs[0].ids) and np.array_equal(seen(of.ordered(runs[0].ids)), seen(runs[0]))
            for of in runs[1:]
        )

    def _drawn(self, ids: Mapping[str | None, tuple[str, ...]]) -> _Drawn:
        """All rows scored on these units, drawn once."""
        name = tuple((fold, tuple(sorted(of))) for fold, of in ids.items())
        if name not in self._kept:
            self._kept[name] = _Drawn(UnitDraws(aligned(self.counts, ids), num_resamples=self.num_resamples))
        return self._kept[name]

    def _joint(self, row: str, other: str, test: TestSetTest) -> JointTest | None:
        units = Part(test.se**2, test.num_units - 1)
        of_trainings: CombinedError | None = None
        if self.test_share is None:
            parts = training_parts(self.trained[row], self.trained[other], self.pooled)
            if parts is None:
                return None
            of_trainings, error = CombinedError(parts), CombinedError((*parts, units))
            over, n, baseline_n = "seeds", len(self.figures[row]), len(self.figures[other])
        else:
            differences = fold_differences(self.figures[row], self.figures[other])
            part = over_folds(differences, share=self.test_share)
            if part is None:
                return None
            error = CombinedError((part,))
            over, n, baseline_n = "folds", len(differences), len(differences)
        within = self.column.equivalent_within
        return JointTest(
            difference=test.difference,
            ci95=Interval(*error.interval(test.difference)),
            p=max(error.p(test.difference), test.p),
            p_holm=math.nan,
            over="seeds" if over == "seeds" else "folds",
            n=n,
            baseline_n=baseline_n,
            error=error,
            of_units=CombinedError((units,)),
            of_trainings=of_trainings,
            within=within,
            p_equivalent=None if within is None else error.p_equivalent(test.difference, within=within),
        )


class _Drawn:
    """Draws of all rows of the same units, and of any two of them the test."""

    def __init__(self, units: UnitDraws) -> None:
        self.units = units

    @cached_property
    def _blocks(self) -> Blocks:
        return self.units.blocks()

    @cached_property
    def _rows(self) -> dict[str, RowDraws]:
        return self.units.draw(self._blocks)

    @cached_property
    def _rough_rows(self) -> dict[str, RowDraws]:
        blocks = self.units.rough_blocks()
        return {} if blocks is None else self.units.draw(blocks)

    def test(self, row: str, other: str) -> TestSetTest | None:
        """None where a figure is undefined."""
        found = _difference(self._rows[row], self._rows[other])
        if found is None:
            return None
        difference, se = found
        differing = self.units.num_differing(row, other, self._blocks)
        rough = _difference(self._rough_rows[row], self._rough_rows[other]) if self._rough_rows else None
        return TestSetTest(
            difference=difference.difference,
            ci95=difference.ci95,
            p=max(difference.p, least_p(differing)),
            p_holm=math.nan,
            seeds=_seeds(self.units.rows[row]),
            baseline_seeds=_seeds(self.units.rows[other]),
            units=self._blocks.units,
            num_units=self._blocks.num,
            num_differing=differing,
            stars_withheld=self._blocks.num < ENOUGH_UNITS,
            num_speakers=self.units.num_speakers,
            ci95_speakers=None if rough is None else rough[0].ci95,
            se=se,
        )


def at_other_seeds(unit: str) -> str:
    """Of a row whose runs were not all scored on the same units."""
    return f"was scored on other {unit} at other seeds"


def _difference(own: RowDraws, other: RowDraws) -> tuple[Difference, float] | None:
    found = difference_of_means(np.array([own.mean]), own.means_R[None], np.array([other.mean]), other.means_R[None])
    drawn_R = own.means_R - other.means_R
    return None if found is None else (found, float(np.std(drawn_R[np.isfinite(drawn_R)])))


def _seeds(runs: RunCounts) -> tuple[int, ...]:
    return tuple(dict.fromkeys(training.seed for training in runs))
