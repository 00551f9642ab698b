"""How many seeds, test units or folds would show a difference of a given size, from the spread seen so far.

The variances of a comparison are scaled: that of the trainings by the number of seeds, that of the test units by their
number; degrees of freedom grow with them. What is needed is the least number with which ``CombinedError.least_shown``
(80 % of the time, two-sided 5 %, one comparison) is no more than the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from experiments.statistics.combined_error import CombinedError, Part

MOST_SEEDS, MOST_FOLDS, MOST_UNITS = 200, 100, 10_000_000


@dataclass(frozen=True)
class Spread:
    """What one comparison has shown of chance: by ``num_seeds`` seeds a row, and by ``num_units`` test units."""

    trainings: tuple[Part, ...]
    num_seeds: float
    units: Part
    num_units: int

    def error(self, *, num_seeds: float, num_units: float) -> CombinedError:
        """With other numbers of both."""
        grown = (num_seeds - 1) / (self.num_seeds - 1)
        parts = [Part(of.variance * self.num_seeds / num_seeds, of.df * grown) for of in self.trainings]
        return CombinedError((*parts, Part(self.units.variance * self.num_units / num_units, num_units - 1)))

    def seeds_for(self, difference: float) -> int | None:
        """Seeds a row on the test units that there are; None where ``MOST_SEEDS`` would not do."""
        return _least(
            lambda n: self.error(num_seeds=n, num_units=self.num_units).least_shown() <= difference, 2, MOST_SEEDS
        )

    def units_for(self, difference: float) -> int | None:
        """Test units with the seeds that there are; None where ``MOST_UNITS`` would not do."""
        return _least(
            lambda n: self.error(num_seeds=self.num_seeds, num_units=n).least_shown() <= difference, 2, MOST_UNITS
        )

    def folds_for(self, difference: float) -> int | None:
        """Folds of one corpus, each with as many seeds and test units as there are now, by the corrected resampled t.

        What a difference varies by from one fold's training clips to the next is not known yet: at least so many.
        """
        one = self.error(num_seeds=self.num_seeds, num_units=self.num_units).se ** 2
        return folds_for(one, difference)


def runs_for(variance: float, difference: float) -> int | None:
    """Of runs whose differences from a bound, or from their partners, have this variance: Student's t of one sample."""
    return _least(lambda n: CombinedError((Part(variance / n, n - 1),)).least_shown() <= difference, 2, MOST_SEEDS)


def folds_for(variance: float, difference: float) -> int | None:
    """Of k deals whose differences have this variance; one validates, so that n_test / n_train is 1 / (k - 2)."""

    def shows(k: int) -> bool:
        return CombinedError((Part((1 / k + 1 / (k - 2)) * variance, k - 1),)).least_shown() <= difference

    return _least(shows, 3, MOST_FOLDS)


def _least(shows: Callable[[int], bool], low: int, most: int) -> int | None:
    """The least number that shows it, all larger ones doing so too; None where ``most`` does not."""
    if shows(low):
        return low
    if not shows(most):
        return None
    high = most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high
