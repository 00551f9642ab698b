"""The map of confidences, against a search over its two numbers, and where there is nothing to choose."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from lightning_modules.metrics.words.calibration import cross_entropy_bits, normalised_cross_entropy
from lightning_modules.metrics.words.logit_map import LogitMap, fit_logit_map, logits


def words(seed: int, count: int = 400) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Words that are too sure, a third of them wholly: right as often as ``σ(.4 logit - .7)``."""
    draws = np.random.default_rng(seed)
    confidence_M = np.where(draws.random(count) < 0.3, 1.0, draws.beta(4, 1, count))
    return confidence_M, draws.random(count) < LogitMap(0.4, -0.7)(confidence_M)


def test_no_other_map_has_less_cross_entropy() -> None:
    confidence_M, right_M = words(0)
    found = fit_logit_map(confidence_M, right_M)
    num_right = int(right_M.sum())
    target_M = np.where(right_M, (num_right + 1) / (num_right + 2), 1 / (len(right_M) - num_right + 2))

    def loss(pair: NDArray[np.float64]) -> float:
        at_M = pair[0] * logits(confidence_M) + pair[1]
        return float((np.logaddexp(0, at_M) - target_M * at_M).sum())

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12})
    assert tuple(found) == pytest.approx(best.x, abs=1e-4)


def test_sure_words_that_are_wrong_no_longer_mislead() -> None:
    """The review's figure: normalised cross entropy below 0, worse than one confidence for all."""
    found, (confidence_M, right_M) = fit_logit_map(*words(1)), words(2)
    assert normalised_cross_entropy(confidence_M, right_M) < 0
    assert normalised_cross_entropy(found(confidence_M), right_M) > 0
    best_scale = min(cross_entropy_bits(confidence_M**power, right_M) for power in (0.25, 0.5, 1.0, 2.0))
    assert cross_entropy_bits(found(confidence_M), right_M) < best_scale


@pytest.mark.parametrize("right", [[True, True], [False, False], [True, False]])
def test_few_words_and_equal_ones_have_a_finite_map(right: list[bool]) -> None:
    found = fit_logit_map(np.ones(2), np.array(right))
    assert np.isfinite(found).all()
    assert 0 < found(np.ones(1))[0] < 1
    assert fit_logit_map(np.zeros(0), np.zeros(0, bool)) == (1.0, 0.0)
    separable = fit_logit_map(np.array([0.2, 0.3, 0.8, 0.9]), np.array([False, False, True, True]))
    assert np.isfinite(separable).all()
