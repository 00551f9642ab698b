"""Rows of identical methods, many tables of them: how often a star, which is always a false one, stands in a table.

Each figure is made of counts of test units, which vary by unit, by row and by training; the tables go through the code
of a report from ``UnitCounts`` to the corrected p. Of 5 % nominal 7 % are allowed, give or take what so few tables
show: three standard errors where single rows or families are counted.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.reporting.comparisons.column import ColumnRuns
from experiments.statistics.paired_bootstrap import Ratio, UnitCounts
from experiments.statistics.stats import holm
from experiments.statistics.trainings import Training
from experiments.table_files.columns import Column

COLUMN = Column("test/wer", "WER", "lower", "percent", 1)
ROWS, UNITS, WORDS, DRAWS = 5, 60, 20, 200
ALLOWED = 0.07


def runs_of(rate_RSN: np.ndarray, rng: np.random.Generator) -> ColumnRuns:
    """A column of rows and seeds whose units err with these probabilities, ``WORDS`` words each."""
    errors_RSN = rng.binomial(WORDS, np.clip(rate_RSN, 0.0, 1.0))
    ids = tuple(map(str, range(rate_RSN.shape[2])))
    counts = {
        f"row{r}": {
            Training(None, s): UnitCounts(
                "utterances", ids, np.stack([errors_N, np.full(len(ids), WORDS)], axis=1).astype(float), Ratio()
            )
            for s, errors_N in enumerate(of_row)
        }
        for r, of_row in enumerate(errors_RSN)
    }
    figures = {row: {training: of.value() for training, of in runs.items()} for row, runs in counts.items()}
    origins = {row: {of: frozenset([f"{row} {of.seed}"]) for of in runs} for row, runs in counts.items()}
    return ColumnRuns(COLUMN, figures, origins, counts, None, DRAWS)


def identical(seeds: int, spread_R: np.ndarray, rng: np.random.Generator, *, by_row: float) -> np.ndarray:
    """(R, S, N) error rates: hard and easy units for all rows, ones that suit a row (``by_row``), and seeds' luck."""
    hard_N = 0.35 + 0.12 * rng.normal(size=UNITS)
    suits_RN = by_row * rng.normal(size=(len(spread_R), UNITS))
    luck_RS = spread_R[:, None] * rng.normal(size=(len(spread_R), seeds))
    return hard_N + suits_RN[:, None] + luck_RS[:, :, None]


def p_values(column: ColumnRuns) -> np.ndarray:
    """Of every row against the first one."""
    pairs = [column.compare(f"row{r}", "row0") for r in range(1, len(column.counts))]
    return np.array([pair.joint.p for pair in pairs if pair.joint is not None])


SPREADS = {
    "none": np.zeros(ROWS),
    "two points": np.full(ROWS, 0.02),
    "four points": np.full(ROWS, 0.04),
    "a noisy row": np.array([0.01, 0.05, 0.01, 0.01, 0.01]),
    "a noisy baseline": np.array([0.05, 0.01, 0.01, 0.01, 0.01]),
    "a wild row": np.array([0.01, 0.2, 0.01, 0.01, 0.01]),
    "a wild baseline": np.array([0.2, 0.01, 0.01, 0.01, 0.01]),
    "two wild rows": np.array([0.01, 0.1, 0.2, 0.01, 0.01]),
    "a calm baseline": np.array([0.01, 0.05, 0.05, 0.05, 0.05]),
    "a baseline of one figure": np.array([0.0, 0.04, 0.04, 0.04, 0.04]),
}


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", ["none", "four points"])
def test_of_identical_methods_few_have_stars(seeds: int, spread: str) -> None:
    check(seeds, spread, num_tables=80)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", SPREADS)
def test_of_identical_methods_few_have_stars_whatever_the_spread(seeds: int, spread: str) -> None:
    check(seeds, spread, num_tables=500)


def check(seeds: int, spread: str, *, num_tables: int) -> None:
    rng = np.random.default_rng(seeds)
    single, table = [], []
    for number in range(num_tables):
        rates = identical(seeds, SPREADS[spread], rng, by_row=0.05 * (number % 2))
        p_R = p_values(runs_of(rates, rng))
        single.append(p_R < 0.05)
        table.append(min(holm({str(r): p for r, p in enumerate(p_R)}).values()) < 0.05)
    rates = {"a comparison": np.mean(single), "a table after Holm": np.mean(table)}
    print(f"{seeds} seeds, {spread}:", ", ".join(f"{rate:.1%} of {of}" for of, rate in rates.items()))  # pytest -s
    tolerance = 3 * math.sqrt(ALLOWED * (1 - ALLOWED) / num_tables)
    assert np.mean(single) <= ALLOWED  # the comparisons of one table hang together, but they are four times as many
    assert np.mean(single, axis=0).max() <= ALLOWED + tolerance
    assert np.mean(table) <= ALLOWED + tolerance


@pytest.mark.parametrize("seeds", [2, 3])
def test_wild_rows_do_not_hide_what_steady_ones_show(seeds: int) -> None:
    """Six rows at ± 1 point beside two at ± 20: the third is 10 points better, and found as often as without them."""
    rng = np.random.default_rng(seeds)
    with_them, without = [], []
    for _ in range(60):
        rates = identical(seeds, np.array([0.01] * 6 + [0.2] * 2), rng, by_row=0.0)
        rates[2] -= 0.1
        with_them.append(p_values(runs_of(rates, rng))[1] < 0.05)
        without.append(p_values(runs_of(rates[:6], rng))[1] < 0.05)
    assert np.mean(without) > 0.4
    assert np.mean(with_them) > np.mean(without) - 0.2
