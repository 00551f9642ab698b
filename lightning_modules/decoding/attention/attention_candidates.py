"""The best continuations of the hypotheses of each utterance, compiled: a step of beam search chooses these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled

NOBODY = -1


@compiled
def best_places(score_BN: NDArray[np.float64], keep: int) -> NDArray[np.int64]:
    """Where the ``keep`` largest of each row are, largest first; of equal ones the first. -inf is not chosen.

    Rows with fewer are filled up with -1.

    >>> best_places(np.array([[0.5, 2.0, -np.inf, 2.0], [-np.inf, -1.0, -np.inf, -np.inf]]), 3)
    array([[ 1,  3,  0],
           [ 1, -1, -1]])
    """
    places_BK = np.full((len(score_BN), keep), NOBODY, np.int64)
    kept_K = np.empty(keep, np.float64)
    for b in range(len(score_BN)):
        count = 0
        for place in range(score_BN.shape[1]):
            score = score_BN[b, place]
            if score == -np.inf or (count == keep and score <= kept_K[keep - 1]):
                continue
            at = min(count, keep - 1)
            count = min(count + 1, keep)
            while at > 0 and kept_K[at - 1] < score:
                kept_K[at], places_BK[b, at] = kept_K[at - 1], places_BK[b, at - 1]
                at -= 1
            kept_K[at], places_BK[b, at] = score, place
    return places_BK
