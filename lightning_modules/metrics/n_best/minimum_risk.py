"""The text of the least expected error among the N best, in place of the likeliest (Stolcke, König & Weintraub 1997).

A decoder's best text is right as a whole more often than any other; errors are counted in words. With the N best as
all that could have been said, their posterior ``p_j = exp(s·score_j) / sum`` and the number of edits d,

    best = argmin_i  sum_j p_j d(text_i, text_j)

has the fewest errors to be expected (minimum Bayes risk; Goel & Byrne 2000). Scores are too sure of themselves, since
neighbouring frames are taken for independent: the scale s is fitted on validation. s = 0 finds the list's middle, a
large s the likeliest text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

Risk = Literal["word", "character"]


def list_posterior(score_N: Sequence[float] | NDArray[np.float64], *, scale: float) -> NDArray[np.float64]:
    """``exp(scale · score)`` made to sum to one; of scores that are all -inf, equal shares.

    >>> list_posterior([-1.0, -1.0, -np.inf], scale=0.5).tolist()
    [0.5, 0.5, 0.0]
    """
    scaled_N = np.array(score_N, np.float64)
    if not np.isfinite(scaled_N).any():
        return np.full(len(scaled_N), 1 / max(len(scaled_N), 1))
    is_possible_N = np.isfinite(scaled_N)
    scaled_N[is_possible_N] = scale * (scaled_N[is_possible_N] - scaled_N[is_possible_N].max())
    mass_N = np.exp(scaled_N)
    return np.asarray(mass_N / mass_N.sum())


def edit_distances(texts: Sequence[str], *, unit: Risk = "word") -> NDArray[np.float64]:
    """The number of edits between each two texts, (N, N), in words or in characters."""
    number_of: dict[str, int] = {}
    pieces = [
        [number_of.setdefault(piece, len(number_of)) for piece in (text.split() if unit == "word" else text)]
        for text in texts
    ]
    edits_NN = np.zeros((len(texts), len(texts)))
    for i, one in enumerate(pieces):
        for j in range(i):
            edits_NN[i, j] = edits_NN[j, i] = Levenshtein.distance(one, pieces[j])
    return edits_NN


def least_risk(edits_NN: NDArray[np.float64], posterior_N: NDArray[np.float64]) -> int:
    """Which text has the fewest expected edits; of equal ones the earliest, which scores best.

    >>> edits_NN = edit_distances(["a b", "a c", "d c"])
    >>> least_risk(edits_NN, list_posterior([-1.0, -1.1, -1.2], scale=1.0))
    1
    """
    risk_N = edits_NN @ posterior_N
    return int(np.flatnonzero(risk_N <= risk_N.min() + 1e-9)[0])
