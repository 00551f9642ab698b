"""From estimated events and tags of the test split to what a run keeps: metrics, tables and lists.

Shared by every scoring of detection systems, so that a trivial row and a trained one are measured alike. Writes
``events_test.tsv``, ``tags_test.tsv``, ``per_class.csv``, ``scores.json`` and ``postprocessing.json``. A metric that is
undefined (no short event in the split, say) is left out, since trackers draw a NaN as a number.
"""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.annotations import ClipReferences, Event
from datamodules.clips.dcase_tsv import write_events, write_tags
from datamodules.run_warning import RunWarning, first_names
from lightning_modules.metrics.summary import DetectionSummary, summarise
from lightning_modules.metrics.tag_sets import score_tags
from lightning_modules.sed.clip_tags import FittedTags

Events = Mapping[str, tuple[Event, ...]]


def report_detection(
    *,
    tags: FittedTags,
    events: Events | None,
    validation: ClipReferences,
    test: ClipReferences,
    output_dir: Path,
    fitted: Mapping[str, Any],
    more: Mapping[str, float],
) -> dict[str, float]:
    """Score, write the files, and return the metrics, ``more`` (figures that the caller measured) among them.

    ``fitted`` are the values behind the events, for ``postprocessing.json``. ``events`` is None for a system that only
    tags; its figures are those of tags alone, and so are those of any system where the test split has no strong clip.
    """
    events = None if test.events is None else events
    num_weak_clips = _say_what_is_not_scored(test) if events is not None else 0
    output_dir.mkdir(parents=True, exist_ok=True)
    summary = summarise(
        test.events or {},
        _of_strong_clips(events, test),
        reference_tags=test.tags,
        estimated_tags=tags.test,
        classes=test.classes,
    )
    on_validation = score_tags(validation.tags, tags.validation, classes=validation.classes)
    metrics = {
        **_tag_metrics(summary),
        "validation/fitted_tagging_f1_macro": on_validation.f1_macro,
        **({} if events is None else {**_num_event_free(summary), **event_metrics(summary)}),
        **more,
    }
    defined = {name: float(value) for name, value in metrics.items() if not math.isnan(value)}

    write_tags(output_dir / "tags_test.tsv", tags.test)
    scores = summary.as_json()
    if events is None:
        scores = {key: value for key, value in scores.items() if key not in ("event_based", "segment_based")}
        scores["counts"] = {"files": len(test.tags)}
    else:
        write_events(output_dir / "events_test.tsv", events)
        scores["counts"]["clips_without_strong_labels"] = num_weak_clips
    _write_json(output_dir / "scores.json", {"metrics": defined, **scores})
    _write_json(output_dir / "postprocessing.json", {"tag_thresholds": tags.thresholds, **fitted})
    _write_table(output_dir / "per_class.csv", summary, with_events=events is not None)
    return defined


def _of_strong_clips(events: Events | None, test: ClipReferences) -> Events:
    strong = test.events or {}
    return {clip: of_clip for clip, of_clip in (events or {}).items() if clip in strong}


def _say_what_is_not_scored(test: ClipReferences) -> int:
    """How many clips have tags alone; a warning names them."""
    weak = sorted(test.tags.keys() - (test.events or {}).keys())
    if weak:
        strong = f"{len(test.events or {})} clips with strong labels"
        line = f"{test.split or 'test'} split: events are scored on {strong}, not on {len(weak)} without"
        warnings.warn(f"{line}: {first_names(weak)}", RunWarning, stacklevel=2)
    return len(weak)


def _tag_metrics(summary: DetectionSummary) -> dict[str, float]:
    return {"test/tagging_f1_macro": summary.tagging.f1_macro, "test/tagging_f1_micro": summary.tagging.f1_micro}


def _num_event_free(summary: DetectionSummary) -> dict[str, float]:
    return {"test/event_free_clips": float(summary.lists.num_event_free_files)}


def event_metrics(summary: DetectionSummary) -> dict[str, float]:
    """Figures of the test split's events and seconds; NaN where one is undefined."""
    metrics: dict[str, float] = {}
    for name, scores in (("segment", summary.segment_based), ("event", summary.event_based)):
        metrics[f"test/{name}_f1_macro"] = scores.macro.f1
        metrics[f"test/{name}_f1_micro"] = scores.micro.f1
        metrics[f"test/{name}_er"] = scores.micro.defined().error_rate
    for group, by_duration in summary.by_duration.items():  # micro: most classes are nearly all short or all long
        counts = by_duration.micro
        metrics[f"test/event_f1_{group}"] = counts.f1
        metrics[f"test/event_recall_{group}"] = counts.recall
        metrics[f"test/event_precision_{group}"] = counts.precision
    return metrics


def _write_table(path: Path, summary: DetectionSummary, *, with_events: bool) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [_class_row(summary, label, with_events=with_events) for label in summary.lists.classes]
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _class_row(summary: DetectionSummary, label: str, *, with_events: bool) -> dict[str, object]:
    tags = summary.tagging.by_class[label]
    row: dict[str, object] = {
        "class": label,
        "tagging_f1": _cell(tags.f1),
        "tagged_clips": tags.true_positives + tags.false_negatives,
        "predicted_clips": tags.true_positives + tags.false_positives,
    }
    if with_events:
        segments, events = summary.segment_based.by_class[label], summary.event_based.by_class[label]
        short, long = (summary.by_duration[group].by_class[label] for group in ("short", "long"))
        row |= {
            "segment_f1": _cell(segments.f1),
            "segment_er": _cell(segments.defined().error_rate),
            "event_f1": _cell(events.f1),
            "event_er": _cell(events.defined().error_rate),
            "event_precision": _cell(events.precision),
            "event_recall": _cell(events.recall),
            "event_recall_short": _cell(short.recall),
            "event_recall_long": _cell(long.recall),
            "reference_events": events.num_reference,
            "reference_events_short": short.num_reference,
            "estimated_events": events.num_estimated,
        }
    return row


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
