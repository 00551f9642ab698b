"""Co-activation: how alike are the frame curves of classes that were tagged together?

The similarity penalty of Pellegrini & Cances (arXiv 1901.03146) wants curves of co-tagged classes apart; this measures
it: the mean cosine of two curves over all pairs of co-tagged classes of all clips. The same figure of the reference's
0/1 activity says how much of it is right, since sounds do overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


def coactivation(clips: Iterable[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> float:
    """Mean cosine over clips' pairs; NaN where no clip has two tags.

    Each clip is ``(curves_TC, columns)``: its curves (no padding) and the columns of its tagged classes. Every pair
    weighs the same, whichever clip it is of. A pair with an all-zero curve has cosine 0.

    >>> curves = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32)
    >>> round(coactivation([(curves, np.array([0, 1, 2]))]), 4)  # (1/sqrt(2) + 0 + 0) / 3
    0.2357
    """
    cosines: list[float] = []
    for curves_TC, columns in clips:
        norms_C = np.linalg.norm(curves_TC.astype(np.float64), axis=0).tolist()
        for first, second in combinations(columns.tolist(), 2):
            scale = norms_C[first] * norms_C[second]
            product = float(curves_TC[:, first].astype(np.float64) @ curves_TC[:, second])
            cosines.append(product / scale if scale > 0 else 0.0)
    return sum(cosines) / len(cosines) if cosines else math.nan
