"""Our event scores against sed_eval called as its manual says, on random lists: empty files, overlaps, any order."""

import math
import random
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sed_eval.sound_event import EventBasedMetrics, SegmentBasedMetrics

from datamodules.annotations import Event
from lightning_modules.metrics.durations import score_by_duration
from lightning_modules.metrics.event_based import score_event_based
from lightning_modules.metrics.event_scores import EventScores
from lightning_modules.metrics.segment_based import score_segment_based

LABELS = ("dog", "cat", "none", "rain")  # dcase_util reads "none" as no label at all


@st.composite
def event_lists(draw: st.DrawFn) -> dict[str, list[Event]]:
    """Times on a 0.1 s grid so that collars and overlaps are hit often; in any order; some clips empty or missing."""
    events = st.builds(
        lambda onset, length, label: Event(onset / 10, (onset + length) / 10, label),
        st.integers(0, 60),
        st.integers(0, 40),
        st.sampled_from(LABELS),
    )
    return draw(st.dictionaries(st.sampled_from(("a", "b", "c", "d")), st.lists(events, max_size=7), min_size=1))


def jittered(reference: dict[str, list[Event]], seed: int) -> dict[str, list[Event]]:
    """The reference moved a little, so that matches, near misses and ties are common."""
    rng = random.Random(seed)
    moved = {
        clip: [
            Event(max(0.0, e.onset_seconds + rng.choice((-0.2, -0.1, 0.0, 0.1, 0.3))), e.offset_seconds + 0.4, e.label)
            for e in events
            if rng.random() < 0.8
        ]
        for clip, events in reference.items()
    }
    for events in moved.values():
        rng.shuffle(events)
    return moved


def by_hand(metrics, reference, estimated, labels):
    """sed_eval fed directly; "none" is renamed because dcase_util would drop it."""

    def items(events):
        return [
            {"event_label": "x" + e.label, "onset": e.onset_seconds, "offset": e.offset_seconds, "filename": "f.wav"}
            for e in events
        ]

    for clip in reference:
        metrics.evaluate(items(reference[clip]), items(estimated.get(clip, [])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return metrics.results()


def assert_same(ours: EventScores, theirs, labels) -> None:
    assert list(ours.by_class) == list(labels)
    sections = [(ours.micro, theirs["overall"]), (ours.macro, theirs["class_wise_average"])]
    sections += [(ours.by_class[label], theirs["class_wise"]["x" + label]) for label in labels]
    for rates, result in sections:
        for name in ("f1", "precision", "recall"):
            expected = result["f_measure"].get({"f1": "f_measure"}.get(name, name), math.nan)
            assert getattr(rates, name) == pytest.approx(expected, abs=1e-9, rel=1e-9, nan_ok=True)
        for name in ("error_rate", "deletion_rate", "insertion_rate"):
            expected = result["error_rate"].get(name, math.nan)
            assert getattr(rates, name) == pytest.approx(expected, abs=1e-9, rel=1e-9, nan_ok=True)
    for label in labels:
        count = theirs["class_wise"]["x" + label]["count"]
        assert (ours.by_class[label].num_reference, ours.by_class[label].num_estimated) == (
            count["Nref"],
            count["Nsys"],
        )


def union(reference, estimated):
    return sorted({e.label for clip in reference for e in (*reference[clip], *estimated.get(clip, ()))})


@given(reference=event_lists(), unrelated=event_lists(), seed=st.integers(0, 10**6), related=st.booleans())
def test_event_based_scores_equal_sed_eval(reference, unrelated, seed, related):
    estimated = jittered(reference, seed) if related else unrelated
    labels = union(reference, estimated)
    metrics = EventBasedMetrics(
        event_label_list=["x" + label for label in labels],
        t_collar=0.2,
        percentage_of_length=0.2,
        event_matching_type="optimal",
        empty_system_output_handling="zero_score",
    )
    assert_same(score_event_based(reference, estimated), by_hand(metrics, reference, estimated, labels), labels)


@given(reference=event_lists(), estimated=event_lists(), segment_seconds=st.sampled_from((1.0, 0.5, 0.1)))
def test_segment_based_scores_equal_sed_eval(reference, estimated, segment_seconds):
    labels = union(reference, estimated)
    metrics = SegmentBasedMetrics(event_label_list=["x" + label for label in labels], time_resolution=segment_seconds)
    metrics.empty_system_output_handling = "zero_score"
    ours = score_segment_based(reference, estimated, segment_seconds=segment_seconds)
    assert_same(ours, by_hand(metrics, reference, estimated, labels), labels)


@given(reference=event_lists(), seed=st.integers(0, 10**6))
def test_counts_by_duration_add_up_to_sed_eval(reference, seed):
    estimated = jittered(reference, seed)
    groups = score_by_duration(reference, estimated, short_below_seconds=1.0)
    for label, rates in score_event_based(reference, estimated).by_class.items():
        counts = groups["short"].by_class[label] + groups["long"].by_class[label]
        assert (counts.num_reference, counts.num_estimated) == (rates.num_reference, rates.num_estimated)
        assert counts.num_found == counts.num_right
        assert counts.recall == pytest.approx(rates.recall, abs=1e-12, nan_ok=True)
        assert counts.precision == pytest.approx(rates.precision, abs=1e-12)
        assert counts.f1 == pytest.approx(rates.f1, abs=1e-12, nan_ok=True)


@given(reference=event_lists(), estimated=event_lists())
def test_given_classes_keep_only_their_events(reference, estimated):
    classes = ("rain", "dog", "never")
    only = [{c: [e for e in events if e.label in classes] for c, events in x.items()} for x in (reference, estimated)]
    metrics = EventBasedMetrics(
        event_label_list=["x" + label for label in classes],
        t_collar=0.1,
        percentage_of_length=0.5,
        empty_system_output_handling="zero_score",
    )
    ours = score_event_based(reference, estimated, classes=classes, collar_seconds=0.1, offset_fraction=0.5)
    assert_same(ours, by_hand(metrics, *only, classes), classes)
