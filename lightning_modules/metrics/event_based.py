"""Event-based F1 and error rate: an estimated event is right if both its ends are.

sed_eval's figures: onset within a collar (200 ms), offset within ``max(collar, 20 % of the reference event's length)``,
optimal (bipartite) matching. Counts are those of ``event_matching.py``, as sed_eval's own loops take minutes for
thousands of events in a clip; rates are computed by sed_eval from them. Policy for empty classes and files:
``event_scores.py``.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

from datamodules.annotations import Event
from lightning_modules.metrics.event_matching import count_substitutions, match_events
from lightning_modules.metrics.event_scores import EventScores, add_counts, read_scores, select_scored
from lightning_modules.metrics.quiet_sed_eval import EventBasedMetrics


def score_event_based(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    *,
    classes: Sequence[str] | None = None,
    collar_seconds: float = 0.2,
    offset_fraction: float = 0.2,
) -> EventScores:
    """Score the files that ``reference`` lists, equal to ``sed_eval.sound_event.EventBasedMetrics``.

    ``collar_seconds`` must be positive and ``offset_fraction`` (of the reference event's length) in [0, 1]:
    ``ValueError`` otherwise.

    >>> reference = {"a.wav": [Event(1.0, 2.0, "dog"), Event(0.0, 9.0, "rain")], "b.wav": []}
    >>> scores = score_event_based(reference, {"a.wav": [Event(1.1, 2.1, "dog")], "b.wav": [Event(3.0, 4.0, "dog")]})
    >>> round(scores.by_class["dog"].f1, 4), scores.by_class["rain"].f1, round(scores.macro.f1, 4)
    (0.6667, 0.0, 0.3333)
    """
    lists = select_scored(reference, estimated, classes=classes)
    metrics = EventBasedMetrics(
        event_label_list=[str(index) for index in range(len(lists.classes))],
        t_collar=float(collar_seconds),
        percentage_of_length=float(offset_fraction),
        event_matching_type="optimal",
        empty_system_output_handling="zero_score",
    )
    collars = {"collar_seconds": float(collar_seconds), "offset_fraction": float(offset_fraction)}
    for clip, true in lists.reference.items():
        found = lists.estimated[clip]
        matching = match_events(true, found, **collars)
        right = Counter(true[i].label for i, _ in matching)
        substituted = count_substitutions(true, found, matching, **collars)
        add_counts(metrics.overall, right.total(), len(true), len(found), Nsubs=substituted)
        true_counts, found_counts = Counter(e.label for e in true), Counter(e.label for e in found)
        for index, label in enumerate(lists.classes):
            add_counts(metrics.class_wise[str(index)], right[label], true_counts[label], found_counts[label])
    with warnings.catch_warnings():  # numpy's "mean of empty slice", where no class has a reference event
        warnings.simplefilter("ignore", RuntimeWarning)
        return read_scores(metrics.results(), lists.classes)
