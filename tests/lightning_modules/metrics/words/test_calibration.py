"""Calibration figures against their definitions, and errors of listed words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.metrics.edits import count_edits
from lightning_modules.metrics.words.calibration import (
    calibration_error,
    normalised_cross_entropy,
    reliability,
    roc_area,
)
from lightning_modules.metrics.words.listed_words import listed_errors


def test_confidences_that_are_the_share_of_right_words_have_no_calibration_error() -> None:
    confidence_M = np.repeat([0.25, 0.75], [4, 8])
    right_M = np.array([1, 0, 0, 0] + [1] * 6 + [0] * 2, bool)
    assert calibration_error(confidence_M, right_M) == 0
    assert [one.num_words for one in reliability(confidence_M, right_M)] == [4, 8]
    assert 0 < normalised_cross_entropy(confidence_M, right_M) < 1


def test_knowing_only_the_share_of_right_words_is_worth_nothing_and_misleading_less() -> None:
    right_M = np.array([True, True, True, False])
    assert normalised_cross_entropy(np.full(4, 0.75), right_M) == pytest.approx(0)
    assert normalised_cross_entropy(np.array([0.1, 0.1, 0.1, 0.9]), right_M) < 0
    assert normalised_cross_entropy(np.array([1.0, 1.0, 1.0, 0.0]), right_M) == pytest.approx(1, abs=0.01)
    assert math.isnan(normalised_cross_entropy(np.ones(2), np.ones(2, bool)))


@given(st.lists(st.tuples(st.sampled_from((0.0, 0.2, 0.5, 1.0)), st.booleans()), min_size=2, max_size=12))
def test_the_roc_area_is_the_share_of_pairs_in_order(words: list[tuple[float, bool]]) -> None:
    right = [confidence for confidence, is_right in words if is_right]
    wrong = [confidence for confidence, is_right in words if not is_right]
    found = roc_area(np.array([one for one, _ in words]), np.array([is_right for _, is_right in words]))
    if not right or not wrong:
        assert math.isnan(found)
        return
    pairs = [(a > b) + (a == b) / 2 for a in right for b in wrong]
    assert found == pytest.approx(sum(pairs) / len(pairs))


@given(*[st.lists(st.sampled_from("abc"), max_size=6)] * 2, st.sets(st.sampled_from("abc")))
def test_listed_and_other_errors_are_all_errors(said: list[str], heard: list[str], listed: set[str]) -> None:
    found = listed_errors([(" ".join(said), " ".join(heard))], listed)
    assert found.listed_errors + found.other_errors == count_edits(said, heard).errors
    assert found.listed_words == sum(word in listed for word in said)
    assert found.listed_words + found.other_words == len(said)
