"""Which rows of a report are not tested against the baseline, and why: a test is of whole means, or it is not made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from experiments.statistics.paired_bootstrap import Units
from experiments.statistics.trainings import Training
from experiments.stored_results.curve_counts import METRICS as CURVE_METRICS
from experiments.stored_results.stored_counts import Run, StoredCounts

NO_BASELINE = "; it is the baseline, so no row is tested"
NO_STATISTICS = "no run's curve_statistics.npz is on this disk (a pack holds none)"
Means = Mapping[str, Mapping[Training, float]]  # the figures behind a column's means, by row and training
ByRow = Mapping[str, Mapping[Training, Units]]  # and their counts


class LeftOut:
    """Takes from the means of a column what a test cannot use whole, and keeps why."""

    def __init__(self, baseline: str) -> None:
        self.baseline = baseline
        self.over_test_set: dict[str, str] = {}
        self._over_seeds: dict[str, str] = {}
        self._diverged: dict[tuple[str, str], list[str]] = {}
        self._without_statistics: list[str] = []

    def without_diverged(self, means: Means, metric: str) -> Means:
        """The means of which every run has a finite figure; none at all where the baseline's does not."""
        whole = {}
        for row, values in means.items():
            if diverged := sum(not math.isfinite(value) for value in values.values()):
                runs = "seeds" if all(of.fold is None for of in values) else "runs"
                self._diverged.setdefault((row, f"{diverged} of {len(values)} {runs} diverged"), []).append(metric)
            else:
                whole[row] = values
        return whole if self.baseline in whole else {}

    def with_counts(self, means: Means, counts: StoredCounts, metric: str) -> ByRow:
        """The counts of every run of a mean, by row."""
        whole = {}
        for row, values in means.items():
            runs = [Run(row, training) for training in values]
            of_metric = counts.of(metric)
            without = [run for run in runs if run in counts.left_out]
            lacking = [run for run in runs if run not in of_metric]
            if without:
                some = "" if len(without) == len(runs) else f" ({says([run.training for run in without])})"
                self.over_test_set[row] = counts.left_out[without[0]] + some
            elif not lacking:
                whole[row] = {run.training: of_metric[run] for run in runs}
            elif metric in CURVE_METRICS and not of_metric:
                self._without_statistics.append(metric)
                return {}
            elif len(lacking) < len(runs):
                self.over_test_set[row] = f"without counts behind {metric} ({says([run.training for run in lacking])})"
        return whole

    def with_its_trainings(self, means: Means) -> Means:
        """The means over the baseline's seeds, and folds."""
        others = means.get(self.baseline, {})
        for row, values in means.items():
            if set(values) != set(others):
                self._over_seeds[row] = f"its mean is over {says(values)}, that of {self.baseline} over {says(others)}"
        return {row: values for row, values in means.items() if set(values) == set(others)}

    def lines(self) -> tuple[str, ...]:
        """A line a row and reason; where the baseline is left out, its own alone, for no row is tested then."""
        over_test_set = self.over_test_set
        if self.baseline in over_test_set:
            over_test_set = {self.baseline: over_test_set[self.baseline] + NO_BASELINE}
        without = ", ".join(self._without_statistics)
        return (
            *([f"not tested over the test set: {without}: {NO_STATISTICS}"] if without else []),
            *(f"not tested over the test set: {row}: {why}" for row, why in over_test_set.items()),
            *(f"not tested over seeds: {row}: {why}" for row, why in self._over_seeds.items()),
            *(
                f"not tested in {', '.join(metrics)}: {row}: {why}{NO_BASELINE if row == self.baseline else ''}"
                for (row, why), metrics in self._diverged.items()
            ),
        )


def says(trainings: Iterable[Training]) -> str:
    """``seed 0``, ``seeds 0, 1`` or ``fold a seeds 0, 1; fold b seed 0``."""
    by_fold: dict[str | None, list[int]] = {}
    for of in trainings:
        by_fold.setdefault(of.fold, []).append(of.seed)
    return "; ".join(
        f"{'' if fold is None else f'fold {fold} '}seed{'s' if len(of) > 1 else ''} {', '.join(map(str, sorted(of)))}"
        for fold, of in by_fold.items()
    )
