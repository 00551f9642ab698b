"""Student's t-test of one mean against a bound."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class OneSample(NamedTuple):
    """The mean of the differences from the bound, its 95 % interval, and the two-sided p."""

    difference: float
    ci95: tuple[float, float]
    p: float


def one_sample_t(differences: Sequence[float]) -> OneSample | None:
    """None of fewer than two, of one that is not finite, and of differences that are all the same.

    >>> test = one_sample_t([1.0, 2.0, 3.0])
    >>> test.difference, [round(end, 3) for end in test.ci95], round(test.p, 4)
    (2.0, [-0.484, 4.484], 0.0742)
    """
    if len(differences) < 2 or not all(map(math.isfinite, differences)):
        return None
    mean, error = statistics.fmean(differences), statistics.stdev(differences) / math.sqrt(len(differences))
    if error <= 1e-12 * max(1.0, abs(mean)):
        return None
    from scipy.special import stdtr, stdtrit  # scipy.stats takes half a second to import

    df = len(differences) - 1
    reach = float(stdtrit(df, 0.975)) * error
    return OneSample(mean, (mean - reach, mean + reach), float(2 * stdtr(df, -abs(mean) / error)))
