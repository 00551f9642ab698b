"""Static interpolation: contexts sum to one, listed n-grams have the mixture exactly, the weight is the best one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.lm.interpolation import fitted_weight, interpolated
from lightning_modules.lm.ngram import estimate_ngrams, sentence_log_prob

SYMBOLS = ("<blank>", "a", "b", "c")
sentences = st.lists(st.lists(st.integers(1, 3), max_size=5), min_size=1, max_size=6)


def estimated(texts: list[list[int]], order: int) -> BackoffNgrams:
    return estimate_ngrams(texts, symbols=SYMBOLS, unit="character", order=order)


@given(sentences, sentences, st.sampled_from((0.0, 0.3, 0.9, 1.0)), st.integers(1, 3))
def test_every_context_sums_to_one_and_listed_ngrams_are_the_mixture(
    some: list[list[int]], others: list[list[int]], weight: float, order: int
) -> None:
    one, other = estimated(some, 3), estimated(others, order)
    mixed = interpolated(one, other, weight)
    for history in [(), (0,), *itertools.product((1, 2, 3), repeat=2), *((0, token) for token in (1, 2, 3))]:
        assert sum(math.exp(mixed.log_prob(token, history)) for token in range(4)) == pytest.approx(1, abs=1e-6)
    for table in mixed.tables:
        for gram, entry in table.items():
            wanted = weight * math.exp(one.log_prob(gram[-1], gram[:-1]))
            wanted += (1 - weight) * math.exp(other.log_prob(gram[-1], gram[:-1]))
            assert math.exp(entry.log_prob) == pytest.approx(wanted, rel=1e-9)


def test_the_whole_weight_on_one_model_is_that_model() -> None:
    one, other = estimated([[1, 2, 3], [1, 2]], 3), estimated([[3, 3], [2, 3, 1]], 2)
    for weight, model in ((1.0, one), (0.0, other)):
        mixed = interpolated(one, other, weight)
        for text in ((), (1, 2), (3, 3, 1), (2, 2, 2)):
            listed = all(
                gram in model.tables[len(gram) - 1]
                for gram in [(*((0, *text, 0)[max(0, place - 2) : place + 1]),) for place in range(1, len(text) + 2)]
                if len(gram) <= model.order
            )
            if listed:
                assert sentence_log_prob(mixed, text) == pytest.approx(sentence_log_prob(model, text), rel=1e-9)


# Held-out texts of one rare token: the likelihood is almost flat and its top an end, where rounds of EM stop early.
@example([[]], [[], [], [], []], [[], [], [], [1]])
@given(sentences, sentences, sentences)
def test_no_other_weight_makes_the_held_out_texts_likelier(
    some: list[list[int]], others: list[list[int]], held_out: list[list[int]]
) -> None:
    one, other = estimated(some, 2), estimated(others, 2)

    def log_likelihood(weight: float) -> float:
        total = 0.0
        for text in held_out:
            padded = (0, *text, 0)
            for place in range(1, len(padded)):
                probs = [math.exp(model.log_prob(padded[place], padded[:place])) for model in (one, other)]
                total += math.log(weight * probs[0] + (1 - weight) * probs[1])
        return total

    best = log_likelihood(fitted_weight(one, other, held_out))
    assert best >= max(log_likelihood(weight) for weight in np.linspace(0.01, 0.99, 25)) - 1e-4


def test_models_of_other_vocabularies_and_impossible_weights_are_refused() -> None:
    one = estimated([[1, 2]], 2)
    other = estimate_ngrams([(1,)], symbols=("<blank>", "x"), unit="character", order=2)
    with pytest.raises(ValueError, match="allowed: the same ones"):
        interpolated(one, other, 0.5)
    with pytest.raises(ValueError, match=r"weight 1\.5, allowed: 0 to 1"):
        interpolated(one, one, 1.5)
