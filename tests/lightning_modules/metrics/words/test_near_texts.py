"""No part of a held-out text of three words or more is one to train on, whatever the texts are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.metrics.words.near_texts import NEAR, PART_CHARACTERS, PART_WORDS, HeldOutTexts

WORDS = st.lists(st.sampled_from(["a", "to", "fish", "door", "of"]), min_size=1, max_size=7)
TEXTS = st.lists(WORDS, min_size=1, max_size=3)


def distance(one: str, other: str) -> int:
    """Levenshtein's, by the table of its recursion."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        before, row = row, [place]
        for column, theirs in enumerate(other, start=1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != theirs)))
    return row[-1]


def near(one: list[str], other: list[str]) -> bool:
    left, right = " ".join(one), " ".join(other)
    return distance(left, right) <= NEAR * max(len(left), len(right)) + 1e-9


def parts(words: list[str], length: int) -> list[list[str]]:
    return [words[start : start + length] for start in range(len(words) - length + 1)]


@settings(max_examples=60, deadline=None)
@given(held_out=TEXTS, words=WORDS)
def test_as_the_definition_says(held_out: list[list[str]], words: list[str]) -> None:
    whole = any(near(words, text) for text in held_out)
    part = len(words) >= PART_WORDS and any(
        near(words, piece) for text in held_out for piece in parts(text, len(words)) if len(text) > len(words)
    )
    around = any(
        near(piece, text)
        for text in held_out
        if PART_WORDS <= len(text) < len(words)
        for piece in parts(words, len(text))
    )
    why = HeldOutTexts([" ".join(text) for text in held_out]).why_not(" ".join(words))
    assert (why is not None) == (whole or part or around)


@given(held_out=TEXTS, data=st.data())
def test_a_part_is_never_let_in(held_out: list[list[str]], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(held_out))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    why = HeldOutTexts([" ".join(text) for text in held_out]).why_not(" ".join(text[start:end]))
    assert why is not None or end - start < PART_WORDS


UNSPACED = st.text(alphabet="請稍等正在為您轉接電話", min_size=1, max_size=20)


@given(held_out=st.lists(UNSPACED, min_size=1, max_size=3), data=st.data())
def test_a_part_of_a_text_without_spaces_is_never_let_in(held_out: list[str], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(held_out))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    space = data.draw(st.integers(start, end))  # where a comma was
    part = f"{text[start:space]} {text[space:end]}".strip()
    assert HeldOutTexts(held_out).why_not(part) is not None or end - start < PART_CHARACTERS
    assert HeldOutTexts([part]).why_not(text) is not None or end - start < PART_CHARACTERS


def test_texts_of_other_words_are_let_in_with_and_without_spaces() -> None:
    assert HeldOutTexts(["hold the line"]).why_not("please press one") is None
    assert HeldOutTexts(["请稍等正在为您转接"]).why_not("今天天气很好我们去公园散步") is None
    assert HeldOutTexts(["请稍等"]).why_not("那么请稍等一下我马上就回来") is None  # three characters stand anywhere
