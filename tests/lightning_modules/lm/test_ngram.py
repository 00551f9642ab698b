"""Modified Kneser-Ney by hand, and what every n-gram model must satisfy."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.lm.ngram import estimate_ngrams, modified_discounts, sentence_log_prob

SYMBOLS = ("<blank>", "a", "b")


def test_a_case_worked_by_hand() -> None:
    # Sentences "a b" and "a a". Bigrams: <s>a 2, ab 1, b</s> 1, aa 1, a</s> 1: no bigram occurs three times, so the
    # discounts are (0.5, 1, 1.5). Unigrams by different left neighbours: a {<s>, a} 2, b {a} 1, </s> {a, b} 2.
    ngrams = estimate_ngrams([(1, 2), (1, 1)], symbols=SYMBOLS, unit="character", order=2)
    left_over = (1 + 0.5 + 1) / 5 / 3  # what the unigrams lost, evenly over three symbols
    end, a, b = (2 - 1) / 5 + left_over, (2 - 1) / 5 + left_over, (1 - 0.5) / 5 + left_over
    probability = {gram: math.exp(entry.log_prob) for table in ngrams.tables for gram, entry in table.items()}
    assert probability == pytest.approx(
        {
            (0,): end,
            (1,): a,
            (2,): b,
            (0, 1): (2 - 1) / 2 + 1 / 2 * a,  # gamma(<s>) = D_2 / 2
            (1, 2): (1 - 0.5) / 3 + 0.5 * b,  # gamma(a) = 3 D_1 / 3
            (1, 1): (1 - 0.5) / 3 + 0.5 * a,
            (1, 0): (1 - 0.5) / 3 + 0.5 * end,
            (2, 0): (1 - 0.5) / 1 + 0.5 * end,  # gamma(b) = D_1 / 1
        }
    )
    backoff = {gram: math.exp(entry.log_backoff) for gram, entry in ngrams.tables[0].items()}
    assert backoff == pytest.approx({(0,): 0.5, (1,): 0.5, (2,): 0.5})
    assert sentence_log_prob(ngrams, (2,)) == pytest.approx(math.log(0.5 * b) + math.log(0.5 + 0.5 * end))


def test_discounts_are_those_of_chen_and_goodman_where_the_counts_allow() -> None:
    counts = [1] * 20 + [2] * 8 + [3] * 4 + [4] * 2 + [9]
    y = 20 / (20 + 2 * 8)
    assert modified_discounts(counts) == pytest.approx((1 - 2 * y * 8 / 20, 2 - 3 * y * 4 / 8, 3 - 4 * y * 2 / 4))


@pytest.mark.parametrize("counts", [[], [1, 2], [1, 3], [1, 2] + [3] * 9, [1, 1, 2] + [3] * 2])
def test_undefined_discounts_fall_back(counts: list[int]) -> None:
    assert modified_discounts(counts) == (0.5, 1.0, 1.5)


sentences_of_tokens = st.lists(st.lists(st.integers(1, 4), max_size=8).map(tuple), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(sentences_of_tokens, st.integers(1, 5), st.lists(st.integers(1, 5), max_size=6), st.booleans())
def test_probabilities_of_the_vocabulary_sum_to_one(
    sentences: list[tuple[int, ...]], order: int, context: list[int], begins_a_sentence: bool
) -> None:
    symbols = ("<blank>", *"abcde")  # token 5 is never seen
    ngrams = estimate_ngrams(sentences, symbols=symbols, unit="character", order=order)
    history = (0, *context) if begins_a_sentence else tuple(context)
    probabilities = [math.exp(ngrams.log_prob(token, history)) for token in range(len(symbols))]
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-9)
    assert min(probabilities) > 0


def test_short_sentences_lower_the_order_and_tokens_of_the_boundary_are_refused() -> None:
    assert estimate_ngrams([(1,)], symbols=SYMBOLS, unit="character", order=7).order == 3
    with pytest.raises(ValueError, match="sentence boundary"):
        estimate_ngrams([(1, 0, 2)], symbols=SYMBOLS, unit="character", order=2)
    with pytest.raises(ValueError, match="no sentence"):
        estimate_ngrams([], symbols=SYMBOLS, unit="character", order=2)
    with pytest.raises(ValueError, match="order must be 1 or more, got 0"):
        estimate_ngrams([(1,)], symbols=SYMBOLS, unit="character", order=0)


@pytest.mark.parametrize("unit", ["character", "word"])
def test_a_higher_order_fits_regular_text_better(unit: Literal["character", "word"]) -> None:
    sentences = [(1, 2, 1, 1, 2, 2) * 3] * 5
    scores = [
        sentence_log_prob(estimate_ngrams(sentences, symbols=SYMBOLS, unit=unit, order=order), sentences[0])
        for order in (1, 2, 4)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 5
