"""How sure a rate is, and whether one system beats another: the blocked bootstrap (Bisani & Ney, ICASSP 2004).

Utterances are drawn with replacement, as many as there are, and the rate is computed anew, ``R`` times; the middle 95 %
of the R rates is the interval. With blocks (speakers), whole blocks are drawn: utterances of one speaker fail together,
and an interval that forgets it is too narrow. Two systems are compared on the *same* draws, so that what is hard for
both cancels: ``probability_better = P(rate of the other < rate of the one)``, a tie counting one half. Draws depend on
the seed and the number of blocks alone: any two systems scored on one split meet the same ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_DRAWS_AT_ONCE = 4_000_000  # 32 MB of indices


class Interval(NamedTuple):
    """The 2.5 % and the 97.5 % quantile."""

    low: float
    high: float


class Comparison(NamedTuple):
    """Of two systems' rates: ``difference`` = the second's minus the first's, below 0 where the second errs less."""

    difference: float
    ci95: Interval
    probability_better: float  # that the second has the lower rate


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """How to draw. ``num_resamples`` is R: 10,000 makes an end of an interval steady to about its second digit."""

    num_resamples: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_resamples < 1:
            raise ValueError(f"num_resamples is {self.num_resamples}, allowed: 1 or more")

    def sums(self, counts_NC: ArrayLike, *, blocks: Sequence[Hashable] | None = None) -> NDArray[np.float64]:
        """Counts summed over each draw: (R, C) of N utterances' C counts (errors, words, hits, …).

        Any rate of summed counts can be made of them: error rates here, an F1 over clips just as well. ``blocks`` names
        each utterance's block. Raises ``ValueError`` without two blocks (without them: two utterances) to draw from.

        >>> Bootstrap(num_resamples=3).sums([[1, 10], [2, 20]])
        array([[ 4., 40.],
               [ 3., 30.],
               [ 2., 20.]])
        """
        counts_KC = _block_sums(np.asarray(counts_NC, dtype=np.float64), blocks)
        num_blocks = len(counts_KC)
        if num_blocks < 2:
            raise ValueError(f"{num_blocks} block to draw from, allowed: 2 or more")
        rng = np.random.default_rng(self.seed)
        sums_RC = np.empty((self.num_resamples, counts_KC.shape[1]))
        step = max(1, _DRAWS_AT_ONCE // num_blocks)
        for start in range(0, self.num_resamples, step):
            rows = min(step, self.num_resamples - start)
            drawn_RK = rng.integers(num_blocks, size=(rows, num_blocks))
            for column, counts_K in enumerate(counts_KC.T):
                sums_RC[start : start + rows, column] = counts_K[drawn_RK].sum(axis=1)
        return sums_RC

    def interval(
        self, errors_N: ArrayLike, lengths_N: ArrayLike, *, blocks: Sequence[Hashable] | None = None
    ) -> Interval:
        """95 % confidence of ``sum(errors) / sum(lengths)``. Errors as ``sums``; draws without any length are left out.

        NaN where no reference has a length.

        >>> Bootstrap().interval([0, 1, 2, 1], [4, 4, 4, 4])
        Interval(low=0.0625, high=0.4375)
        """
        sums_RC = self.sums(np.stack([np.asarray(errors_N), np.asarray(lengths_N)], axis=1), blocks=blocks)
        return _middle(_rates(sums_RC[:, 0], sums_RC[:, 1]))

    def compare(
        self,
        errors_N: ArrayLike,
        other_errors_N: ArrayLike,
        lengths_N: ArrayLike,
        *,
        blocks: Sequence[Hashable] | None = None,
    ) -> Comparison:
        """Two systems on the same utterances; ``other_errors_N`` are the second's. Errors as ``sums``.

        >>> comparison = Bootstrap().compare([3, 1, 2, 2], [1, 1, 2, 1], [4, 4, 4, 4])
        >>> comparison.difference, comparison.ci95, round(comparison.probability_better, 2)  # exactly 31/32
        (-0.1875, Interval(low=-0.375, high=0.0), 0.97)
        """
        gained_N = np.asarray(other_errors_N, dtype=np.float64) - np.asarray(errors_N, dtype=np.float64)
        lengths = np.asarray(lengths_N, dtype=np.float64)
        sums_RC = self.sums(np.stack([gained_N, lengths], axis=1), blocks=blocks)
        differences = _rates(sums_RC[:, 0], sums_RC[:, 1])
        total = _rates(gained_N.sum(keepdims=True), lengths.sum(keepdims=True))
        if not len(differences):
            return Comparison(float("nan"), Interval(float("nan"), float("nan")), float("nan"))
        better = float(np.mean(differences < 0) + np.mean(differences == 0) / 2)
        return Comparison(float(total[0]), _middle(differences), better)


def _block_sums(counts_NC: NDArray[np.float64], blocks: Sequence[Hashable] | None) -> NDArray[np.float64]:
    if blocks is None:
        return counts_NC
    numbers: dict[Hashable, int] = {}
    block_N = [numbers.setdefault(block, len(numbers)) for block in blocks]
    if len(block_N) != len(counts_NC):
        raise ValueError(f"{len(block_N)} blocks are named for {len(counts_NC)} utterances")
    sums_KC = np.zeros((len(numbers), counts_NC.shape[1]))
    np.add.at(sums_KC, block_N, counts_NC)
    return sums_KC


def _rates(errors_R: NDArray[np.float64], lengths_R: NDArray[np.float64]) -> NDArray[np.float64]:
    defined_R = lengths_R > 0
    return errors_R[defined_R] / lengths_R[defined_R]


def _middle(rates_R: NDArray[np.float64]) -> Interval:
    if not len(rates_R):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(rates_R, [0.025, 0.975])
    return Interval(float(low), float(high))
