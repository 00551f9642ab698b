"""Texts near training texts, against the textbook's recurrence over all pairs."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from lightning_modules.metrics.words.training_neighbours import FAR, near_training

TEXTS = st.lists(st.text("ab ", max_size=14), max_size=6)


def edits(one: str, other: str) -> int:
    """Levenshtein's recurrence, row by row."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        above, row = row, [i]
        for j, right in enumerate(other, 1):
            row.append(min(above[j - 1] + (left != right), above[j] + 1, row[j - 1] + 1))
    return row[-1]


def distance(text: str, other: str) -> float:
    if not text:
        return math.inf if other else 0.0
    return edits(text, other) / len(text)


@given(TEXTS, TEXTS)
@example(["a" * 10], ["a" * 7, "a" * 13])  # .3 on both sides is far
@example(["a" * 10], ["a" * 8, "a" * 12])
@example(["", " "], ["a"])
@example(["", "a"], [""])
def test_near_ones_are_those_of_all_pairs(texts: list[str], training: list[str]) -> None:
    found = near_training(texts, training)
    for text, near in zip(texts, found, strict=True):
        least = min((distance(text.strip(), other.strip()) for other in training), default=math.inf)
        assert (near is not None) == (least < FAR)
        if near is not None:
            assert near in {other.strip() for other in training}
            assert distance(text.strip(), near) == least


def test_a_wider_limit_takes_more() -> None:
    assert near_training(["press one now"], ["press nine cows"]) == [None]
    assert near_training(["press one now"], ["press nine cows"], far=0.5) == ["press nine cows"]
