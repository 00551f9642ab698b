"""Sparse matching against sed_eval's loops: the very matching and substitutions; and what those loops can't do."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sed_eval.sound_event import EventBasedMetrics
from sed_eval.util import bipartite_match

from datamodules.annotations import Event
from experiments.stored_results.unit_counts import event_counts
from lightning_modules.metrics.durations import score_by_duration
from lightning_modules.metrics.event_based import score_event_based
from lightning_modules.metrics.event_matching import count_substitutions, largest_matching, match_events
from lightning_modules.metrics.segment_based import score_segment_based

graphs = st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=6, unique=True), max_size=10)
crowds = st.lists(
    st.builds(
        lambda onset, length, label: Event(onset / 20, (onset + length) / 20, label),
        st.integers(0, 30), st.integers(0, 12), st.sampled_from(("dog", "cat", "rain")),
    ),
    max_size=25,
).map(sorted)  # fmt: skip


@given(graphs)
def test_the_matching_is_the_one_that_sed_eval_finds(graph):
    assert largest_matching(graph) == bipartite_match({left: list(rights) for left, rights in graph.items()})


@settings(deadline=None)
@given(crowds, crowds, st.sampled_from((0.05, 0.2, 0.45)), st.sampled_from((0.0, 0.2, 1.0)))
def test_matching_and_substitutions_of_crowded_clips_are_sed_evals(reference, estimated, collar, fraction):
    def valid(true, found):
        pair = [{"onset": e.onset_seconds, "offset": e.offset_seconds} for e in (true, found)]
        return EventBasedMetrics.validate_onset(*pair, collar) and EventBasedMetrics.validate_offset(
            *pair, collar, fraction
        )

    graph = {}
    for i, true in enumerate(reference):
        for j, found in enumerate(estimated):
            if true.label == found.label and valid(true, found):
                graph.setdefault(j, []).append(i)
    collars = {"collar_seconds": collar, "offset_fraction": fraction}
    matching = match_events(reference, estimated, **collars)
    assert matching == sorted(bipartite_match(graph).items())
    counted = {j for _, j in matching}
    substituted = 0
    for i, true in enumerate(reference):
        for j, found in enumerate(estimated):
            if i not in {i for i, _ in matching} and j not in counted and valid(true, found):
                counted.add(j)
                substituted += 1
                break
    assert count_substitutions(reference, estimated, matching, **collars) == substituted


def many_events(span_seconds, seed=0, count=3000):
    rng = random.Random(seed)
    onsets = [rng.uniform(0, span_seconds) for _ in range(count)]
    true = [Event(onset, onset + rng.uniform(0.1, 2), rng.choice("abcde")) for onset in onsets]
    found = [
        Event(max(0.0, e.onset_seconds + rng.gauss(0, 0.15)), e.offset_seconds + 0.5 + rng.random() / 9, e.label)
        for e in true
    ]
    return true, found


def test_three_thousand_events_of_a_clip_are_scored_in_a_second():
    """sed_eval looks at 9 million pairs, six times over. Spread over an hour, or on top of each other in a minute."""
    for span_seconds in (3600, 60):
        true, found = many_events(span_seconds)
        for score in (score_event_based, score_segment_based, score_by_duration):
            start = time.process_time()
            score({"a": true}, {"a": found})
            assert time.process_time() - start < 1.0, (score.__name__, span_seconds)


def test_counts_of_a_stored_run_are_as_quick():
    from datamodules.annotations import ClipReferences

    true, found = many_events(600)
    references = ClipReferences(
        tuple("abcde"), 16000, {"a": frozenset("abcde")}, {"a": tuple(true)}, {"a": 700.0}, None
    )
    start = time.process_time()
    counts = event_counts(references, {"a": found})
    assert time.process_time() - start < 1.0
    theirs = score_event_based({"a": true}, {"a": found}).micro.error_rate
    assert counts["test/event_er"].value() == pytest.approx(theirs, rel=1e-12)


def test_a_chain_of_two_thousand_overlapping_events_has_no_end_of_recursion():
    """Each estimate fits two events, so that one that comes late moves the partners of all before it."""
    true = [Event(k * 0.3, k * 0.3 + 0.3, "dog") for k in range(2000)]
    found = [Event(k * 0.3 + 0.15, k * 0.3 + 0.45, "dog") for k in range(1999)] + [Event(0.0, 0.3, "dog")]
    assert len(match_events(true, found)) == 2000
