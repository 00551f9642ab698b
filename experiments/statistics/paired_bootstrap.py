"""The paired bootstrap of any figure of test units, of many systems on the same draws (Bisani & Ney, ICASSP 2004).

Counts are of clips, utterances or sentences; a draw takes as many as there are, with replacement, and every system of
every seed is scored on the *same* draw, so that what is hard for all cancels. The draws are those of
``lightning_modules.metrics.bootstrap``, as multiplicities: sums of all draws are then one matrix product, and a table
of fifty runs takes seconds. float32 holds sums of counts exactly (below 2^24); nats are summed in float64. Figures that
are no rate of sums are in ``unit_statistics.py``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.statistics.unit_statistics import UnitStatistics
from lightning_modules.metrics.bootstrap import Interval

NUM_RESAMPLES = 50_000  # the least p is 2 / 50,001: below .001 after Holm over 25 rows
_DRAWN_AT_ONCE = 2_000_000  # indices: chunks that take little memory
_DRAWS_KEPT = 50_000_000  # indices: 100 MB

Floats = NDArray[np.float64]


class Rate(Protocol):
    """From sums of counts to the figure that a table shows."""

    def __call__(self, sums_CR: Floats) -> Floats:
        """(C, R) sums to (R,) rates, NaN where undefined."""


@dataclass(frozen=True)
class Ratio:
    """``sum of the first / sum of the second``: error rates, shares and, of (2 TP, reference + estimated), F1."""

    def __call__(self, sums_CR: Floats) -> Floats:
        """See ``Rate``."""
        return _divide(sums_CR[0], sums_CR[1])


@dataclass(frozen=True)
class Perplexity:
    """``exp(nats / units)``."""

    def __call__(self, sums_CR: Floats) -> Floats:
        """See ``Rate``."""
        return np.exp(_divide(sums_CR[0], sums_CR[1]))


@dataclass(frozen=True)
class MacroF1:
    """Mean over classes of ``2 TP / (reference + estimated)``; C = 3 counts a class: TP, reference, estimated.

    A class leaves the mean of a draw by the table's own policy: where the draw has no reference of it (sed_eval's, for
    events and segments) or, with ``either``, where it is neither there nor predicted (tags).
    """

    either: bool = False

    def __call__(self, sums_CR: Floats) -> Floats:
        """See ``Rate``."""
        total_R, classes_R = np.zeros(sums_CR.shape[1]), np.zeros(sums_CR.shape[1])
        for right_R, true_R, found_R in zip(sums_CR[::3], sums_CR[1::3], sums_CR[2::3], strict=True):
            both_R = true_R + found_R
            total_R += np.where(true_R > 0, 2 * right_R / np.maximum(both_R, 1), 0)  # without references none is right
            classes_R += (both_R if self.either else true_R) > 0
        return _divide(total_R, classes_R)


@dataclass(frozen=True)
class DurationF1:
    """F1 of a group of durations: recall counts reference events, precision estimated ones, each by its own length.

    Counts: found, reference, right, estimated. Without estimates precision is 0 (``zero_score``).
    """

    def __call__(self, sums_CR: Floats) -> Floats:
        """See ``Rate``."""
        recall_R = _divide(sums_CR[0], sums_CR[1])
        precision_R = np.nan_to_num(_divide(sums_CR[2], sums_CR[3]), nan=0.0)
        f1_R = np.nan_to_num(_divide(2 * recall_R * precision_R, recall_R + precision_R), nan=0.0)
        return np.where(sums_CR[1] > 0, f1_R, np.nan)


@dataclass(frozen=True)
class UnitCounts:
    """What one run's figure is made of: (N, C) counts of the units ``ids``, and the rate of their sums.

    ``unit`` is what an id is; ``speakers`` names each one's speaker where the corpus has them, ``sources`` by kind
    (family, session) what else each was recorded from.
    """

    unit: Literal["clips", "utterances", "sentences"]
    ids: tuple[str, ...]
    counts_NC: Floats
    rate: Rate
    speakers: tuple[str, ...] | None = None
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def value(self) -> float:
        """The figure of the whole split: what the run logged."""
        return float(self.rate(self.counts_NC.sum(axis=0)[:, None])[0])

    def ordered(self, ids: Sequence[str]) -> UnitCounts:
        """The same counts in the order of ``ids``, which must be the same ones."""
        place = {name: number for number, name in enumerate(self.ids)}
        numbers = [place[name] for name in ids]
        speakers = None if self.speakers is None else tuple(self.speakers[number] for number in numbers)
        sources = {kind: tuple(of[number] for number in numbers) for kind, of in self.sources.items()}
        return UnitCounts(self.unit, tuple(ids), self.counts_NC[numbers], self.rate, speakers, sources)


Units = UnitCounts | UnitStatistics  # of one run


class Difference(NamedTuple):
    """Of two systems: the first's mean figure minus the second's, its middle 95 % over draws, and the two-sided p."""

    difference: float
    ci95: Interval
    p: float


def multiplicities(num_blocks: int, *, num_resamples: int, stratum: int = 0) -> Iterator[NDArray[np.float32]]:
    """How often each block is drawn, (r, num_blocks) at a time; the draws of ``Bootstrap``, whose seed is 0.

    Test sets that share no block are other strata, each with draws of its own.
    """
    if num_blocks * num_resamples <= _DRAWS_KEPT:
        drawn_RK, step = _kept(num_blocks, num_resamples, stratum), max(1, _DRAWN_AT_ONCE // num_blocks)
        for start in range(0, num_resamples, step):
            yield drawn_RK[start : start + step].astype(np.float32)
    else:
        for chunk_RK in _draw(num_blocks, num_resamples, stratum):
            yield chunk_RK.astype(np.float32)


@lru_cache(maxsize=4)
def _kept(num_blocks: int, num_resamples: int, stratum: int) -> NDArray[np.uint16]:
    """All draws: the columns of a table share them."""
    return np.concatenate([chunk_RK.astype(np.uint16) for chunk_RK in _draw(num_blocks, num_resamples, stratum)])


def _draw(num_blocks: int, num_resamples: int, stratum: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(stratum)
    step = max(1, _DRAWN_AT_ONCE // num_blocks)
    for start in range(0, num_resamples, step):
        rows = min(step, num_resamples - start)
        drawn_RK = rng.integers(num_blocks, size=(rows, num_blocks))
        drawn_RK += np.arange(rows)[:, None] * num_blocks
        yield np.bincount(drawn_RK.ravel(), minlength=rows * num_blocks).reshape(rows, num_blocks)


def resample(
    systems: Sequence[Units],
    *,
    blocks: Sequence[Hashable] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    stratum: int = 0,
) -> Floats:
    """(S, R): each system's figure on each draw, all systems of the same units in the same order.

    ``blocks`` names each unit's block (speaker): whole blocks are drawn then. Raises ``ValueError`` without two.
    """
    counted = [of for of in systems if isinstance(of, UnitCounts)]
    computed = [of for of in systems if isinstance(of, UnitStatistics)]
    if counted and computed:
        raise ValueError("a column has either rates of counts or figures of weights, not both")
    if counted:
        return _rates_on_draws(counted, blocks, num_resamples=num_resamples, stratum=stratum)
    block_N = _block_numbers(blocks or range(len(computed[0].ids)))
    _refuse_one_block(num_blocks := max(block_N, default=-1) + 1)
    drawn = multiplicities(num_blocks, num_resamples=num_resamples, stratum=stratum)
    times_RN = np.concatenate([drawn_RK[:, block_N] for drawn_RK in drawn])
    return np.stack(_on_draws_once(computed, times_RN))


def _on_draws_once(systems: Sequence[UnitStatistics], times_RN: NDArray[np.floating]) -> list[Floats]:
    """Figures on draws; rows of the same curves (a system with its own tags, with the true ones) are computed once."""
    known: dict[tuple[bytes, bytes], Floats] = {}
    figures = []
    for of in systems:
        place_N = np.arange(len(of.ids)) if of.place_N is None else of.place_N
        made = (of.seen_NC.tobytes(), place_N.tobytes())
        if made not in known:
            known[made] = of.on_draws(times_RN)
        figures.append(known[made])
    return figures


def _rates_on_draws(
    systems: Sequence[UnitCounts], blocks: Sequence[Hashable] | None, *, num_resamples: int, stratum: int
) -> Floats:
    summed = [_block_sums(system.counts_NC, blocks) for system in systems]
    num_blocks = len(summed[0])
    _refuse_one_block(num_blocks)
    stacked_CK, place_C = np.unique(np.concatenate(summed, axis=1).T, axis=0, return_inverse=True)  # one reference
    if (stacked_CK == np.rint(stacked_CK)).all():
        stacked_CK = stacked_CK.astype(np.float32)
    ends = np.cumsum([counts.shape[1] for counts in summed])
    rates_SR = np.empty((len(systems), num_resamples))
    start = 0
    for drawn_RK in multiplicities(num_blocks, num_resamples=num_resamples, stratum=stratum):
        sums_CR = (stacked_CK @ drawn_RK.T).astype(np.float64)
        stop = start + len(drawn_RK)
        for number, system in enumerate(systems):
            first = ends[number] - summed[number].shape[1]
            rates_SR[number, start:stop] = system.rate(sums_CR[place_C.reshape(-1)[first : ends[number]]])
        start = stop
    return rates_SR


def _refuse_one_block(num_blocks: int) -> None:
    if num_blocks < 2:
        raise ValueError(f"{num_blocks} block to draw from, allowed: 2 or more")


def difference_of_means(
    values_S: Floats, rates_SR: Floats, others_S: Floats, other_rates_SR: Floats
) -> Difference | None:
    """The figure's mean over S seeds against another system's over its own, drawn together.

    A draw is of clips, the same for all seeds, and each system's figures are averaged on it: the spread is the test
    set's, the networks stay the ones that were trained. p is two-sided, twice the share of draws on the rarer side of
    no difference, draws without one on both (one added to each count: Davison & Hinkley 1997, eq. 4.11), so that it
    is below .05 where the 95 % interval leaves 0 out. None where a figure is undefined.
    """
    drawn_R = rates_SR.mean(axis=0) - other_rates_SR.mean(axis=0)
    drawn_R = drawn_R[np.isfinite(drawn_R)]
    difference = float(values_S.mean() - others_S.mean())
    if not len(drawn_R) or not math.isfinite(difference):
        return None
    slack = 1e-12  # of a rate: float32 products and divisions of equal counts
    rarer = min(int(np.sum(drawn_R <= slack)), int(np.sum(drawn_R >= -slack)))
    low, high = np.quantile(drawn_R, [0.025, 0.975])
    return Difference(difference, Interval(float(low), float(high)), min(1.0, 2 * (rarer + 1) / (len(drawn_R) + 1)))


def num_differing(
    systems: Sequence[Units], others: Sequence[Units], *, blocks: Sequence[Hashable] | None = None
) -> int:
    """Of the units (or blocks) those on which two rows' counts differ, each averaged over the row's runs."""
    mean_KC, other_KC = (np.mean([_block_sums(seen(of), blocks) for of in runs], axis=0) for runs in (systems, others))
    return int(np.sum(~np.isclose(mean_KC, other_KC, rtol=1e-12, atol=0).all(axis=1)))


def seen(of: Units) -> Floats:
    """(N, C): what a run made of each unit; runs with equal rows are equal on that unit."""
    return of.counts_NC if isinstance(of, UnitCounts) else of.seen_NC


def least_p(num_units: int) -> float:
    """The least two-sided p of an exact paired test (by flipped signs) over units that all differ.

    Of 2^n ways to swap the two systems on n units, the one that was seen and its mirror image are the most extreme: no
    p can be below 2^(1 - n), while a bootstrap over units that agree says almost 0.

    >>> [least_p(n) for n in (0, 4, 6)]
    [1.0, 0.125, 0.03125]
    """
    return min(1.0, 2.0 ** (1 - num_units))


def _block_sums(counts_NC: Floats, blocks: Sequence[Hashable] | None) -> Floats:
    if blocks is None:
        return counts_NC
    block_N = _block_numbers(blocks)
    sums_KC = np.zeros((max(block_N) + 1, counts_NC.shape[1]))
    np.add.at(sums_KC, block_N, counts_NC)
    return sums_KC


def _block_numbers(blocks: Sequence[Hashable]) -> list[int]:
    """Blocks by number, in the order in which they come."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(block, len(numbers)) for block in blocks]


def _divide(above: Floats, below: Floats) -> Floats:
    divided: Floats = np.full(above.shape, np.nan)
    np.divide(above, below, out=divided, where=below > 0)
    return divided
