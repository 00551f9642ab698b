"""Segment-based F1 and error rate: is a class active in each second, right or wrong?

sed_eval's figures: an event makes every segment active that it touches; a clip is scored up to the last offset of
reference and estimates (sed_eval's default; silence after it would only add true negatives, which neither F1 nor error
rate counts). Differs from sed_eval's default in the empty-class policy of ``event_scores.py``: sed_eval's segment class
has ``zero_score`` handling but no constructor argument for it, so the attribute is set.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event
from lightning_modules.metrics.event_scores import EventScores, add_counts, read_scores, select_scored
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
        _add_clip(metrics, events, lists.estimated[clip], lists.classes)
    with warnings.catch_warnings():  # numpy's "mean of empty slice", where no class has a reference event
        warnings.simplefilter("ignore", RuntimeWarning)
        return read_scores(metrics.results(), lists.classes)


def _add_clip(
    metrics: SegmentBasedMetrics, reference: Sequence[Event], estimated: Sequence[Event], classes: Sequence[str]
) -> None:
    """Count one clip's segments as sed_eval does, which walks through them in Python."""
    labels = sorted({event.label for event in (*reference, *estimated)})
    latest = max((event.offset_seconds for event in (*reference, *estimated)), default=0.0)
    num_segments = math.ceil(latest / metrics.time_resolution)
    true_SL = _roll(reference, labels, num_segments, metrics.time_resolution)
    found_SL = _roll(estimated, labels, num_segments, metrics.time_resolution)
    right_SL = true_SL & found_SL
    true_S, found_S, right_S = (int_SL.sum(axis=1) for int_SL in (true_SL, found_SL, right_SL))
    add_counts(
        metrics.overall,
        int(right_S.sum()),
        int(true_S.sum()),
        int(found_S.sum()),
        S=int((np.minimum(true_S, found_S) - right_S).sum()),
        D=int(np.maximum(0, true_S - found_S).sum()),
        I=int(np.maximum(0, found_S - true_S).sum()),
    )
    for column, label in enumerate(labels):
        counts = (int(roll_SL[:, column].sum()) for roll_SL in (right_SL, true_SL, found_SL))
        add_counts(metrics.class_wise[str(classes.index(label))], *counts)


def _roll(events: Sequence[Event], labels: Sequence[str], num_segments: int, seconds: float) -> NDArray[np.bool_]:
    """Which classes are active in which segments, (S, L)."""
    columns = {label: column for column, label in enumerate(labels)}
    roll_SL = np.zeros((num_segments, len(labels)), dtype=np.bool_)
    for event in events:
        first, past = math.floor(event.onset_seconds / seconds), math.ceil(event.offset_seconds / seconds)
        roll_SL[first:past, columns[event.label]] = True
    return roll_SL
