"""What other trainings would change in a difference of two means: its variance, from the spread over seeds seen so far.

A row's variance over its seeds is taken as the larger of its own and of all rows' pooled one. Two seeds that came out
alike by chance make no sure row (one printed as 31.7 ± 0.7 was 36.2 ± 4.2 over five trainings); a row that is noisier
than the others keeps its own spread, and its own few degrees of freedom. Rows far noisier than the rest are left out
of the pool: a training that may fail altogether (fine-tunings at 130 ± 30 WER) says nothing of how much its steady
neighbours (92.0 ± 0.9) vary. That is Cochran's test for outlying variances at 1 %, as ISO 5725-2 has it for
laboratories, for unequal degrees of freedom ('t Lam 2010, doi 10.1016/j.aca.2009.11.032): a variance's F against the
pool of all smaller ones, Bonferroni-corrected. Two wild rows would hide each other if the test stopped at the first
that passes; as in Rosner's test for many outliers (1983) all up to the last that fails it are out, at most half.

Rows made of the same trainings (decodings of one network, say) are compared training by training, since what one
network is like is in both.

The variance over seeds also holds what each network does differently on single test units, which the bootstrap has
too: counted twice, so that p is a little too large, never too small (``tests/experiments/statistics``).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from experiments.statistics.combined_error import Part
from experiments.statistics.trainings import Training

OUTLYING = 0.01  # the level at which ISO 5725-2 leaves a laboratory out

Figures = Mapping[Training, float]  # of one row, by training


@dataclass(frozen=True)
class TrainedRow:
    """A row's figures by training, and from which runs each came: none where no training has a part in them."""

    figures: Figures
    origins: Mapping[Training, frozenset[str]] = field(default_factory=dict)

    @property
    def is_trained(self) -> bool:
        """Whether chance enters by a training."""
        return any(self.origins.values())

    @property
    def variance(self) -> float | None:
        """Over its trainings; None of one."""
        return statistics.variance(self.figures.values()) if len(self.figures) > 1 else None

    def shares_trainings(self, other: TrainedRow) -> bool:
        """Whether both have the same seeds, and stand on a run that they share at each of them."""
        return self.figures.keys() == other.figures.keys() and all(
            self.origins.get(of, frozenset()) & other.origins.get(of, frozenset()) for of in self.figures
        )


@dataclass(frozen=True)
class PooledSpread:
    """The variance over seeds of the trained rows of a column, but outlying ones; ``df`` 0 where none has two."""

    variance: float
    df: float

    def of_row(self, row: TrainedRow) -> Part:
        """The variance of one figure of a row; its degrees of freedom are 0 where nothing is known."""
        if not row.is_trained:
            return Part(0.0, math.inf)
        own = row.variance
        if own is not None and own > self.variance:
            return Part(own, len(row.figures) - 1)
        return Part(self.variance, self.df)


def pooled_spread(rows: Iterable[TrainedRow]) -> PooledSpread:
    """Rows that share their trainings count as one row: their figures go up and down together."""
    families: list[list[TrainedRow]] = []
    for row in rows:
        if row.is_trained and row.variance is not None:
            of_same = next((family for family in families if family[0].shares_trainings(row)), None)
            families.append([row]) if of_same is None else of_same.append(row)
    spreads = [
        PooledSpread(statistics.fmean(of.variance or 0.0 for of in family), len(family[0].figures) - 1)
        for family in families
    ]
    spreads.sort(key=lambda of: of.variance, reverse=True)
    return _pool(spreads[_num_outlying(spreads) :])


def _pool(spreads: Sequence[PooledSpread]) -> PooledSpread:
    df = sum(of.df for of in spreads)
    return PooledSpread(sum(of.df * of.variance for of in spreads) / df if df else 0.0, df)


def _num_outlying(spreads: Sequence[PooledSpread]) -> int:
    """How many of the variances, the largest first, are of another kind than the rest.

    A rest that has no spread at all says nothing of them.
    """
    from scipy.special import fdtrc  # scipy.stats takes half a second to import

    found = 0
    for place in range(len(spreads) // 2):
        own, rest = spreads[place], _pool(spreads[place + 1 :])
        if rest.variance == 0:
            break
        p = float(fdtrc(own.df, rest.df, own.variance / rest.variance))
        found = place + 1 if p * (len(spreads) - place) < OUTLYING else found
    return found


def training_parts(row: TrainedRow, other: TrainedRow, pooled: PooledSpread) -> tuple[Part, ...] | None:
    """The parts of the variance of the difference of the two means; None where a row was trained once only."""
    if row.is_trained and row.shares_trainings(other):
        differences = [row.figures[of] - other.figures[of] for of in row.figures]
        n = len(differences)
        return (Part(statistics.variance(differences) / n, n - 1),) if n > 1 else None
    if any(of.is_trained and len(of.figures) < 2 for of in (row, other)):
        return None
    found = [(pooled.of_row(of), len(of.figures)) for of in (row, other)]
    return _together([Part(part.variance / n, part.df) for part, n in found])


def _together(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts of the same estimate are one."""
    by_df: dict[float, float] = {}
    for part in parts:
        by_df[part.df] = by_df.get(part.df, 0.0) + part.variance
    return tuple(Part(variance, df) for df, variance in by_df.items() if not math.isinf(df) or variance)
