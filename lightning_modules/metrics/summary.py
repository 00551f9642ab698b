"""All scores of a detection system's output on one list of files, and their JSON form.

What ``earmark score events`` prints and what a run keeps as ``scores.json``: event-based, segment-based, by duration
and tagging scores, the settings and the policy that they follow, counts, and warnings. Rates are 0-1; an undefined
rate is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from datamodules.annotations import Event
from lightning_modules.metrics.durations import DurationCounts, DurationScores, score_by_duration
from lightning_modules.metrics.event_based import score_event_based
from lightning_modules.metrics.event_scores import EventScores, ScoredLists, select_scored
from lightning_modules.metrics.segment_based import score_segment_based
from lightning_modules.metrics.tag_sets import TaggingScores, score_tags

POLICY = (
    "sed_eval with zero_score and optimal matching; files: those of the reference; classes: those given, else the union"
    " of both lists; a class without estimates counts 0 in the macro mean, one without reference events leaves it;"
    " segments reach to the last offset of a file; an event is short below short_below_seconds, by its own length in"
    " the reference for recall and in the estimate for precision; error rates are errors per reference event, null"
    " without one: quote the micro one (sed_eval's overall), beside the F1 of your choice; the macro mean weighs false"
    " alarms of rare classes without bound"
)


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """Tolerances, in seconds but for the fraction of the reference event's length."""

    collar_seconds: float = 0.2
    offset_fraction: float = 0.2
    segment_seconds: float = 1.0
    short_below_seconds: float = 1.0


@dataclass(frozen=True)
class DetectionSummary:
    """Every score of one estimate against one reference."""

    settings: ScoreSettings
    lists: ScoredLists
    event_based: EventScores
    segment_based: EventScores
    by_duration: dict[str, DurationScores]
    tagging: TaggingScores

    def as_json(self) -> dict[str, Any]:
        """Nested dictionaries of plain types, NaN as None."""
        lists = self.lists
        event_based = _event_scores(self.event_based)
        event_based["by_duration"] = {name: _duration_scores(scores) for name, scores in self.by_duration.items()}
        tags_by_class = self.tagging.by_class.items()
        summary = {
            "event_based": event_based,
            "segment_based": _event_scores(self.segment_based),
            "tagging": {
                "macro": {"f1": self.tagging.f1_macro},
                "micro": {"f1": self.tagging.f1_micro},
                "by_class": {c: {**asdict(s), **_rates(s)} for c, s in tags_by_class},
            },
            "counts": {
                "files": len(lists.reference),
                "event_free_files": lists.num_event_free_files,
                "unknown_files": len(lists.unknown_files),
                "reference_events": self.event_based.micro.num_reference,
                "estimated_events": self.event_based.micro.num_estimated,
                "events_of_other_classes": lists.num_other_class_events,
                "overlaps": lists.num_overlaps,
            },
            "classes": list(lists.classes),
            "settings": asdict(self.settings),
            "policy": POLICY,
            "warnings": lists.warnings(),
        }
        return {key: _without_nan(value) for key, value in summary.items()}


def summarise(
    reference: Mapping[str, Sequence[Event]],
    estimated: Mapping[str, Sequence[Event]],
    *,
    reference_tags: Mapping[str, Set[str]] | None = None,
    estimated_tags: Mapping[str, Set[str]] | None = None,
    classes: Sequence[str] | None = None,
    settings: ScoreSettings | None = None,
) -> DetectionSummary:
    """Score the files that ``reference`` lists. Tags default to the labels of each list's events."""
    settings = settings or ScoreSettings()
    lists = select_scored(reference, estimated, classes=classes)
    collars = {"collar_seconds": settings.collar_seconds, "offset_fraction": settings.offset_fraction}
    return DetectionSummary(
        settings=settings,
        lists=lists,
        event_based=score_event_based(lists.reference, lists.estimated, classes=lists.classes, **collars),
        segment_based=score_segment_based(
            lists.reference, lists.estimated, classes=lists.classes, segment_seconds=settings.segment_seconds
        ),
        by_duration=score_by_duration(
            lists.reference,
            lists.estimated,
            classes=lists.classes,
            short_below_seconds=settings.short_below_seconds,
            **collars,
        ),
        tagging=score_tags(
            _labels(lists.reference) if reference_tags is None else reference_tags,
            _labels(lists.estimated) if estimated_tags is None else estimated_tags,
            classes=lists.classes,
        ),
    )


def _labels(events: Mapping[str, Sequence[Event]]) -> dict[str, frozenset[str]]:
    return {clip: frozenset(event.label for event in of_clip) for clip, of_clip in events.items()}


def _event_scores(scores: EventScores) -> dict[str, Any]:
    by_class = {label: asdict(rates.defined()) for label, rates in scores.by_class.items()}
    return {"macro": asdict(scores.macro.defined()), "micro": asdict(scores.micro.defined()), "by_class": by_class}


def _duration_scores(scores: DurationScores) -> dict[str, Any]:
    macro = {name: scores.macro(attrgetter(name)) for name in _RATES}
    by_class = {label: _duration_counts(counts) for label, counts in scores.by_class.items()}
    return {"macro": macro, "micro": _duration_counts(scores.micro), "by_class": by_class}


def _duration_counts(counts: DurationCounts) -> dict[str, Any]:
    return {**_rates(counts), **asdict(counts)}


_RATES = ("f1", "precision", "recall")


def _rates(scores: object) -> dict[str, float]:
    return {name: getattr(scores, name) for name in _RATES}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
