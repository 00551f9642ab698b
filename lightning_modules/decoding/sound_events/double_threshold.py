"""Two thresholds on a curve, in both of the meanings that "hysteresis" has in the literature.

``extend``: an event is the whole stretch >= low around a frame >= high (Dinkel & Yu 2019, arXiv 1904.03841, "double
threshold"; with a threshold on the clip's probability before it, their "triple threshold", arXiv 2101.07687).
``switch``: on at the first frame >= high, off at the first one < low (Pellegrini & Cances 2019, arXiv 1901.03146). They
end at the same frames; an event of ``extend`` begins earlier, where its curve rises through low.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.sound_events.runs import from_runs, runs

Hysteresis = Literal["extend", "switch"]


def hysteresis(
    curves_TC: NDArray[np.floating], *, low: float, high: float, meaning: Hysteresis = "extend"
) -> NDArray[np.bool_]:
    """Frames of those runs >= ``low`` in which some frame is >= ``high``, with ``switch`` from that frame on; (T, C).

    >>> curve_TC = np.array([[0.3], [0.6], [0.3], [0.1], [0.3]])
    >>> hysteresis(curve_TC, low=0.2, high=0.5)[:, 0]
    array([ True,  True,  True, False, False])
    >>> hysteresis(curve_TC, low=0.2, high=0.5, meaning="switch")[:, 0]
    array([False,  True,  True, False, False])
    """
    above_TC = curves_TC >= low
    first, last, column = runs(above_TC)
    frames = len(curves_TC)
    next_TC = np.full((frames + 1, curves_TC.shape[1]), frames)  # of each frame, the next one (itself too) >= high
    next_TC[:-1][curves_TC >= high] = np.nonzero(curves_TC >= high)[0]
    next_TC = np.minimum.accumulate(next_TC[::-1], axis=0)[::-1]
    peak = next_TC[first, column]
    kept = peak < last
    begin = first if meaning == "extend" else peak
    return from_runs(begin[kept], last[kept], column[kept], above_TC.shape)
