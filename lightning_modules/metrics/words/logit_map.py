"""Two numbers that make confidences mean what they say: a scale and an offset of their logit (Platt 1999).

``c' = σ(slope · logit(c) + offset)``, chosen for the least cross entropy on words that were not decoded for it. One
scale of a posterior cannot lower the confidence of a word that all texts of a list share; an offset can. Ranks stay,
unless sure words are the more often wrong ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.words.calibration import LEAST_DOUBT

STEPS = 50  # of Newton's method, which needs about six
RIDGE = 1e-6  # confidences that are all alike leave the slope free


class LogitMap(NamedTuple):
    """What ``fit_logit_map`` chose."""

    slope: float
    offset: float

    def __call__(self, confidence_M: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated confidences.

        >>> LogitMap(1.0, 0.0)(np.array([0.25, 0.9])).round(6).tolist()
        [0.25, 0.9]
        """
        return _sigmoid(self.slope * logits(confidence_M) + self.offset)


def logits(confidence_M: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds, of confidences kept as far from 0 and 1 as the cross entropy keeps them."""
    kept_M = np.clip(confidence_M, LEAST_DOUBT, 1 - LEAST_DOUBT)
    return np.asarray(np.log(kept_M) - np.log1p(-kept_M))


def fit_logit_map(confidence_M: NDArray[np.float64], is_right_M: NDArray[np.bool_]) -> LogitMap:
    """The map of least cross entropy, by Newton's method; without words the map that changes nothing.

    Platt's targets, one word more of either kind, keep it finite where every sure word is right.
    """
    if not len(confidence_M):
        return LogitMap(1.0, 0.0)
    num_right, num_wrong = int(is_right_M.sum()), int((~is_right_M).sum())
    target_M = np.where(is_right_M, (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2))
    inputs_M2 = np.stack([logits(confidence_M), np.ones(len(confidence_M))], axis=1)
    weights_2 = np.zeros(2)
    loss = _loss(inputs_M2 @ weights_2, target_M)
    for _ in range(STEPS):
        said_M = _sigmoid(inputs_M2 @ weights_2)
        slope_2 = inputs_M2.T @ (said_M - target_M)
        bend_22 = (inputs_M2.T * (said_M * (1 - said_M))) @ inputs_M2 + RIDGE * np.eye(2)
        step_2 = np.linalg.solve(bend_22, slope_2)
        while (after := _loss(inputs_M2 @ (weights_2 - step_2), target_M)) > loss and np.abs(step_2).max() > 1e-9:
            step_2 = step_2 / 2
        weights_2, loss = weights_2 - step_2, after
        if np.abs(step_2).max() < 1e-9:
            break
    return LogitMap(float(weights_2[0]), float(weights_2[1]))


def _loss(logits_M: NDArray[np.float64], target_M: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0.0, logits_M) - target_M * logits_M).sum())


def _sigmoid(logits_M: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits_M)))
