"""Segment-based F1 and error rate: is a class active in each second, right or wrong?

Through sed_eval: an event makes every segment active that it touches; a clip is scored up to the last offset of
reference and estimates (sed_eval's default; silence after it would only add true negatives, which neither F1 nor error
rate counts). Differs from sed_eval's default in the empty-class policy of ``event_scores.py``: sed_eval's segment class
has ``zero_score`` handling but no constructor argument for it, so the attribute is set.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from datamodules.annotations import Event
from lightning_modules.metrics.event_scores import EventScores, read_scores, sed_eval_events, select_scored
from lightning_modules.metrics.quiet_sed_eval import SegmentBasedMetrics


def score_segment_based(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    *,
    classes: Sequence[str] | None = None,
    segment_seconds: float = 1.0,
) -> EventScores:
    """Score the files that ``reference`` lists, equal to ``sed_eval.sound_event.SegmentBasedMetrics``.

    Counts in the result are (class, segment) pairs. ``ValueError`` unless ``segment_seconds`` is positive.

    >>> scores = score_segment_based({"a.wav": [Event(0.5, 2.0, "dog")]}, {"a.wav": [Event(1.0, 3.0, "dog")]})
    >>> scores.micro.f1, scores.micro.error_rate  # segments 0 and 1 against 1 and 2
    (0.5, 1.0)
    """
    lists = select_scored(reference, estimated, classes=classes)
    metrics = SegmentBasedMetrics(
        event_label_list=[str(index) for index in range(len(lists.classes))], time_resolution=float(segment_seconds)
    )
    metrics.empty_system_output_handling = "zero_score"
    for clip, events in lists.reference.items():
        metrics.evaluate(
            reference_event_list=sed_eval_events(events, lists.classes),
            estimated_event_list=sed_eval_events(lists.estimated[clip], lists.classes),
        )
    with warnings.catch_warnings():  # numpy's "mean of empty slice", where no class has a reference event
        warnings.simplefilter("ignore", RuntimeWarning)
        return read_scores(metrics.results(), lists.classes)
