"""Statistics of curves against counting anew at every threshold, on small curves with ties, gaps and overlaps."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.annotations import Event
from lightning_modules.metrics.curves.curve_scores import FIGURES, CurveStatistics
from lightning_modules.metrics.curves.f_scores import best_f1, f1_at, fitted_thresholds
from lightning_modules.metrics.curves.intersection import IntersectionCriterion, intersection_statistics
from lightning_modules.metrics.curves.one_to_one import CollarCriterion, OverlapCriterion, one_to_one_statistics
from lightning_modules.metrics.curves.psds import PSDS1, psds
from lightning_modules.metrics.curves.ranking import average_precision
from lightning_modules.metrics.curves.score_curves import ClipCurves, CurveError, ScoreCurves
from lightning_modules.metrics.curves.scored_clips import ScoredClips
from lightning_modules.metrics.curves.segments import segment_statistics, segments_of
from lightning_modules.metrics.curves.tags import tag_statistics
from lightning_modules.metrics.event_based import score_event_based
from lightning_modules.metrics.segment_based import score_segment_based

CLASSES = ("dog", "cat")


@st.composite
def scored_clips(draw: st.DrawFn) -> ScoredClips:
    """Two classes, few clips, intervals of two lengths, scores of few values, events on a grid that meets the edges."""
    by_clip, reference = {}, {}
    for clip in draw(st.sampled_from((("a",), ("a", "b"), ("a", "b", "c")))):
        lengths = draw(st.lists(st.sampled_from((0.25, 0.5)), max_size=9))
        edges = np.concatenate([[0.0], np.cumsum(lengths)])
        levels = st.sampled_from((-np.inf, 0.1, 0.2, 0.5, 0.7, 0.9))
        rows = draw(st.lists(st.tuples(levels, levels), min_size=len(lengths), max_size=len(lengths)))
        by_clip[clip] = ClipCurves(edges, np.array(rows, dtype=np.float64).reshape(-1, 2))
        events = st.builds(
            lambda onset, length, label: Event(onset / 8, (onset + length) / 8, label),
            st.integers(0, 30), st.integers(1, 14), st.sampled_from(CLASSES),
        )  # fmt: skip
        reference[clip] = draw(st.lists(events, max_size=5))
    return ScoredClips(ScoreCurves(CLASSES, by_clip), reference)


def events_above(scored, threshold):
    """The longest stretches of scores above the threshold, by clip."""
    found = {}
    for clip, (edges, scores_TC) in scored.curves.by_clip.items():
        found[clip] = []
        for column, label in enumerate(scored.classes):
            above = [False, *(scores_TC[:, column] > threshold).tolist(), False]
            onset = None
            for t, is_above in enumerate(above):
                if is_above and onset is None:
                    onset = edges[t - 1]
                elif not is_above and onset is not None:
                    found[clip].append(Event(float(onset), float(edges[t - 1]), label))
                    onset = None
    return found


THRESHOLDS = (-1.0, 0.1, 0.15, 0.2, 0.5, 0.6, 0.7, 0.9, 1.0)


def assert_counts(scored, statistics, count):
    """``count(label, true, found, others)`` are one clip's counts of one class."""
    for threshold in THRESHOLDS:
        counts_NCS = statistics.at([threshold] * len(CLASSES))
        detected = events_above(scored, threshold)
        for (n, clip), (c, label) in itertools.product(enumerate(scored.clips), enumerate(CLASSES)):
            true = [e for e in scored.reference[clip] if e.label == label]
            found = [e for e in detected[clip] if e.label == label]
            others = [e for e in scored.reference[clip] if e.label != label]
            expected = count(label, true, found, others)
            assert counts_NCS[n, c, : len(expected)].tolist() == list(expected), (threshold, clip, label)
    for changes in statistics.changes:  # points are the same sums
        scores_J, counts_JS = changes.points()
        for j in range(len(scores_J)):
            below = scores_J[j + 1] if j + 1 < len(scores_J) else -np.inf
            at_NS = changes.at(below, num_clips=len(scored.clips))
            assert at_NS.sum(axis=0).tolist() == counts_JS[j].tolist()


def shared(one, other):
    return max(0.0, min(one.offset_seconds, other.offset_seconds) - max(one.onset_seconds, other.onset_seconds))


