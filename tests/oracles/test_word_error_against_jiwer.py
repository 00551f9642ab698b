"""Edits, rates and alignments equal jiwer's on texts of any characters, blanks and lengths."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.metrics.edits import align, characters, count_edits, words
from lightning_modules.metrics.word_error import WordError

FEW_WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ça", "шум", ""]), max_size=40).map(" ".join)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text("ab \t\n\xa0", max_size=30)
PAIRS = st.lists(st.tuples(FEW_WORDS | ANY_TEXT, FEW_WORDS | ANY_TEXT), min_size=1, max_size=6)


def counts(output):
    return {name: getattr(output, name) for name in ("hits", "substitutions", "deletions", "insertions")}


@settings(max_examples=120, deadline=None)
@given(PAIRS)
def test_counts_and_alignments_are_jiwers(pairs):
    references, hypotheses = (list(texts) for texts in zip(*pairs, strict=True))
    for pieces, output in (
        (words, jiwer.process_words(references, hypotheses)),
        (characters, jiwer.process_characters(references, hypotheses)),
    ):
        ours = [count_edits(pieces(r), pieces(h)) for r, h in pairs]
        total = sum(ours[1:], ours[0])
        assert counts(total) == counts(output)
        for row, (reference, hypothesis) in enumerate(pairs):
            theirs = []
            for chunk in output.alignments[row]:
                left = output.references[row][chunk.ref_start_idx : chunk.ref_end_idx]
                right = output.hypotheses[row][chunk.hyp_start_idx : chunk.hyp_end_idx]
                width = max(len(left), len(right))
                theirs += zip(left or [None] * width, right or [None] * width, strict=True)
            assert align(pieces(reference), pieces(hypothesis)) == theirs


@settings(max_examples=120, deadline=None)
@given(PAIRS, st.integers(1, 6))
def test_the_metric_equals_jiwer_to_the_last_digit_whatever_the_batches(pairs, batch_size):
    references, hypotheses = (list(texts) for texts in zip(*pairs, strict=True))
    metric = WordError()
    for start in range(0, len(pairs), batch_size):
        metric.update(references[start : start + batch_size], hypotheses[start : start + batch_size])
    computed = metric.compute()
    if any(map(words, references)):
        assert computed["wer"] == jiwer.wer(references, hypotheses)
    if any(map(characters, references)):
        assert computed["cer"] == jiwer.cer(references, hypotheses)


@pytest.mark.parametrize(("hypotheses", "rate"), [(["", "x y"], float("inf")), (["", ""], 0.0)])
def test_where_all_references_are_empty_no_bare_count_is_called_a_rate(hypotheses, rate):
    metric = WordError()
    metric.update(["", " "], hypotheses)
    assert metric.compute() == {"wer": rate, "cer": rate}


def test_insertions_on_an_empty_reference_count_beside_others():
    metric = WordError()
    metric.update(["", "one two"], ["three", "one two"])
    assert metric.compute()["wer"] == jiwer.wer(["", "one two"], ["three", "one two"]) == 0.5


def test_long_texts_whose_alignment_is_found_by_halves_equal_jiwer():
    import random

    rng = random.Random(0)
    reference = " ".join(rng.choices(["a", "b", "c", "dd"], k=3000))
    hypothesis = " ".join(rng.choices(["a", "b", "c", "dd", "e"], k=2700))
    ours = count_edits(words(reference), words(hypothesis))
    assert counts(ours) == counts(jiwer.process_words(reference, hypothesis))


def test_lists_of_unequal_length_and_bare_strings_are_refused():
    with pytest.raises(ValueError, match="got 2 and 1"):
        WordError().update(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="two lists"):
        WordError().update("ab", "ab")  # would be scored character by character
