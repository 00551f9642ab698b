"""Counts by clip, utterance and sentence: summed, they are what jiwer, sed_eval and the runs' own summaries say."""

from __future__ import annotations

import math

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.annotations import ClipReferences, Event
from experiments.stored_results.stored_scores import Sentence, Utterance
from experiments.stored_results.unit_counts import (
    constant_counts,
    event_counts,
    sentence_counts,
    tag_counts,
    text_counts,
)
from lightning_modules.lm.perplexity import SentenceCost, perplexities
from lightning_modules.metrics.summary import summarise
from lightning_modules.metrics.tag_sets import score_tags

CLASSES = ("cat", "dog", "rain")
TEXTS = st.lists(st.tuples(st.sampled_from(["a b", "b", "a b c d", "c c"]), st.text("abc ", max_size=6)), min_size=2)
EVENTS = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 40), st.sampled_from(CLASSES)).map(
        lambda at: Event(at[0] / 10, (at[0] + at[1]) / 10, at[2])
    ),
    max_size=5,
)
CLIPS = st.lists(st.tuples(EVENTS, EVENTS), min_size=1, max_size=4)


def references(events: dict[str, tuple[Event, ...]]) -> ClipReferences:
    tags = {clip: frozenset(event.label for event in of) for clip, of in events.items()}
    return ClipReferences(CLASSES, 16000, tags, events, dict.fromkeys(events, 12.0), lambda _: np.zeros(1, np.float32))


def test_a_part_has_its_own_utterances_alone() -> None:
    """A test over two utterances must not believe that it is over ten."""
    texts = [Utterance(str(k), "en", f"s{k}", " ".join(["word"] * (30 if k < 2 else 3)), "word") for k in range(10)]
    counts = text_counts(texts)
    assert (counts["test/wer_over_20_words"].ids, counts["test/wer_over_20_words"].speakers) == (
        ("0", "1"),
        ("s0", "s1"),
    )
    assert len(counts["test/cer_up_to_5_words"].ids) == 8
    assert len(counts["test/wer"].ids) == 10


@given(TEXTS)
@settings(max_examples=50)
def test_text_rates_are_jiwers(pairs: list[tuple[str, str]]) -> None:
    said, written = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    counts = text_counts([Utterance(str(k), "en", "s", *pair) for k, pair in enumerate(pairs)])
    assert counts["test/wer"].value() == pytest.approx(jiwer.wer(said, written))
    assert counts["test/cer"].value() == pytest.approx(jiwer.cer(said, written))
    kinds = sum(counts[f"test/{kind}"].value() for kind in ("substitutions", "deletions", "insertions"))
    assert kinds == pytest.approx(counts["test/wer"].value())


def test_rates_by_length_and_language_are_those_of_the_runs_report() -> None:
    from lightning_modules.asr.scoring import text_report
    from lightning_modules.metrics.text_scores import score_texts

    said = {str(k): " ".join(["word"] * k) for k in (0, 1, 5, 6, 10, 11, 20, 21, 30)}
    written = {name: text.replace("word", "ward", 2) for name, text in said.items()}
    counts = text_counts(
        [Utterance(name, "pt-BR" if name < "2" else "a b", "s", said[name], written[name]) for name in said]
    )
    own = score_texts(said, written)
    for group, part in own.by_group(text_report._lengths(own)).items():
        assert counts[f"test/wer_{group}"].value() == pytest.approx(part.total.words.rate)
        assert counts[f"test/cer_{group}"].value() == pytest.approx(part.total.characters.rate)
    ours = {"wer": counts["test/wer_pt-BR"].value(), "cer": counts["test/cer_a_b"].value()}
    groups = own.by_group({name: "pt" if name < "2" else "a" for name in said})
    assert ours == pytest.approx({"wer": groups["pt"].total.words.rate, "cer": groups["a"].total.characters.rate})


def test_rates_near_and_far_from_training_texts_are_of_these_utterances_alone() -> None:
    written = [
        ("a b", "a c", "near_training"),
        ("c d", "c d", "far_from_training"),
        ("e f", "x y", "far_from_training"),
    ]
    utterances = [Utterance(str(k), "en", "s", *of) for k, of in enumerate(written)]
    counts = text_counts(utterances)
    rates = {name: counts[f"test/{name}"].value() for name in ("wer_near_training", "wer_far_from_training")}
    assert rates == {"wer_near_training": 0.5, "wer_far_from_training": 0.5}
    assert counts["test/cer_far_from_training"].value() == pytest.approx(2 / 6)
    before = text_counts([item._replace(training_text="") for item in utterances])
    assert counts.keys() - before.keys() == {
        f"test/{rate}_{part}" for rate in ("wer", "cer") for part in ("near_training", "far_from_training")
    }


def test_a_constant_has_one_text_for_each_rate() -> None:
    utterances = [Utterance("a", "en", "s", "x y", ""), Utterance("b", "en", "t", "x", "")]
    counts = constant_counts(utterances, {"wer": "x", "cer": "y"})
    assert counts["test/wer"].value() == pytest.approx(1 / 3)
    assert counts["test/cer"].value() == pytest.approx(jiwer.cer(["x y", "x"], ["y", "y"]))
    assert counts["test/wer"].speakers == ("s", "t")


def test_perplexities_are_the_runs_own() -> None:
    costs = [SentenceCost(str(k), "en", text, 7.0 * k + 3, 0.5, 4, 0) for k, text in enumerate(["a b", "abc", "d"])]
    counts = sentence_counts([Sentence(cost.text_id, cost.text, cost.nats, len(cost.text) + 1) for cost in costs])
    own = perplexities(costs)
    for unit in ("character", "word"):
        assert counts[f"test/perplexity_per_{unit}"].value() == pytest.approx(own[f"perplexity_per_{unit}"])


@given(CLIPS)
@settings(max_examples=40)
def test_event_and_segment_figures_are_sed_evals(clips: list[tuple[list[Event], list[Event]]]) -> None:
    true = {str(k): tuple(sorted(of[0])) for k, of in enumerate(clips)}
    found = {str(k): tuple(sorted(of[1])) for k, of in enumerate(clips)}
    counts = event_counts(references(true), found)
    summary = summarise(true, found, classes=CLASSES)
    for kind, scores in (("event", summary.event_based), ("segment", summary.segment_based)):
        assert counts[f"test/{kind}_f1_macro"].value() == pytest.approx(scores.macro.f1, nan_ok=True)
        if scores.micro.num_reference:
            assert counts[f"test/{kind}_f1_micro"].value() == pytest.approx(scores.micro.f1)
            assert counts[f"test/{kind}_er"].value() == pytest.approx(scores.micro.error_rate)
    for group, by_duration in summary.by_duration.items():
        assert counts[f"test/event_f1_{group}"].value() == pytest.approx(
            by_duration.micro.f1 if by_duration.micro.num_reference else math.nan, nan_ok=True
        )


@given(CLIPS)
@settings(max_examples=40)
def test_tag_figures_are_the_runs_own(clips: list[tuple[list[Event], list[Event]]]) -> None:
    of = references({str(k): tuple(sorted(pair[0])) for k, pair in enumerate(clips)})
    found = {str(k): frozenset(event.label for event in pair[1]) for k, pair in enumerate(clips)}
    counts, own = tag_counts(of, found), score_tags(of.tags, found, classes=CLASSES)
    assert counts["test/tagging_f1_macro"].value() == pytest.approx(own.f1_macro, nan_ok=True)
    assert counts["test/tagging_f1_micro"].value() == pytest.approx(own.f1_micro, nan_ok=True)