@settings(max_examples=60, deadline=None)
@given(scored_clips())
def test_intersection_counts_at_every_threshold(scored):
    def count(label, true, found, others):
        good = [f for f in found if round(sum(shared(f, t) for t in true), 6) >= round(0.5 * f.duration_seconds, 6)]
        hits = sum(round(sum(shared(f, t) for f in good), 6) >= round(0.5 * t.duration_seconds, 6) for t in true)
        bad = [f for f in found if f not in good]
        triggers = sum(sum(shared(f, o) for o in others) >= 0.5 * f.duration_seconds for f in bad)
        return hits, len(bad), *((0, triggers) if label == "dog" else (triggers, 0))

    assert_counts(scored, intersection_statistics(scored, IntersectionCriterion(dtc=0.5, gtc=0.5, cttc=0.5)), count)


def largest(true, found, allowed):
    """Size of the largest one-to-one matching, by trying all."""
    if not true:
        return 0
    best = largest(true[1:], found, allowed)
    for k, candidate in enumerate(found):
        if allowed(true[0], candidate):
            best = max(best, 1 + largest(true[1:], found[:k] + found[k + 1 :], allowed))
    return best


@settings(max_examples=60, deadline=None)
@given(scored_clips(), st.sampled_from((0.3, 0.5, 0.7)))
def test_overlaps_are_matched_one_to_one_at_every_threshold(scored, iou):
    def allowed(true, found):
        union = true.duration_seconds + found.duration_seconds - shared(true, found)
        return round(shared(true, found), 6) >= round(iou * union, 6)

    def count(_, true, found, others):
        hits = largest(true, found, allowed)
        return hits, len(found) - hits

    assert_counts(scored, one_to_one_statistics(scored, OverlapCriterion(iou)), count)


@settings(max_examples=60, deadline=None)
@given(scored_clips(), st.sampled_from((0.25, 0.5, 1.0)))
def test_collars_match_one_to_one_at_every_threshold(scored, collar):
    def allowed(true, found):
        of_offset = max(collar, 0.5 * true.duration_seconds)
        onset, offset = (abs(true[k] - found[k]) for k in (0, 1))
        return round(onset - collar, 6) <= 0 and round(offset - of_offset, 6) <= 0

    def count(_, true, found, others):
        hits = largest(true, found, allowed)
        return hits, len(found) - hits

    assert_counts(scored, one_to_one_statistics(scored, CollarCriterion(collar, 0.5)), count)


