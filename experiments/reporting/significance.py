"""Is a row better than the baseline row? Two paired tests of different questions, each Holm-corrected over the rows.

*Over the test set*: a paired bootstrap over clips, utterances or sentences, from stored predictions
(``statistics/paired_bootstrap.py``). Would these trained networks differ on other clips like these? Each draw is met by
all runs of both means, whose figures are averaged on it: averaging goes over what was trained, drawing over what was
tested, and the more seeds, the less one network's luck is in the difference. Blocks are speakers (Bisani & Ney, ICASSP
2004) where there are at least ``ENOUGH_SPEAKERS``, as in a run's own ``test/wer_ci95``: percentiles of fewer blocks are
too narrow, and four speakers that agree would look like certainty. With fewer, utterances are drawn, and the rough
interval over speakers stands beside it. For the same reason there are no stars under ``ENOUGH_UNITS`` clips or
utterances, and no p is below what an exact test over the units that differ could give (``least_p``).

*Over seeds*: Student's paired t-test of the figures. Would the difference be there after other trainings? With two or
three seeds it can show large differences only; hence the stars stand for the first test.

Either test is of the two means that the table shows, of all their runs and no others, or it is not made: not with the
predictions of one seed gone, not where a seed diverged and, over seeds, not where the two rows have different ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.planning.cell import Cell
from experiments.reporting.left_out import ByRow, LeftOut, Means
from experiments.statistics.paired_bootstrap import (
    NUM_RESAMPLES,
    Difference,
    UnitCounts,
    difference_of_means,
    least_p,
    num_differing,
    resample,
)
from experiments.statistics.stats import holm, paired_t
from experiments.stored_results.split_references import TestSplits
from experiments.stored_results.stored_counts import read_counts
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.spec import Table
from lightning_modules.metrics.bootstrap import Interval

ENOUGH_SPEAKERS = 10
# To draw from: of equal systems 15 % of bootstraps over 4 units say p < .05, 12 % over 6, 8 % over 10
# (benchmarks/stars_of_few_units.py).
ENOUGH_UNITS = 10


@dataclass(frozen=True)
class TestSetTest:
    """The paired bootstrap of one row and column; ``difference`` is the row's mean minus the baseline's.

    ``seeds`` are those of the row's mean, ``baseline_seeds`` of the baseline's. ``units`` are what was drawn from,
    ``num_units`` of them, and the rows' counts differ on ``num_differing``. With ``stars_withheld`` they are too few.
    ``ci95_speakers`` is there where the speakers are too few to be the blocks.
    """

    __test__ = False  # pytest: not a test

    difference: float
    ci95: Interval
    p: float
    p_holm: float
    seeds: tuple[int, ...]
    baseline_seeds: tuple[int, ...]
    units: str
    num_units: int
    num_differing: int
    stars_withheld: bool
    num_speakers: int
    ci95_speakers: Interval | None


@dataclass(frozen=True)
class SeedsTest:
    """The paired t-test of one row and column over n seeds; no p of one seed, or without any spread."""

    difference: float
    p: float | None
    p_holm: float | None
    n: int


@dataclass(frozen=True)
class Significance:
    """Both tests by (row, metric), and what was left out and why, a line each."""

    baseline: str
    num_resamples: int
    test_set: Mapping[tuple[str, str], TestSetTest]
    seeds: Mapping[tuple[str, str], SeedsTest]
    left_out: tuple[str, ...]

    def p(self, row: str, metric: str) -> float | None:
        """The corrected p that the stars stand for; None where there is none, or too few units to say so."""
        test = self.test_set.get((row, metric))
        return None if test is None or test.stars_withheld else test.p_holm


def compare_rows(
    table: Table,
    cells: Sequence[Cell],
    scores: StoredScores,
    splits: TestSplits,
    *,
    baseline: str,
    num_resamples: int = NUM_RESAMPLES,
) -> Significance:
    """Every row of a plan against ``baseline``, in every column that is better one way.

    Raises ``UserError`` for a baseline that the table does not have at its scale.
    """
    table.row(baseline, where=f"{table.path.name}: baseline")
    finished = [cell for cell in cells if cell.row.table == table.name and cell.state == "finished" and cell.run]
    if not any(cell.row.name == baseline for cell in finished):
        return Significance(baseline, num_resamples, {}, {}, (f"no tests: baseline {baseline} has no finished run",))
    metrics = [column.metric for column in table.columns if column.better != "neither"]
    counts = read_counts(finished, scores, splits, metrics)
    left_out = LeftOut(baseline)
    test_set: dict[tuple[str, str], TestSetTest] = {}
    over_seeds: dict[tuple[str, str], SeedsTest] = {}
    for metric in metrics:
        means = left_out.without_diverged(_means(finished, metric), metric)
        of_units = _Units(left_out.with_counts(means, counts, metric), baseline, num_resamples)
        test_set |= {(row, metric): test for row, test in of_units.tests().items()}
        left_out.over_test_set |= of_units.left_out
        over_seeds |= {(row, metric): test for row, test in _over_seeds(left_out.with_its_seeds(means), baseline)}
    return Significance(baseline, num_resamples, test_set, over_seeds, left_out.lines())


def _means(finished: Sequence[Cell], metric: str) -> Means:
    means: dict[str, dict[int, float]] = {}
    for cell in finished:
        if cell.run and metric in cell.run.metrics:
            means.setdefault(cell.row.name, {})[cell.seed] = cell.run.metrics[metric]
    return means


def _over_seeds(means: Means, baseline: str) -> list[tuple[str, SeedsTest]]:
    others = means.get(baseline, {})
    tests = {
        row: test for row, values in means.items() if row != baseline and (test := paired_t(values, others)) is not None
    }
    adjusted = holm({row: test.p for row, test in tests.items() if test.p is not None})
    return [(row, SeedsTest(test.difference, test.p, adjusted.get(row), test.n)) for row, test in tests.items()]


class _Units:
    """The bootstrap of one column, of the counts of every run of each row's mean."""

    def __init__(self, counts: ByRow, baseline: str, num_resamples: int) -> None:
        self.baseline, self.num_resamples = baseline, num_resamples
        self.left_out: dict[str, str] = {}
        self.systems: dict[str, dict[int, UnitCounts]] = {}
        self.first = next(iter(counts[baseline].values())) if baseline in counts else None
        for row, of_runs in counts.items():
            if self.first is None:
                break
            ids = self.first.ids
            if any(set(of.ids) != set(ids) for of in of_runs.values()):
                same = f"than {baseline}" if row != baseline else "at other seeds"
                self.left_out[row] = f"it was scored on other {self.first.unit} {same}"
            else:
                self.systems[row] = {seed: of.ordered(ids) for seed, of in of_runs.items()}

    def tests(self) -> dict[str, TestSetTest]:
        """Of each row; none of one unit, which is said."""
        if self.first is None or self.baseline not in self.systems:
            return {}
        if len(self.first.ids) < 2:
            rows = sorted(row for row in self.systems if row != self.baseline)
            self.left_out |= dict.fromkeys(rows, f"too few {self.first.unit} to draw from: 1, allowed: 2 or more")
            return {}
        speakers = self.first.speakers or ()
        num_speakers = len(set(speakers))
        enough = num_speakers >= ENOUGH_SPEAKERS
        blocks = speakers if enough else None
        num_units = num_speakers if enough else len(self.first.ids)
        others = self.systems[self.baseline]
        differing = {
            row: num_differing(list(of.values()), list(others.values()), blocks=blocks)
            for row, of in self.systems.items()
        }
        found = {
            row: of._replace(p=max(of.p, least_p(differing[row]))) for row, of in self._differences(blocks).items()
        }
        rough = self._differences(speakers) if num_speakers > 1 and not enough else {}
        adjusted = holm({row: difference.p for row, difference in found.items()})
        return {
            row: TestSetTest(
                difference=of.difference,
                ci95=of.ci95,
                p=of.p,
                p_holm=adjusted[row],
                seeds=tuple(self.systems[row]),
                baseline_seeds=tuple(others),
                units="speakers" if enough else self.first.unit,
                num_units=num_units,
                num_differing=differing[row],
                stars_withheld=num_units < ENOUGH_UNITS,
                num_speakers=num_speakers,
                ci95_speakers=rough[row].ci95 if row in rough else None,
            )
            for row, of in found.items()
        }

    def _differences(self, blocks: Sequence[str] | None) -> dict[str, Difference]:
        every = [of for of_runs in self.systems.values() for of in of_runs.values()]
        drawn_SR = resample(every, blocks=blocks, num_resamples=self.num_resamples)
        values_S = np.array([of.value() for of in every])
        ends = np.cumsum([len(of_runs) for of_runs in self.systems.values()])
        places = {
            row: slice(end - len(of_runs), end) for (row, of_runs), end in zip(self.systems.items(), ends, strict=True)
        }
        base = places.pop(self.baseline)
        found = {}
        for row, place in places.items():
            difference = difference_of_means(values_S[place], drawn_SR[place], values_S[base], drawn_SR[base])
            if difference is not None:
                found[row] = difference
        return found
