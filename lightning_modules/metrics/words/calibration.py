"""Do confidences say how often a word is right? Three answers, of M words, each with a confidence and right or wrong.

*Expected calibration error* (Naeini et al. 2015): words in ten equal bins by confidence; in each how far the mean
confidence is from the share that is right, weighed by its words. 0 is perfect. *Normalised cross entropy* (NIST; Siu et
al. 1997): the share of doubt that the confidences take away, ``(H_max - H) / H_max``, with ``H = -sum log2 c`` of right
and ``-sum log2 (1 - c)`` of wrong words, and ``H_max`` the same for one confidence of all words, the share of right
ones. 1 is perfect, 0 knows nothing, less misleads. *Area under the ROC*: how probable it is that a right word has more
confidence than a wrong one (a tie counts half): what ranking alone is worth, whatever the calibration.
"""

from __future__ import annotations

from math import log2, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_DOUBT = 1e-3  # confidences are kept so far from 0 and 1 where a logarithm is taken: one sure error is no -inf
NUM_BINS = 10


class Bin(NamedTuple):
    """Words of similar confidence."""

    num_words: int
    confidence: float
    share_right: float


def reliability(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> list[Bin]:
    """The bins that hold a word, by rising confidence; 1 belongs to the last."""
    number_M = np.minimum((confidence_M * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    return [
        Bin(int(inside.sum()), float(confidence_M[inside].mean()), float(is_right_M[inside].mean()))
        for inside in (number_M == number for number in range(NUM_BINS))
        if inside.any()
    ]


def calibration_error(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> float:
    """In 0-1; nan without a word.

    >>> calibration_error(np.array([0.9, 0.9]), np.array([True, False]))
    0.4
    """
    bins = reliability(confidence_M, is_right_M)
    total = sum(one.num_words for one in bins)
    return sum(one.num_words * abs(one.confidence - one.share_right) for one in bins) / total if total else nan


def cross_entropy_bits(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> float:
    """``H`` of the docstring above, a word."""
    kept_M = np.clip(confidence_M, LEAST_DOUBT, 1 - LEAST_DOUBT)
    return float(-np.log2(np.where(is_right_M, kept_M, 1 - kept_M)).mean()) if len(kept_M) else nan


def normalised_cross_entropy(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> float:
    """At most 1; nan where no word, or every word, is right: there is no doubt to take away.

    >>> round(normalised_cross_entropy(np.array([0.5, 0.5]), np.array([True, False])), 3)
    0.0
    """
    share = float(is_right_M.mean()) if len(is_right_M) else 0.0
    if not 0 < share < 1:
        return nan
    most = -share * log2(share) - (1 - share) * log2(1 - share)
    return (most - cross_entropy_bits(confidence_M, is_right_M)) / most


def roc_area(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> float:
    """In 0-1, .5 for chance; nan where no word is right, or none wrong.

    >>> roc_area(np.array([0.9, 0.4, 0.4]), np.array([True, True, False]))
    0.75
    """
    num_right, num_wrong = int(is_right_M.sum()), int((~is_right_M).sum())
    if not num_right or not num_wrong:
        return nan
    wrong_sorted = np.sort(confidence_M[~is_right_M])
    below = np.searchsorted(wrong_sorted, confidence_M[is_right_M], side="left")
    at_most = np.searchsorted(wrong_sorted, confidence_M[is_right_M], side="right")
    return float((below + at_most).sum() / (2 * num_right * num_wrong))
