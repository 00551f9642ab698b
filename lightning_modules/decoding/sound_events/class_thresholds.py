"""From clip probabilities to tags: one threshold a class, fitted on the tags of a validation split.

A class is tagged where its probability is >= its threshold. The fit is exact: it tries every set of clips that a
threshold can select. Fitting by class maximises macro F1 as well, since classes do not interact in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fit_class_thresholds(probabilities_NC: NDArray[np.floating], tags_NC: NDArray[np.floating]) -> NDArray[np.float64]:
    """The threshold of each class with the best F1 on N clips; shape (C,).

    It lies halfway between the lowest probability that it selects and the next lower one (or 0), so that it leaves
    room on both sides. Of equal F1s the highest threshold wins (fewest tags). A class without a positive clip, which
    no threshold can serve, gets 0.5. Raises ``ValueError`` for probabilities that are NaN or outside 0 to 1.

    >>> fit_class_thresholds(np.array([[0.9], [0.8], [0.4], [0.2]]), np.array([[1], [1], [0], [1]]))  # F1 6/7, not 4/5
    array([0.1])
    """
    outside = ~((probabilities_NC >= 0) & (probabilities_NC <= 1))  # NaN too
    if outside.any():
        raise ValueError(f"probabilities_NC holds {int(outside.sum())} numbers that are NaN or outside 0 to 1")
    columns = range(probabilities_NC.shape[1])
    return np.array([_fit(probabilities_NC[:, c].astype(np.float64), tags_NC[:, c] > 0.5) for c in columns])


def _fit(probabilities_N: NDArray[np.float64], tagged_N: NDArray[np.bool_]) -> float:
    if not tagged_N.any():
        return 0.5
    order = np.argsort(-probabilities_N, kind="stable")
    falling_N, hits_N = probabilities_N[order], np.cumsum(tagged_N[order])
    f1_N = 2 * hits_N / (np.arange(1, len(order) + 1) + tagged_N.sum())  # selecting the first 1, 2, … clips
    next_N = np.append(falling_N[1:], 0.0)
    f1_N[:-1][falling_N[:-1] == next_N[:-1]] = -1.0  # equal probabilities can't be told apart
    best = int(np.argmax(f1_N))
    halfway = (falling_N[best] + next_N[best]) / 2
    return float(halfway if halfway > next_N[best] else falling_N[best])
