"""sclite's alternatives: the readings, and the best of them against all combinations scored by jiwer."""

from __future__ import annotations

import itertools

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.metrics.alternatives import best_reading, readings
from lightning_modules.metrics.edits import utterance_edits

OPTION = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2)
PARTS = st.lists(st.sampled_from(["a", "b"]) | st.lists(OPTION, min_size=2, max_size=3), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(PARTS, st.lists(st.sampled_from(["a", "b", "c"]), max_size=6).map(" ".join))
def test_the_best_reading_is_that_of_all_combinations(parts, hypothesis):
    written = " ".join(
        part if isinstance(part, str) else "{ " + " / ".join(" ".join(option) or "@" for option in part) + " }"
        for part in parts
    )
    choices = [[[part]] if isinstance(part, str) else part for part in parts]
    combinations = [" ".join(itertools.chain(*choice)) for choice in itertools.product(*choices)]
    assert readings(written) == combinations
    fewest = min(
        output.substitutions + output.deletions + output.insertions
        for output in (jiwer.process_words([text], [hypothesis]) for text in combinations)
    )
    assert utterance_edits(best_reading(readings(written), hypothesis), hypothesis).words.errors == fewest


@pytest.mark.parametrize("text", ["{ a / b", "a / b }", "{ a }", "{ a / }", "{a/b}", "{ a / { b / c } }", "{ a/b }"])
def test_other_braces_are_refused(text):
    with pytest.raises(ValueError, match=r"allowed: alternatives \{ a / b \}"):
        readings(text)


def test_too_many_readings_are_refused_and_tags_are_words():
    with pytest.raises(ValueError, match="8192 readings, allowed: 4096"):
        readings("{ a / b } " * 13)
    assert readings("a {noise} and/or b") == ["a {noise} and/or b"]
