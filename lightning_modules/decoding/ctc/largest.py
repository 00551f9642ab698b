"""The largest of many non-negative numbers, found by their bits instead of by comparing.

Doubles that are >= 0 sort as their bit patterns do, so a histogram of the leading bits says between which values the
last one kept lies: one pass over the numbers, and another over the few in its bin. Of equal numbers the first ones are
kept, so that a search does the same on every machine and in every batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled

NUM_BINS = 512


@compiled
def keep_largest(values: NDArray[np.float64], count: int, keep: int, kept: NDArray[np.bool_]) -> float:
    """Flag the ``keep`` largest of the first ``count`` values (0 < keep < count, none negative, none NaN) in ``kept``.

    Returns a number that no kept value is below and no other value above.

    >>> kept = np.zeros(5, np.bool_)
    >>> keep_largest(np.array([0.5, 0.25, 0.5, 0.5, 0.0]), 5, 2, kept), kept.tolist()
    (0.5, [True, False, True, False, False])
    """
    bits = values.view(np.int64)
    low, high = bits[0], bits[0]
    for index in range(1, count):
        low, high = min(low, bits[index]), max(high, bits[index])
    bins = np.empty(NUM_BINS, np.int64)
    wanted = keep  # so many of the values in [low, high], and all above
    while low < high:
        shift = 0
        while (high - low) >> shift >= NUM_BINS:
            shift += 1
        bins[:] = 0
        for index in range(count):
            if low <= bits[index] <= high:
                bins[(bits[index] - low) >> shift] += 1
        last = (high - low) >> shift
        while bins[last] < wanted:
            wanted -= bins[last]
            last -= 1
        low += last << shift
        high = min(high, low + (1 << shift) - 1)
        if bins[last] == wanted:
            break
    all_within = low < high
    for index in range(count):
        equal = not all_within and bits[index] == low
        kept[index] = bits[index] > high or (all_within and bits[index] >= low) or (equal and wanted > 0)
        wanted -= equal
    return float(np.array([low]).view(np.float64)[0])
