"""The standard error of a difference that chance enters in several ways, each known by its own degrees of freedom.

Of two means over trainings, scored on the same test units: what other trainings would give, and what other units would.
The variances add up. A quantile is Cochran & Cox's (Experimental Designs, 1950, section 4.14): that of Student's t at
each part's degrees of freedom, weighted by the part's share of the variance. Satterthwaite's formula, which makes one
number of degrees of freedom of them, says too much where a part with one degree came out small by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Part:
    """A variance of the difference, and how many degrees of freedom its estimate has (infinite where it is known)."""

    variance: float
    df: float


@dataclass(frozen=True)
class CombinedError:
    """Of independent parts; one without any variance is a difference that no chance is in."""

    parts: tuple[Part, ...]

    @property
    def se(self) -> float:
        """The standard error of the difference."""
        return math.sqrt(sum(part.variance for part in self.parts))

    def quantile(self, p: float) -> float:
        """How many standard errors are exceeded, on either side, with probability ``p``."""
        total = sum(part.variance for part in self.parts)
        if total == 0:
            return 0.0
        return sum(part.variance / total * two_sided_quantile(p, part.df) for part in self.parts if part.variance)

    def p(self, difference: float) -> float:
        """The two-sided p of a difference: the level at which its quantile is just reached."""
        if difference == 0:
            return 1.0
        if self.se == 0:
            return 0.0
        reached = abs(difference) / self.se
        low, high = math.log(1e-300), 0.0  # of p
        for _ in range(45):  # to 1e-11 of log p
            middle = (low + high) / 2
            low, high = (middle, high) if self.quantile(math.exp(middle)) > reached else (low, middle)
        return math.exp(high)

    def interval(self, difference: float, *, level: float = LEVEL) -> tuple[float, float]:
        """The ends of the interval that leaves out ``level``, half on either side."""
        half = self.se * self.quantile(level)
        return difference - half, difference + half

    def p_equivalent(self, difference: float, *, within: float) -> float:
        """Of two one-sided tests (Schuirmann 1987) that the true difference is inside ±``within``: the larger p."""
        return max(self._p_above(difference + within), self._p_above(within - difference))

    def least_shown(self) -> float:
        """The difference that would be found at ``LEVEL``, two-sided, with probability ``POWER``."""
        return self.se * (self.quantile(LEVEL) + self.quantile(2 * (1 - POWER)))

    def _p_above(self, value: float) -> float:
        """One-sided: of no difference, against one above 0."""
        p = self.p(value)
        return p / 2 if value > 0 else 1 - p / 2


def two_sided_quantile(p: float, df: float) -> float:
    """Student's t (the normal for infinite ``df``) beyond which, on both sides together, lies ``p``."""
    from scipy.special import ndtri, stdtrit  # scipy.stats takes half a second to import

    return float(-ndtri(p / 2) if math.isinf(df) else -stdtrit(df, p / 2))


def only(parts: Sequence[Part]) -> CombinedError:
    """Of these parts alone, as if there were no other chance."""
    return CombinedError(tuple(parts))
