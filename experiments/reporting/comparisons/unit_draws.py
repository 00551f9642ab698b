"""The test units of a column drawn again: each row's mean figure on each draw, over all folds.

All rows that were scored on the same units meet the same draws. Folds with other test units are strata, drawn each by
itself; folds with the same ones meet the same draws. Blocks are the coarsest recorded source (speaker, family,
session) of which there are at least ``ENOUGH_SPEAKERS``: percentiles of fewer blocks are too narrow, and four speakers
that agree would look like certainty. Without such a source the units themselves are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from experiments.statistics.paired_bootstrap import Floats, Units, num_differing, resample
from experiments.statistics.trainings import Training

ENOUGH_SPEAKERS = 10
RunCounts = Mapping[Training, Units]  # of one row
SPEAKERS = "speakers"


class Blocks(NamedTuple):
    """What is drawn: ``units`` in words, how many, and the block of each unit by fold, None where units are drawn."""

    units: str
    num: int
    by_fold: Mapping[str | None, tuple[str, ...] | None]


class RowDraws(NamedTuple):
    """A row's mean over its runs, and the same on each of R draws."""

    mean: float
    means_R: Floats


class UnitDraws:
    """Of rows scored on the same units, whose counts stand in the same order (``aligned``)."""

    def __init__(self, rows: Mapping[str, RunCounts], *, num_resamples: int) -> None:
        self.rows, self.num_resamples = rows, num_resamples
        self._folds: dict[str | None, Units] = {}
        for of_runs in rows.values():
            for training, of in of_runs.items():
                self._folds.setdefault(training.fold, of)
        units = [frozenset(of.ids) for of in self._folds.values()]
        self._stratum = {fold: units.index(frozenset(of.ids)) for fold, of in self._folds.items()}
        self.num_speakers = len(self._sources(SPEAKERS))
        self.num_ids = len({(self._stratum[fold], name) for fold, of in self._folds.items() for name in of.ids})

    def blocks(self) -> Blocks:
        """The coarsest recorded source of which there are enough, else the units."""
        first = next(iter(self._folds.values()))
        kinds = ([SPEAKERS] if first.speakers else []) + sorted(first.sources)
        enough = {kind: num for kind in kinds if (num := len(self._sources(kind))) >= ENOUGH_SPEAKERS}
        if not enough:
            return Blocks(first.unit, self.num_ids, dict.fromkeys(self._folds))
        return self._blocks_of(min(enough, key=lambda kind: enough[kind]))

    def rough_blocks(self) -> Blocks | None:
        """The speakers, where there are some and too few."""
        return self._blocks_of(SPEAKERS) if 1 < self.num_speakers < ENOUGH_SPEAKERS else None

    def draw(self, blocks: Blocks) -> dict[str, RowDraws]:
        """Every row on all draws."""
        sums = {row: np.zeros(self.num_resamples) for row in self.rows}
        for fold in self._folds:
            runs = [
                (row, of) for row, runs in self.rows.items() for training, of in runs.items() if training.fold == fold
            ]
            drawn_SR = resample(
                [of for _, of in runs], blocks=blocks.by_fold[fold], num_resamples=self.num_resamples,
                stratum=self._stratum[fold],
            )  # fmt: skip
            for (row, _), drawn_R in zip(runs, drawn_SR, strict=True):
                sums[row] += drawn_R
        means = {row: float(np.mean([of.value() for of in runs.values()])) for row, runs in self.rows.items()}
        return {row: RowDraws(means[row], sums[row] / len(runs)) for row, runs in self.rows.items()}

    def num_differing(self, row: str, other: str, blocks: Blocks) -> int:
        """The units, or blocks, on which the counts of two rows differ, over all strata."""
        differing = 0
        for stratum in sorted(set(self._stratum.values())):
            folds = [fold for fold, of in self._stratum.items() if of == stratum]
            own, others = (
                [counts for training, counts in self.rows[of].items() if training.fold in folds] for of in (row, other)
            )
            differing += num_differing(own, others, blocks=blocks.by_fold[folds[0]])
        return differing

    def _sources(self, kind: str) -> set[tuple[int, str]]:
        return {
            (self._stratum[fold], source) for fold, of in self._folds.items() for source in _source_of(of, kind) or ()
        }

    def _blocks_of(self, kind: str) -> Blocks:
        names = {fold: _source_of(of, kind) for fold, of in self._folds.items()}
        return Blocks(kind if kind == SPEAKERS else plural(kind), len(self._sources(kind)), names)


def aligned(rows: Mapping[str, RunCounts], ids: Mapping[str | None, tuple[str, ...]]) -> dict[str, RunCounts]:
    """The rows whose runs were all scored on ``ids``, by fold, with their counts in that order."""
    return {
        row: {training: of.ordered(ids[training.fold]) for training, of in runs.items()}
        for row, runs in rows.items()
        if {training.fold for training in runs} == ids.keys()
        and all(set(of.ids) == set(ids[training.fold]) for training, of in runs.items())
    }


def ids_of(runs: RunCounts) -> dict[str | None, tuple[str, ...]]:
    """The units of a row by fold, as its first run of each has them; folds with the same ones have one order."""
    found: dict[str | None, tuple[str, ...]] = {}
    for training, of in runs.items():
        if training.fold not in found:
            same = (ids for ids in found.values() if set(ids) == set(of.ids))
            found[training.fold] = next(same, of.ids)
    return found


def plural(kind: str) -> str:
    """``families`` of a family."""
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def _source_of(of: Units, kind: str) -> tuple[str, ...] | None:
    return of.speakers if kind == SPEAKERS else of.sources.get(kind)
