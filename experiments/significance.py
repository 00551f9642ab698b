"""Is a row better than the baseline row? Two paired tests of different questions, each Holm-corrected over the rows.

*Over the test set*: a paired bootstrap over clips, utterances or sentences, from stored predictions
(``resampling.py``). Would these trained networks differ on other clips like these? Each draw is met by both rows and
all common seeds, whose figures are averaged on it: averaging goes over what was trained, drawing over what was tested,
and the more seeds, the less one network's luck is in the difference. Blocks are speakers (Bisani & Ney, ICASSP 2004)
where there are at least ``ENOUGH_SPEAKERS``, as in a run's own ``test/wer_ci95``: percentiles of fewer blocks are too
narrow, and four speakers that agree would look like certainty. With fewer, utterances are drawn, and the rough interval
over speakers stands beside it. For the same reason there are no stars under ``ENOUGH_UNITS`` clips or utterances, and
no p is below what an exact test over the units that differ could give (``least_p``).

*Over seeds*: Student's paired t-test of the figures. Would the difference be there after other trainings? With two or
three seeds it can show large differences only; hence the stars stand for the first test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.plan import Cell
from experiments.resampling import (
    NUM_RESAMPLES,
    Difference,
    Floats,
    UnitCounts,
    difference_of_means,
    least_p,
    num_differing,
    resample,
)
from experiments.spec import Table
from experiments.split_references import TestSplits
from experiments.stats import holm, paired_t
from experiments.stored_counts import Run, read_counts
from experiments.stored_scores import StoredScores
from lightning_modules.metrics.bootstrap import Interval

ENOUGH_SPEAKERS = 10
# To draw from: of equal systems 15 % of bootstraps over 4 units say p < .05, 12 % over 6, 8 % over 10
# (benchmarks/stars_of_few_units.py).
ENOUGH_UNITS = 10


@dataclass(frozen=True)
class TestSetTest:
    """The paired bootstrap of one row and column; ``difference`` is the row's figure minus the baseline's.

    ``units`` are what was drawn from, ``num_units`` of them, and the rows' counts differ on ``num_differing``. With
    ``stars_withheld`` they are too few. ``ci95_speakers`` is there where the speakers are too few to be the blocks.
    """

    __test__ = False  # pytest: not a test

    difference: float
    ci95: Interval
    p: float
    p_holm: float
    seeds: tuple[int, ...]
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
    left_out = dict(counts.left_out)
    test_set: dict[tuple[str, str], TestSetTest] = {}
    for metric in metrics:
        of_units = _Units(metric, counts.of(metric), baseline, num_resamples)
        test_set |= {(row, metric): test for row, test in of_units.tests().items()}
        left_out |= of_units.left_out
    return Significance(
        baseline=baseline,
        num_resamples=num_resamples,
        test_set=test_set,
        seeds={(row, m): test for m in metrics for row, test in _over_seeds(finished, m, baseline).items()},
        left_out=tuple(f"not tested over the test set: {row}: {why}" for row, why in left_out.items()),
    )


def _over_seeds(finished: Sequence[Cell], metric: str, baseline: str) -> dict[str, SeedsTest]:
    values: dict[str, dict[int, float]] = {}
    for cell in finished:
        if cell.run and metric in cell.run.metrics:
            values.setdefault(cell.row.name, {})[cell.seed] = cell.run.metrics[metric]
    others = values.pop(baseline, {})
    tests = {row: test for row, of_row in values.items() if (test := paired_t(of_row, others))}
    adjusted = holm({row: test.p for row, test in tests.items() if test.p is not None})
    return {row: SeedsTest(test.difference, test.p, adjusted.get(row), test.n) for row, test in tests.items()}


class _Units:
    """The bootstrap of one column."""

    def __init__(self, metric: str, counts: Mapping[Run, UnitCounts], baseline: str, num_resamples: int) -> None:
        self.baseline, self.num_resamples = baseline, num_resamples
        self.left_out: dict[str, str] = {}
        first = next((of for run, of in counts.items() if run.row == baseline), None)
        self.first = first
        self.systems: dict[Run, UnitCounts] = {}
        for run, of in counts.items():
            if first is not None and set(of.ids) != set(first.ids):
                self.left_out[run.row] = f"it was scored on other {of.unit} than {baseline}"
            elif first is not None:
                self.systems[run] = of.ordered(first.ids)

    def tests(self) -> dict[str, TestSetTest]:
        """Of each row that shares a seed with the baseline; none of one unit, which is said."""
        if self.first is None:
            return {}
        if len(self.first.ids) < 2:
            rows = sorted({run.row for run in self.systems if run.row != self.baseline})
            self.left_out |= dict.fromkeys(rows, f"too few {self.first.unit} to draw from: 1, allowed: 2 or more")
            return {}
        speakers = self.first.speakers or ()
        num_speakers = len(set(speakers))
        enough = num_speakers >= ENOUGH_SPEAKERS
        blocks = speakers if enough else None
        num_units = num_speakers if enough else len(self.first.ids)
        differing = {row: self._num_differing(row, blocks) for row in {run.row for run in self.systems}}
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
                seeds=self._seeds(row),
                units="speakers" if enough else self.first.unit,
                num_units=num_units,
                num_differing=differing[row],
                stars_withheld=num_units < ENOUGH_UNITS,
                num_speakers=num_speakers,
                ci95_speakers=rough[row].ci95 if row in rough else None,
            )
            for row, of in found.items()
        }

    def _num_differing(self, row: str, blocks: Sequence[str] | None) -> int:
        seeds = self._seeds(row)
        pairs = ([self.systems[Run(name, seed)] for seed in seeds] for name in (row, self.baseline))
        return num_differing(*pairs, blocks=blocks) if seeds else 0

    def _seeds(self, row: str) -> tuple[int, ...]:
        return tuple(
            run.seed for run in self.systems if run.row == row and Run(self.baseline, run.seed) in self.systems
        )

    def _differences(self, blocks: Sequence[str] | None) -> dict[str, Difference]:
        runs = list(self.systems)
        drawn_SR = resample(list(self.systems.values()), blocks=blocks, num_resamples=self.num_resamples)
        values_S = np.array([of.value() for of in self.systems.values()])

        def of(row: str, seeds: Sequence[int]) -> tuple[Floats, Floats]:
            numbers = [runs.index(Run(row, seed)) for seed in seeds]
            return values_S[numbers], drawn_SR[numbers]

        found = {}
        for row in dict.fromkeys(run.row for run in runs if run.row != self.baseline):
            seeds = self._seeds(row)
            if seeds and (difference := difference_of_means(*of(row, seeds), *of(self.baseline, seeds))):
                found[row] = difference
        return found
