"""Where the mean of as many further runs is expected: by the runs' own spread, or by a stated bound where they are few.

Of n >= 5 runs with mean x and standard deviation s, the mean of m further runs of the same distribution lies within
x ± t · s · sqrt(1/n + 1/m), t the quantile of Student's distribution with n - 1 degrees of freedom (a prediction
interval: Hahn and Meeker 1991, Statistical Intervals, section 4.6; normal runs). It is left by chance at the rate that
t is taken at. Two to four runs know too little of s: at n = 2 the same t is 64, which sees nothing. There the interval
is a share of the mean, which has no rate, and which sees a loss of a third. So it is over folds, however many: s holds
what the folds differ in, and further runs are of the same folds.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from experiments.statistics.stats import Summary

MIN_RUNS = 5  # for a standard deviation that is believed: t is 4.6 there, and 9.9 at three
CHANCE = 0.01  # that a mean leaves the interval of a spread by chance, to either side
SHARE = 0.25  # of the mean: below a third, and above what other processors made of the same seeds (14 %)
NOTICEABLE = 1 / 3  # a loss of this share of what is expected must not pass

Rule = Literal["spread", "share", "floor"]


class RerunInterval(NamedTuple):
    """From ``low`` to ``high``, ends included; by which rule and of how many runs, None where that is not known."""

    low: float
    high: float
    rule: Rule | None
    num_runs: int | None

    @property
    def expected(self) -> float:
        """The middle: every rule goes as far to one side as to the other."""
        return (self.low + self.high) / 2

    @property
    def is_blind(self) -> bool:
        """Whether a loss of a third of what is expected stays within. Of an expected 0 there is no third to lose."""
        lost = abs(self.expected) * NOTICEABLE
        return 0.0 < lost <= (self.high - self.low) / 2


def rerun_interval(summary: Summary, *, floor: float, over_folds: bool = False) -> RerunInterval:
    """The interval of another mean of as many runs, at least ``floor`` to each side (in the figures' unit).

    Runs that all came to the same have no chance in them (an oracle, a constant): theirs is the floor.

    >>> rerun_interval(Summary(mean=0.4, std=0.1, n=2), floor=0.005)
    RerunInterval(low=0.30000000000000004, high=0.5, rule='share', num_runs=2)
    """
    half, rule = _half_width(summary, over_folds=over_folds)
    if half < floor or summary.std == 0.0:
        half, rule = floor, "floor"
    return RerunInterval(summary.mean - half, summary.mean + half, rule, summary.n)


def _half_width(summary: Summary, *, over_folds: bool) -> tuple[float, Rule]:
    if over_folds or summary.std is None or summary.n < MIN_RUNS:
        return SHARE * abs(summary.mean), "share"
    from scipy.special import stdtrit  # scipy.stats takes half a second to import

    t = float(stdtrit(summary.n - 1, 1 - CHANCE / 2))
    return t * summary.std * math.sqrt(2 / summary.n), "spread"
