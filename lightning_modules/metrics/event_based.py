"""Event-based F1 and error rate: an estimated event is right if both its ends are.

Through sed_eval: onset within a collar (200 ms), offset within ``max(collar, 20 % of the reference event's length)``,
optimal (bipartite) matching. Policy for empty classes and files: ``event_scores.py``. ``match_events`` gives the
matching itself, with sed_eval's own conditions, for scores by duration and for choosing post-processing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from datamodules.annotations import Event
from lightning_modules.metrics.event_scores import EventScores, read_scores, sed_eval_events, select_scored
from lightning_modules.metrics.quiet_sed_eval import EventBasedMetrics, bipartite_match


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
    for clip, events in lists.reference.items():
        metrics.evaluate(
            reference_event_list=sed_eval_events(events, lists.classes),
            estimated_event_list=sed_eval_events(lists.estimated[clip], lists.classes),
        )
    with warnings.catch_warnings():  # numpy's "mean of empty slice", where no class has a reference event
        warnings.simplefilter("ignore", RuntimeWarning)
        return read_scores(metrics.results(), lists.classes)


def match_events(
    reference: Sequence[Event],
    estimated: Sequence[Event],
    *,
    collar_seconds: float = 0.2,
    offset_fraction: float = 0.2,
) -> list[tuple[int, int]]:
    """One clip's largest matching as (index in reference, index in estimated), one-to-one, by sed_eval's conditions.

    >>> match_events([Event(1.0, 2.0, "dog"), Event(1.3, 2.3, "dog")], [Event(1.2, 2.2, "dog"), Event(0.9, 1.9, "dog")])
    [(0, 1), (1, 0)]
    """
    as_dicts = [{"onset": e.onset_seconds, "offset": e.offset_seconds} for e in (*reference, *estimated)]
    candidates: dict[int, list[int]] = {}
    for i, true in enumerate(reference):
        for j, found in enumerate(estimated):
            if true.label != found.label:
                continue
            pair = (as_dicts[i], as_dicts[len(reference) + j])
            if EventBasedMetrics.validate_onset(*pair, collar_seconds) and EventBasedMetrics.validate_offset(
                *pair, collar_seconds, offset_fraction
            ):
                candidates.setdefault(j, []).append(i)
    return sorted(bipartite_match(candidates).items())