@settings(max_examples=60, deadline=None)
@given(scored_clips(), st.sampled_from(THRESHOLDS))
def test_unrounded_collars_and_segments_are_sed_evals_at_a_threshold(scored, threshold):
    found = events_above(scored, threshold)
    collar = f1_at(one_to_one_statistics(scored, CollarCriterion(unrounded=True)), threshold)
    theirs = score_event_based(scored.reference, found, classes=CLASSES)
    np.testing.assert_allclose(collar.by_class, [theirs.by_class[c].f1 for c in CLASSES], atol=1e-12)
    segments = f1_at(segment_statistics(scored, segments_of(scored, 1.0)), threshold)
    theirs = score_segment_based(scored.reference, found, classes=CLASSES)
    np.testing.assert_allclose(segments.by_class, [theirs.by_class[c].f1 for c in CLASSES], atol=1e-12)
    assert segments.micro == pytest.approx(theirs.micro.f1, abs=1e-12, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(scored_clips())
def test_the_overall_segment_error_rate_is_sed_evals(scored):
    found = events_above(scored, 0.5)
    theirs = score_segment_based(scored.reference, found, classes=CLASSES).micro.defined().error_rate
    assert CurveStatistics.of(scored).figure("segment_er") == pytest.approx(theirs, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(scored_clips(), st.data())
def test_a_resample_is_a_weight_a_clip(scored, data):
    weights_N = np.array([data.draw(st.integers(0, 3)) for _ in scored.clips], dtype=np.float64)
    copies = [(clip, k) for clip, w in zip(scored.clips, weights_N, strict=True) for k in range(int(w))]
    if not copies:
        return
    drawn = ScoredClips(
        ScoreCurves(CLASSES, {f"{clip}{k}": scored.curves.by_clip[clip] for clip, k in copies}),
        {f"{clip}{k}": scored.reference[clip] for clip, k in copies},
    )
    weighted = CurveStatistics.of(scored).figures(weights_N)
    repeated = CurveStatistics.of(drawn).figures()
    assert weighted.keys() == FIGURES.keys()
    for name, value in repeated.items():
        assert weighted[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@settings(max_examples=40, deadline=None)
@given(scored_clips())
def test_no_threshold_beats_the_best(scored):
    statistics = one_to_one_statistics(scored, CollarCriterion())
    best = best_f1(statistics)
    np.testing.assert_allclose(best.by_class, f1_at(statistics, best.thresholds_C).by_class)
    for threshold in THRESHOLDS:
        at = f1_at(statistics, threshold).by_class
        assert (np.isnan(at) | (at <= best.by_class + 1e-12)).all()
    fitted = fitted_thresholds(statistics)
    assert (fitted[statistics.num_reference_C() == 0] == 0.5).all()


def made(scores, events, *, hop=1.0, classes=("dog",)):
    scores_TC = np.array(scores, dtype=np.float64).reshape(len(scores), -1)
    curves = ScoreCurves(classes, {"a": ClipCurves(np.arange(len(scores_TC) + 1) * hop, scores_TC)})
    return ScoredClips(curves, {"a": events})


def test_psds_by_hand():
    """One hour: the event is found below 0.9 without a false positive, a false positive comes below 0.5."""
    scored = made([0.9, 0.1, 0.5, 0.1], [Event(0, 900, "dog")], hop=900.0)
    found = psds(intersection_statistics(scored, PSDS1.criterion), PSDS1)
    assert (found.value, found.without_st) == (1.0, 1.0)
    late = made([0.5, 0.1, 0.9, 0.1], [Event(0, 900, "dog")], hop=900.0)
    assert psds(intersection_statistics(late, PSDS1.criterion), PSDS1).value == pytest.approx(0.99)  # from 1 an hour on


def test_psds_of_unsteady_classes_and_of_absent_ones():
    both = [[0.9, 0.1], [0.1, 0.1], [0.1, 0.1]]
    events = [Event(0, 1200, "dog"), Event(0, 1200, "cat")]
    scored = made(both, events, hop=1200.0, classes=CLASSES)
    found = psds(intersection_statistics(scored, PSDS1.criterion), PSDS1)
    assert found.without_st == pytest.approx(0.5)
    assert found.value == pytest.approx(0.0)  # mean .5 less deviation .5
    without_cat = made(both, events[:1], hop=1200.0, classes=CLASSES)
    found = psds(intersection_statistics(without_cat, PSDS1.criterion), PSDS1)
    assert found.value == 1.0
    assert np.isnan(found.by_class[1])
    assert np.isnan(psds(intersection_statistics(made([0.5], []), PSDS1.criterion), PSDS1).value)


def test_average_precision_by_hand():
    scored = made([0.9, 0.1, 0.8, 0.1, 0.7], [Event(0, 1, "dog"), Event(4, 5, "dog")])
    ap = average_precision(one_to_one_statistics(scored, OverlapCriterion(0.5)), interpolated=True)
    assert ap.tolist() == [pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)]
    tags = tag_statistics(made([0.9, 0.3], [Event(0, 1, "dog")]))
    assert average_precision(tags).tolist() == [1.0]


def test_curves_that_cannot_be_scored_are_refused_with_their_clip():
    row = np.array([[0.5], [0.5]])
    for edges, scores, said in (
        ([0.0, 1.0, 1.0], row, "clip a: edge 1.0 after 1.0 s"),
        ([0.0, 1.0], row, r"clip a: scores of shape \(2, 1\) with 2 edges"),
        ([0.0, 1.0, 2.0], np.array([[0.5], [np.nan]]), "clip a: score nan of class dog at 1.0 s"),
    ):
        with pytest.raises(CurveError, match=said):
            ScoreCurves(("dog",), {"a": ClipCurves(np.array(edges), scores)})
    curves = ScoreCurves(("dog",), {"a": ClipCurves(np.array([0.0, 1.0]), np.array([[0.5]]))})
    for reference, said in (
        ({"a": [], "b": []}, "1 clips of the reference have no curves: b"),
        ({}, "1 clips of the curves have no reference: a"),
        ({"a": [Event(0, 1, "cow")]}, "clip a: event of class 'cow', allowed: the curves' dog"),
        ({"a": [Event(1, 1, "dog")]}, "clip a: event of dog from 1 to 1 s"),
    ):
        with pytest.raises(CurveError, match=said):
            ScoredClips(curves, reference)
