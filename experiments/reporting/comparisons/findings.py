"""What the tests of two rows in one column found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.statistics.combined_error import CombinedError
from lightning_modules.metrics.bootstrap import Interval


@dataclass(frozen=True)
class TestSetTest:
    """The paired bootstrap of one row and column; ``difference`` is the row's mean minus its baseline's.

    ``seeds`` are those of the row's mean, ``baseline_seeds`` of the baseline's. ``units`` are what was drawn from,
    ``num_units`` of them, and the rows' counts differ on ``num_differing``. With ``stars_withheld`` they are too few.
    ``ci95_speakers`` is there where the speakers are too few to be the blocks. ``se`` is the draws' standard deviation.
    """

    __test__ = False  # pytest: not a test

    difference: float
    ci95: Interval
    p: float
    p_holm: float
    seeds: tuple[int, ...]
    baseline_seeds: tuple[int, ...]
    units: str
    num_units: int
    num_differing: int
    stars_withheld: bool
    num_speakers: int
    ci95_speakers: Interval | None
    se: float


@dataclass(frozen=True)
class SeedsTest:
    """The t-test of one row and column over n ``over``; no p of one, or without any spread.

    Over seeds it is paired Student's; over folds the corrected resampled one.
    """

    difference: float
    p: float | None
    p_holm: float | None
    n: int
    over: Literal["seeds", "folds"] = "seeds"


@dataclass(frozen=True)
class JointTest:
    """Of other trainings and other test units together: what the stars and the verdicts stand for.

    ``error`` is what chance there is in ``difference``, and of it ``of_units`` and ``of_trainings`` (None over folds,
    whose differences hold both). ``p`` is the larger of this test's and of the one over the test set alone.
    ``within`` is the column's δ and ``p_equivalent`` that of two one-sided tests, None where the column has none.
    """

    difference: float
    ci95: Interval
    p: float
    p_holm: float
    over: Literal["seeds", "folds"]
    n: int
    baseline_n: int
    error: CombinedError
    of_units: CombinedError
    of_trainings: CombinedError | None
    within: float | None = None
    p_equivalent: float | None = None
    p_equivalent_holm: float | None = None
