"""Hand-computed cases: the empty-class policy, durations, tagging, co-activation. sed_eval itself: tests/oracles."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from lightning_modules.metrics.coactivation import coactivation
from lightning_modules.metrics.durations import score_by_duration
from lightning_modules.metrics.event_based import score_event_based
from lightning_modules.metrics.event_scores import select_scored
from lightning_modules.metrics.segment_based import score_segment_based
from lightning_modules.metrics.summary import summarise
from lightning_modules.metrics.tag_sets import score_tags
from lightning_modules.metrics.tagging import TaggingF1


def test_a_class_never_predicted_counts_zero_and_one_never_in_the_reference_leaves_the_mean():
    reference = {"a": [Event(0, 1, "dog"), Event(3, 4, "cat")], "empty": []}
    estimated = {"a": [Event(0, 1, "dog"), Event(5, 6, "bird")], "empty": [Event(0, 1, "bird")]}
    for score in (score_event_based, score_segment_based):
        scores = score(reference, estimated, classes=("dog", "cat", "bird", "nothing"))
        assert scores.by_class["dog"].f1 == 1.0
        assert scores.by_class["cat"].f1 == 0.0
        assert math.isnan(scores.by_class["bird"].f1)
        assert math.isnan(scores.by_class["nothing"].f1)
        assert scores.macro.f1 == 0.5
        assert scores.micro.precision == pytest.approx(1 / 3)  # false alarms cost micro F1, in the empty file too
        assert scores.micro.recall == 0.5


def test_no_event_anywhere_is_undefined_not_an_error():
    for score in (score_event_based, score_segment_based):
        scores = score({"a": [], "b": []}, {})
        assert math.isnan(scores.macro.f1)
        assert math.isnan(scores.micro.f1)
        assert scores.by_class == {}
    summary = summarise({"a": []}, {}).as_json()
    assert summary["event_based"]["macro"]["f1"] is None
    assert summary["counts"]["event_free_files"] == 1


def test_what_is_not_scored_is_counted_and_named():
    lists = select_scored(
        {"a": [Event(0, 1, "dog"), Event(0.5, 2, "dog")], "b": []},
        {"a": [Event(1, 2, "cat")], "z": [Event(0, 1, "dog")]},
        classes=("dog",),
    )
    assert lists.unknown_files == ("z",)
    assert lists.num_event_free_files == 1
    warnings = "\n".join(lists.warnings())
    assert "1 estimated files are not in the reference and not scored: z" in warnings
    assert "1 events are outside the given classes" in warnings
    assert "1 reference events overlap" in warnings


def test_offsets_compare_unrounded_as_in_sed_eval():
    # 2.2 - 2.0 > 0.2 by 2e-16: sed_eval's answer, kept so that figures can be compared.
    scores = score_event_based({"a": [Event(1.0, 2.0, "dog")]}, {"a": [Event(1.2, 2.2, "dog")]})
    assert scores.micro.f1 == 0.0


def test_reference_length_decides_for_recall_and_estimated_length_for_precision():
    reference = {"a": [Event(0, 0.95, "dog"), Event(2, 2.5, "dog"), Event(4, 9, "dog")]}
    estimated = {"a": [Event(0.1, 1.1, "dog"), Event(4, 8.5, "dog"), Event(9, 9.3, "dog"), Event(2.8, 3.0, "dog")]}
    scores = score_by_duration(reference, estimated)
    short, long = scores["short"].micro, scores["long"].micro
    assert (short.num_reference, short.num_found, short.num_estimated, short.num_right) == (2, 1, 2, 0)
    assert (long.num_reference, long.num_found, long.num_estimated, long.num_right) == (1, 1, 2, 2)
    assert (short.recall, short.precision, short.f1) == (0.5, 0.0, 0.0)
    assert (long.recall, long.precision, long.f1) == (1.0, 1.0, 1.0)


def test_an_event_of_exactly_the_limit_is_long():
    scores = score_by_duration({"a": [Event(0, 1, "dog")]}, {}, short_below_seconds=1.0)
    assert scores["long"].micro.num_reference == 1
    assert math.isnan(scores["short"].micro.recall)


def test_coactivation_by_hand():
    curves_TC = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], dtype=np.float32)
    assert coactivation([(curves_TC, np.array([0, 1]))]) == pytest.approx(1 / math.sqrt(2))
    assert coactivation([(curves_TC, np.array([0, 2]))]) == 0.0  # an all-zero curve
    same = (np.full((5, 2), 0.3, dtype=np.float32), np.array([0, 1]))
    assert coactivation([same, (curves_TC, np.array([0]))]) == pytest.approx(1.0)  # one tag: no pair
    assert math.isnan(coactivation([(curves_TC, np.array([3]))]))


def test_tag_scores_leave_out_classes_that_nobody_named():
    scores = score_tags({"a": {"dog"}, "b": set()}, {"a": {"dog"}, "b": {"cat"}}, classes=("dog", "cat", "bird"))
    assert scores.f1_macro == 0.5  # dog 1, cat 0, bird undefined
    assert scores.f1_micro == pytest.approx(2 / 3)
    assert math.isnan(scores.by_class["bird"].f1)


clips = st.lists(st.tuples(*[st.tuples(st.floats(0, 1, width=32), st.booleans())] * 3), min_size=1, max_size=12)


@given(clips=clips, cut=st.integers(0, 12))
def test_training_metric_equals_the_scores_of_sets_however_clips_are_shared_out(clips, cut):
    probabilities_BC = torch.tensor([[p for p, _ in clip] for clip in clips])
    tags_BC = torch.tensor([[float(tag) for _, tag in clip] for clip in clips])
    first, second = TaggingF1(num_classes=3), TaggingF1(num_classes=3)  # two processes
    first.update(probabilities_BC[:cut], tags_BC[:cut])
    second.update(probabilities_BC[cut:], tags_BC[cut:])
    for name in ("true_positives_C", "false_positives_C", "false_negatives_C"):
        setattr(first, name, getattr(first, name) + getattr(second, name))
    computed = first.compute()
    labels = ("x", "y", "z")
    true = {str(i): {c for c, (_, tag) in zip(labels, clip, strict=True) if tag} for i, clip in enumerate(clips)}
    found = {str(i): {c for c, (p, _) in zip(labels, clip, strict=True) if p >= 0.5} for i, clip in enumerate(clips)}
    scores = score_tags(true, found, classes=labels)
    expected = [0.0 if math.isnan(f1) else f1 for f1 in (scores.f1_macro, scores.f1_micro)]
    assert [computed["macro"].item(), computed["micro"].item()] == pytest.approx(expected, abs=1e-6)
