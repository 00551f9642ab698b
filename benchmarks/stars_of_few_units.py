"""False stars of equal systems: how often p < .05 by the report's bootstrap, with its floor, and by an exact test.

Each of ``PAIRS`` pairs of systems errs on the same utterances of ten words with the same probabilities, so any star is
false. ``python benchmarks/stars_of_few_units.py`` takes half a minute.
"""

from __future__ import annotations

import itertools

import numpy as np

from experiments.statistics.paired_bootstrap import (
    Ratio,
    UnitCounts,
    difference_of_means,
    least_p,
    num_differing,
    resample,
)

PAIRS, RESAMPLES, LEVEL = 6000, 2000, 0.05


def _system(errors_N: np.ndarray) -> UnitCounts:
    counts_NC = np.stack([errors_N, np.full(len(errors_N), 10)], axis=1).astype(float)
    return UnitCounts("utterances", tuple(map(str, range(len(errors_N)))), counts_NC, Ratio())


def main() -> None:
    """A line for each number of utterances."""
    rng = np.random.default_rng(1)
    for num in (4, 6, 8, 10, 12):
        signs = np.array(list(itertools.product((1, -1), repeat=num)))
        false = np.zeros(3)
        for _ in range(PAIRS):
            rate_N = rng.beta(2, 8, size=num)
            errors = [rng.binomial(10, rate_N) for _ in range(2)]
            own, other = map(_system, errors)
            drawn_SR = resample([own, other], num_resamples=RESAMPLES)
            values = np.array([[own.value()], [other.value()]])
            found = difference_of_means(values[0], drawn_SR[:1], values[1], drawn_SR[1:])
            assert found is not None
            difference_N = errors[0] - errors[1]
            exact = float(np.mean(np.abs(signs @ difference_N) >= abs(difference_N.sum())))
            floored = max(found.p, least_p(num_differing([own], [other])))
            false += np.array([found.p, floored, exact]) < LEVEL
        shares = false / PAIRS
        print(f"{num:2} utterances: bootstrap {shares[0]:.3f}, with floor {shares[1]:.3f}, exact {shares[2]:.3f}")


if __name__ == "__main__":
    main()
