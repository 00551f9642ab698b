"""How far a system's word boundaries are from real ones, and where in a sound it says the letter.

Errors are signed milliseconds, a system's time less the real one: below 0 it is early. Standard deviations are not
given: a few utterances that are aligned elsewhere altogether would be all that they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Times = Sequence[tuple[float, float]]  # start and end in seconds of each word, or of each letter
WITHIN_MS = (20, 50, 100)


def shared_gaps(words: Times, *, most_seconds: float) -> list[tuple[float, float]]:
    """Neighbours that are no further apart meet in the middle: what CTC leaves between words is blank, not silence.

    >>> shared_gaps([(0.0, 1.0), (1.5, 2.0), (3.0, 4.0)], most_seconds=0.5)
    [(0.0, 1.25), (1.25, 2.0), (3.0, 4.0)]
    """
    starts, ends = [start for start, _ in words], [end for _, end in words]
    for before, after in pairwise(range(len(words))):
        gap = starts[after] - ends[before]
        if 0 < gap <= most_seconds:
            starts[after] = ends[before] = ends[before] + gap / 2
    return list(zip(starts, ends, strict=True))


def errors_ms(words: Times, real: Times) -> NDArray[np.float64]:
    """Starts and ends of W words, (W, 2), to a millionth: 100 ms are within 100. Raises ``ValueError`` for others."""
    if len(words) != len(real):
        raise ValueError(f"{len(words)} words and {len(real)} real ones")
    return np.round(1000 * (np.array(words, np.float64) - np.array(real, np.float64)), 6).reshape(-1, 2)


def boundary_figures(errors_W2: NDArray[np.float64]) -> dict[str, float]:
    """Of starts, ends and both (``boundary``): median and mean |error|, the median with its sign, shares within.

    >>> figures = boundary_figures(np.array([[10.0, -30.0], [20.0, -90.0]]))
    >>> figures["boundary_ms"], figures["word_end_ms_signed"], figures["boundary_within_50_ms"]
    (25.0, -60.0, 0.75)
    """
    figures: dict[str, float] = {}
    for name, of in (("boundary", errors_W2.ravel()), ("word_start", errors_W2[:, 0]), ("word_end", errors_W2[:, 1])):
        far = np.abs(of)
        figures |= {
            f"{name}_ms": float(np.median(far)),
            f"{name}_ms_mean": float(far.mean()),
            f"{name}_ms_signed": float(np.median(of)),
            **{f"{name}_within_{limit}_ms": float((far <= limit).mean()) for limit in WITHIN_MS},
        }
    return figures


def places(peaks_seconds: Sequence[float], spans: Times) -> NDArray[np.float64]:
    """Where each peak lies in its own sound: 0 its start, 1 its end, below 0 before it; nan for a sound of no length.

    >>> places([0.25, 0.9], [(0.0, 0.5), (1.0, 1.1)]).round(2).tolist()
    [0.5, -1.0]
    """
    starts, ends = np.array(spans, np.float64).reshape(-1, 2).T
    lengths = np.where(ends > starts, ends - starts, np.nan)
    return np.asarray((np.array(peaks_seconds, np.float64) - starts) / lengths)


def place_figures(places_L: NDArray[np.float64]) -> dict[str, float]:
    """Median and quartiles of the places, and the share of peaks inside their own sound; empty without any."""
    known = places_L[~np.isnan(places_L)]
    if not len(known):
        return {}
    low, middle, high = (float(quantile) for quantile in np.quantile(known, [0.25, 0.5, 0.75]))
    inside = float(((known >= 0) & (known <= 1)).mean())
    return {"peak_place": middle, "peak_place_low": low, "peak_place_high": high, "peaks_in_phone": inside}
