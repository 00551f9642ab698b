"""Words of aligned tokens: the same as spelling the tokens, over the frames of their own tokens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.decoding.ctc.aligned_words import aligned_words
from lightning_modules.decoding.ctc.forced_alignment import AlignedToken, Alignment
from lightning_modules.decoding.texts import spell

CHARACTERS = ("<blank>", " ", "a", "b", "<cs>")
SUBWORDS = ("<blank>", "▁", "▁a", "b", "▁ab", "<cs>")
WORDS = ("<blank>", "<unk>", "dobrý", "den", "<cs>")


def aligned(tokens: list[int], spike: float = 0.5) -> Alignment:
    """Each token on a frame of its own, every third."""
    said = [AlignedToken(token, 3 * at, 3 * at + 1, 3 * at, math.log(spike), -1.0) for at, token in enumerate(tokens)]
    return Alignment(tuple(said), -1.0)


@given(st.sampled_from((CHARACTERS, SUBWORDS, WORDS)), st.lists(st.integers(1, 4), max_size=12))
def test_words_joined_are_the_spelt_text(symbols: tuple[str, ...], tokens: list[int]) -> None:
    words = aligned_words(aligned(tokens), symbols)
    assert " ".join(word.text for word in words) == spell(tokens, symbols)
    edges = [edge for word in words for edge in (word.first_frame, word.last_frame)]
    assert edges == sorted(edges)


def test_a_mark_that_spikes_early_is_not_the_words_start() -> None:
    [first, second] = aligned_words(aligned([2, 3, 1, 3]), SUBWORDS)
    assert (first.text, first.first_frame, first.last_frame) == ("ab", 0, 4)
    assert (second.text, second.first_frame, second.last_frame) == ("b", 9, 10)


def test_confidence_is_the_geometric_mean_of_spikes() -> None:
    tokens = tuple(
        AlignedToken(token, at, at, at, math.log(p), -9.0) for at, (token, p) in enumerate([(2, 0.9), (3, 0.4)])
    )
    [word] = aligned_words(Alignment(tokens, -9.0), CHARACTERS)
    assert word.confidence == pytest.approx(math.sqrt(0.9 * 0.4))
