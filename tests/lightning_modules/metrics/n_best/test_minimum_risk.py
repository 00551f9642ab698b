"""Minimum risk against the expected number of edits written out, and confidences against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.metrics.n_best.minimum_risk import edit_distances, least_risk, list_posterior
from lightning_modules.metrics.n_best.word_confidence import word_confidences, words_at_place


def distance(one: list[str], other: list[str]) -> int:
    """Levenshtein by its definition."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        distance(one[1:], other) + 1, distance(one, other[1:]) + 1, distance(one[1:], other[1:]) + (one[0] != other[0])
    )


texts = st.lists(st.lists(st.sampled_from("abc"), max_size=4).map(" ".join), min_size=1, max_size=5)


@given(texts, st.data(), st.sampled_from((0.0, 0.3, 1.0, 5.0)), st.sampled_from(("word", "character")))
def test_no_text_of_the_list_has_a_lower_expected_number_of_edits(
    listed: list[str], data: st.DataObject, scale: float, unit: str
) -> None:
    scores = data.draw(st.lists(st.floats(-20, 0) | st.just(-math.inf), min_size=len(listed), max_size=len(listed)))
    chosen = least_risk(edit_distances(listed, unit=unit), list_posterior(scores, scale=scale))
    masses = [math.exp(scale * score) if score > -math.inf else 0.0 for score in scores]
    if not any(masses):
        masses = [1.0] * len(listed)
    cut = str.split if unit == "word" else list
    risks = [
        sum(mass * distance(cut(one), cut(other)) for mass, other in zip(masses, listed, strict=True)) / sum(masses)
        for one in listed
    ]
    assert risks[chosen] == pytest.approx(min(risks), abs=1e-6)
    assert all(risk > risks[chosen] - 1e-6 for risk in risks[:chosen])


def test_a_large_scale_takes_the_likeliest_and_a_small_one_the_middle() -> None:
    edits_NN = edit_distances(["x y z", "a b c", "a b d", "a b e"])
    scores = [-1.0, -2.0, -2.1, -2.2]
    assert least_risk(edits_NN, list_posterior(scores, scale=50.0)) == 0
    assert least_risk(edits_NN, list_posterior(scores, scale=0.01)) == 1


def test_a_words_confidence_is_the_mass_of_the_texts_that_have_it_at_its_place() -> None:
    listed = ["the cat sat", "the cat", "a cat sat", "sat the cat"]
    posterior_N = list_posterior(np.log([0.4, 0.3, 0.2, 0.1]), scale=1.0)
    found = word_confidences(words_at_place(listed[0], listed), posterior_N)
    assert found.tolist() == pytest.approx([0.8, 1.0, 0.6])
    assert word_confidences(words_at_place("", listed), posterior_N).tolist() == []
