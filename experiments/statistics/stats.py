"""Mean and spread over seeds, the paired test over them, and Holm's correction."""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


class Summary(NamedTuple):
    """Mean ± sample standard deviation (n - 1) over n seeds; ``std`` is None for one seed."""

    mean: float
    std: float | None
    n: int


class PairedTest(NamedTuple):
    """Of n differences: their mean, and the two-sided p, None where there is none."""

    difference: float
    p: float | None
    n: int


def summarise(values: Sequence[float]) -> Summary | None:
    """None without a finite value.

    >>> summarise([1.0, 3.0])
    Summary(mean=2.0, std=1.4142135623730951, n=2)
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    std = statistics.stdev(finite) if len(finite) > 1 else None
    return Summary(statistics.fmean(finite), std, len(finite))


def paired_t(values: Mapping[Key, float], baseline: Mapping[Key, float]) -> PairedTest | None:
    """Student's paired t-test over the seeds that both have; None without one.

    No p of one seed, nor of differences that are all the same: systems without any chance in them (an oracle, a
    constant) have no spread over seeds that a difference could be measured by. An exact test by signs would need six
    seeds to get below .05; the t-test supposes normal differences instead, and with two seeds asks for 12.7 standard
    errors.

    >>> test = paired_t({0: 0.5, 1: 1.0, 2: 0.9}, {0: 0.25, 1: 0.25, 5: 0.0})
    >>> test.difference, round(test.p or 0, 4), test.n
    (0.5, 0.2952, 2)
    """
    differences = [
        values[seed] - baseline[seed]
        for seed in values
        if seed in baseline and math.isfinite(values[seed] - baseline[seed])
    ]
    if not differences:
        return None
    mean, n = statistics.fmean(differences), len(differences)
    if n < 2 or max(differences) - min(differences) <= 1e-12 * max(1.0, abs(mean)):
        return PairedTest(mean, None, n)
    from scipy.special import stdtr  # scipy.stats takes half a second to import

    t = mean / (statistics.stdev(differences) / math.sqrt(n))
    return PairedTest(mean, float(2 * stdtr(n - 1, -abs(t))), n)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment (Scandinavian Journal of Statistics 1979): the k-th smallest of m times m - k + 1.

    An adjusted p below .05 holds with at most 5 % chance of *any* false claim among the m.

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    order = sorted(p_values, key=lambda name: p_values[name])
    adjusted, least = {}, 0.0
    for rank, name in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def stars(p: float | None) -> str:
    """``*`` below .05, ``**`` below .01, ``***`` below .001."""
    return "" if p is None else next((sign for level, sign in LEVELS if p < level), "")
