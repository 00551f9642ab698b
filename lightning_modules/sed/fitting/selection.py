"""The setting of the best score on validation, one for all classes or one for each.

Which labels it is fitted on is the row's choice. ``events``: the objective is the event-based macro F1 (sed_eval's,
200 ms). ``tags``: the macro F1 of the classes that have an event in a clip against the clip's tags; it says when a
class is there, not where, so settings that differ in extents alone tie, and the earlier one wins.
By class each class has the setting that is best for it: in macro F1 classes do not interact, so no other choice by
class is better. A class without a label in validation keeps the row's own setting.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.metrics.durations import score_by_duration
from lightning_modules.metrics.tag_sets import score_tags
from lightning_modules.sed.fitting.fitted import Events, FittedPostProcessing, Tags
from lightning_modules.sed.fitting.validation_split import ValidationSplit
from lightning_modules.sed.predictions import DetectionPredictions

Labels = Literal["tags", "events"]
OBJECTIVES: Mapping[Labels, str] = {"tags": "tagging F1, macro", "events": "event-based F1, macro, collar 200 ms"}


def fit_post_processing(
    constants: EventSetting,
    predictions: DetectionPredictions,
    tags: Tags,
    validation: ValidationSplit,
    *,
    fit: Literal["none", "tags", "events"],
    by_class: bool,
    gate: Mapping[str, float],
    tags_of: str,
) -> FittedPostProcessing:
    """The best of ``constants`` and its alternatives, of equals the first; classes of a clip are those of ``tags``.

    ``gate`` and ``tags_of`` are kept with it. Raises ``ValueError`` where validation has no events to fit on.
    """
    classes = validation.references.classes
    selection = "weak" if validation.references.events is None else "strong"
    fitted: dict[str, Any] = {"tags": tags_of, "selection": selection, "fit": fit, "by_class": by_class}
    if fit == "none":
        return FittedPostProcessing(settings=dict.fromkeys(classes, constants), gate=gate, fitted=fitted)
    candidates = [constants, *constants.alternatives()]
    scores = [class_scores(candidate, predictions, tags, validation, labels=fit) for candidate in candidates]
    if by_class:
        chosen = {label: _first_best([score[label] for score in scores]) for label in classes}
    else:
        chosen = dict.fromkeys(classes, _first_best([_macro(score) for score in scores]))
    reached = _macro({label: scores[index][label] for label, index in chosen.items()})
    fitted |= {
        "objective": OBJECTIVES[fit],
        "reached": None if math.isnan(reached) else reached,
        "tried": len(candidates),
        "fitted_on": fingerprint(predictions, validation, labels=fit),
    }
    if by_class:
        fitted["not_fitted"] = [label for label in classes if math.isnan(scores[0][label])]
    settings = {label: candidates[index] for label, index in chosen.items()}
    return FittedPostProcessing(settings=settings, gate=gate, fitted=fitted)


def class_scores(
    setting: EventSetting, predictions: DetectionPredictions, tags: Tags, validation: ValidationSplit, *, labels: Labels
) -> dict[str, float]:
    """The objective of each class under one setting; NaN where validation has no label of it."""
    references = validation.references
    one = FittedPostProcessing(settings=dict.fromkeys(references.classes, setting), gate={}, fitted={})
    events = one.events(predictions, duration_seconds=references.duration_seconds, tags=tags)
    if labels == "tags":
        return _tag_scores(events, validation)
    if references.events is None:
        raise ValueError("scoring.fit events, but validation has none; set data.selection strong, or fit tags or none")
    by_class = score_by_duration(
        references.events,
        {clip: events[clip] for clip in references.events},
        classes=references.classes,
        short_below_seconds=0.0,
    )["long"].by_class
    return {label: counts.f1 if counts.num_reference else math.nan for label, counts in by_class.items()}


def fingerprint(predictions: DetectionPredictions, validation: ValidationSplit, *, labels: Labels) -> str:
    """A hash of the curves and labels that were fitted on."""
    references = validation.references
    digest = hashlib.sha256()
    curves_NTC = predictions.frame_probabilities_NTC
    for array in (predictions.clip_probabilities_NC, predictions.num_frames_N, curves_NTC):
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    known = references.events if labels == "events" and references.events is not None else None
    by_clip = {clip: sorted(tags) for clip, tags in references.tags.items()} if known is None else known
    digest.update(repr((predictions.classes, predictions.hop_seconds, sorted(by_clip.items()))).encode())
    return digest.hexdigest()[:16]


def _tag_scores(events: Events, validation: ValidationSplit) -> dict[str, float]:
    references = validation.references
    estimated = {clip: frozenset(event.label for event in found) for clip, found in events.items()}
    by_class = score_tags(references.tags, estimated, classes=references.classes).by_class
    return {
        label: counts.f1 if counts.true_positives + counts.false_negatives else math.nan
        for label, counts in by_class.items()
    }


def _first_best(scores: Sequence[float]) -> int:
    """Index of the highest; 0 where nothing is known, which then holds for all."""
    return 0 if math.isnan(scores[0]) else scores.index(max(scores))


def _macro(scores: Mapping[str, float]) -> float:
    known = [score for score in scores.values() if not math.isnan(score)]
    return sum(known) / len(known) if known else math.nan
