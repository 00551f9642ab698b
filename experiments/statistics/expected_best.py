"""The expected best of n trials of a search, from the figures of the N that were run (Dodge et al. 2019).

"Show Your Work: Improved Reporting of Experimental Results", EMNLP 2019, expected validation performance: of n
figures drawn with replacement from the N, the greatest is at most v with probability F(v)^n, F the share of figures
up to v; so its mean is Σ v · (F(v)^n − F(v−)^n). It is what n trials would have found, and so compares systems at
equal efforts. Drawn with replacement, it lies a little below the best of N at n = N. Dodge et al. suppose independent
trials: a random search's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal


def expected_best(figures: Sequence[float], num_trials: int, *, better: Literal["higher", "lower"]) -> float:
    """Mean of the best of ``num_trials`` figures drawn with replacement; ``figures`` are finite, at least one.

    >>> expected_best([0.0, 1.0], 2, better="higher")  # of four pairs one has no 1
    0.75
    """
    sign = 1.0 if better == "higher" else -1.0
    ranked, total = sorted(sign * figure for figure in figures), len(figures)
    return sign * math.fsum(
        figure * ((rank / total) ** num_trials - ((rank - 1) / total) ** num_trials)
        for rank, figure in enumerate(ranked, start=1)
    )


def budgets(num_trials: int) -> list[int]:
    """1, 2, 4, 8 … and the whole.

    >>> budgets(12)
    [1, 2, 4, 8, 12]
    """
    powers = [2**k for k in range(num_trials.bit_length()) if 2**k < num_trials]
    return [*powers, num_trials]
