"""Compiled n-grams against the plain recursion, on random tables: unclosed ones (pruned contexts) as well."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.decoding.language_models.language_model import BackoffNgrams, LanguageModel, Ngram
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.ngram_table import advance, compile_ngrams

NUM_SYMBOLS = 4
entries = st.builds(Ngram, st.floats(-9, 0), st.sampled_from((0.0, -0.5, 0.25, -2.0)))


@st.composite
def random_ngrams(draw: st.DrawFn) -> BackoffNgrams:
    """Any set of n-grams that BackoffNgrams allows: boundary only at an end, stems and suffixes may be missing."""
    order = draw(st.integers(1, 4))
    tables = [{(token,): draw(entries) for token in range(NUM_SYMBOLS)}]
    for length in range(2, order + 1):
        inner = st.integers(1, NUM_SYMBOLS - 1)
        ends = st.integers(0, NUM_SYMBOLS - 1)
        ngrams = st.tuples(ends, *[inner] * (length - 2), ends)
        tables.append(draw(st.dictionaries(ngrams, entries, max_size=8)))
    return BackoffNgrams(tuple("#abc"), "character", tuple(tables))


histories = st.lists(st.integers(1, NUM_SYMBOLS - 1), max_size=6).map(tuple)


@settings(max_examples=150, deadline=None)
@given(random_ngrams(), st.lists(histories, max_size=5))
def test_rows_equal_the_recursion(ngrams: BackoffNgrams, histories: list[tuple[int, ...]]) -> None:
    rows = NgramLanguageModel(ngrams).next_log_probs(histories)
    assert rows.shape == (len(histories), NUM_SYMBOLS)
    for row, history in zip(rows, histories, strict=True):
        expected = [ngrams.log_prob(token, (0, *history)) for token in range(NUM_SYMBOLS)]
        np.testing.assert_allclose(row, np.float32(expected), rtol=1e-6)


@settings(max_examples=150, deadline=None)
@given(random_ngrams(), histories)
def test_walking_the_table_equals_the_recursion(ngrams: BackoffNgrams, sentence: tuple[int, ...]) -> None:
    table = compile_ngrams(ngrams)
    context = table.start
    for position, token in enumerate((*sentence, 0)):
        log_prob, context = advance(table, context, token)
        assert math.isclose(log_prob, ngrams.log_prob(token, (0, *sentence[:position])), abs_tol=1e-12)


def test_a_token_without_a_unigram_has_no_probability() -> None:
    model = NgramLanguageModel(BackoffNgrams(("#", "a", "b"), "character", ({(0,): Ngram(-1.0), (1,): Ngram(-2.0)},)))
    assert isinstance(model, LanguageModel)
    assert model.next_log_probs([(1,)]).tolist() == [[-1.0, -2.0, -math.inf]]


def test_alien_tokens_are_named() -> None:
    with pytest.raises(ValueError, match="n-gram with token 3, allowed: 0 to 2"):
        compile_ngrams(BackoffNgrams(("#", "a", "b"), "character", ({(3,): Ngram(-1.0)},)))
    model = NgramLanguageModel(BackoffNgrams(("#", "a"), "character", ({}, {(1, 1): Ngram(-1.0)})))
    with pytest.raises(ValueError, match="history with token 5, allowed: 0 to 1"):
        model.next_log_probs([(5,)])
