"""The best constant text: its rate is jiwer's, and no text of a small alphabet is better where all can be tried."""

from __future__ import annotations

from itertools import product

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.metrics.constant_text import best_constant_cer, best_constant_wer

TEXTS = st.lists(st.text("ab ", min_size=1, max_size=5).map(str.strip), min_size=1, max_size=6).filter(any)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_rates_are_jiwers_never_above_the_empty_text_nor_a_training_text(references, training):
    for best, rate in ((best_constant_cer, jiwer.cer), (best_constant_wer, jiwer.wer)):
        found = best(references, training_texts=training)
        assert found.rate == rate(references, [found.text] * len(references))
        assert found.rate <= 1
        for text in training:
            assert found.rate <= rate(references, [text] * len(references))


def test_it_is_the_optimum_where_every_text_can_be_tried():
    references = ["abab", "abb", "baba", "bab", "aabb", "bbab", "aba"]
    every = ("".join(letters) for length in range(6) for letters in product("ab", repeat=length))
    optimum = min(jiwer.cer(references, [text] * len(references)) for text in every)
    assert best_constant_cer(references).rate == optimum


def test_spaces_at_its_ends_do_not_flatter_it():
    found = best_constant_cer(["a b c d", "e f g h", "i k l m"])
    assert found.text == found.text.strip()
    assert found.rate == pytest.approx(jiwer.cer(["a b c d", "e f g h", "i k l m"], [found.text] * 3))


def test_nothing_to_say_about_nothing():
    assert best_constant_wer([]) == best_constant_wer(["", ""]) == ("", 0.0)
