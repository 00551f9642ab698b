"""Words that are in a list: counted against a loop, and lists from files as people have them."""

from __future__ import annotations

import doctest
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.metrics import attention_shape, word_list
from lightning_modules.metrics.word_list import share_empty, share_in_list

TEXTS = st.lists(st.text(alphabet="ab ", max_size=8), max_size=6)


@given(TEXTS, st.sets(st.text(alphabet="ab", min_size=1, max_size=3)))
def test_shares_are_those_that_a_loop_counts(texts, known):
    found = total = empty = 0
    for text in texts:
        pieces = [piece for piece in text.split(" ") if piece]
        empty += not pieces
        for piece in pieces:
            total += 1
            found += piece in known
    share = share_in_list(texts, known)
    assert isnan(share) if total == 0 else share == found / total
    assert isnan(share_empty(texts)) if not texts else share_empty(texts) == empty / len(texts)


@given(TEXTS)
def test_a_list_of_the_texts_holds_all_of_their_words(texts):
    share = share_in_list(texts, word_list.word_list(texts))
    assert isnan(share) or share == 1.0


def test_a_file_adds_its_words_as_they_stand_and_in_lower_case(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffAmsterdam\ncafe\u0301 huis\r\n\n", encoding="utf-8")
    assert word_list.word_list(["een huis"], file=path) == {"een", "huis", "Amsterdam", "amsterdam", "caf\u00e9"}


def test_a_file_that_has_no_words_is_named(tmp_path):
    path = tmp_path / "words.txt"
    with pytest.raises(ValueError, match=r"word_list .*words\.txt: No such file or directory; expected a text file"):
        word_list.word_list([], file=path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"words\.txt: not UTF-8"):
        word_list.word_list([], file=path)
    path.write_text(" \n")
    with pytest.raises(ValueError, match=r"words\.txt: holds no word"):
        word_list.word_list([], file=path)


def test_doctests():
    assert doctest.testmod(word_list).failed == 0
    assert doctest.testmod(attention_shape).failed == 0
