"""Label Studio's exports of audio tasks, JSON and JSON-MIN (labelstud.io/guide/export).

    [{"id": 1, "data": {"audio": "/data/upload/2/0f5a7c1e-yard.wav"}, "annotations": [{"was_cancelled": false,
      "result": [{"type": "labels", "value": {"start": 0.5, "end": 1.2, "channel": 0, "labels": ["dog"]}}, …]}, …]}, …]
    [{"id": 1, "audio": "/data/upload/2/0f5a7c1e-yard.wav", "label": [{"start": 0.5, "end": 1.2, "labels": ["dog"]}]}]

Labelled regions are events; choices of a whole task are tags. Where the export has regions anywhere, a finished task
without one has no event; where it has choices anywhere, one without has no tag. A task that nobody annotated is
unlabelled. Of a task annotated several times the annotation marked as ground truth is read, else the newest; skipped
(``was_cancelled``) annotations, predictions, drafts and results of other types are counted and named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError, seconds
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.json_values import as_list, as_object, json_file
from datamodules.importers.sound_events.label_studio_audio import TaskAudio
from datamodules.importers.sound_events.label_studio_min import with_annotations
from datamodules.importers.sound_events.rows import label_of

_ALLOWED = "Label Studio's JSON or JSON-MIN export, a list of tasks"


@dataclass
class _Labels:
    """What one annotation of a task says."""

    events: list[tuple[str, Event]] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)


LeftOut = defaultdict[str, list[str]]


def read_label_studio(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Clips of an export; files are found by name below ``audio_root``, else below the export's own folder.

    Raises ``ManifestError``, also for a task whose audio is not there and for an export without a region or choice.
    """
    left_out: LeftOut = defaultdict(list)
    tasks = [
        (f"{path}, task {number}", as_object(task, key="task", place=f"{path}, task {number}"))
        for number, task in enumerate(as_list(json_file(path, allowed=_ALLOWED), key="JSON", place=str(path)), start=1)
    ]
    if tasks and not any("annotations" in task for _, task in tasks):
        tasks = with_annotations(tasks, left_out)
    audio = TaskAudio(audio_root or path.absolute().parent)
    labelled = [(place, audio.of(task, place=place), _labels_of(task, place, left_out)) for place, task in tasks]
    has_events = any(labels.events for _, _, labels in labelled if labels)
    has_tags = any(labels.tags for _, _, labels in labelled if labels)
    if any(labels for _, _, labels in labelled) and not (has_events or has_tags):
        raise ManifestError(f"{path}: no labelled region and no choice in {len(labelled)} tasks, allowed: {_ALLOWED}")
    skipped = frozenset(left_out["tasks of which every annotation was skipped"])
    for place, (clip_id, file), labels in labelled:
        if place in skipped:
            continue
        yield ClipEntry(
            clip_id=clip_id,
            audio=file,
            place=place,
            events=tuple(event for _, event in labels.events) if labels and has_events else None,
            tags=frozenset(labels.tags) if labels and has_tags else None,
            places=tuple(place for place, _ in labels.events) if labels else (),
        )
    for what, names in left_out.items():
        warn_of_left_out(path, names, what=what)


def _labels_of(task: Mapping[str, object], place: str, left_out: LeftOut) -> _Labels | None:
    """The labels of the annotation that counts, None where nobody annotated the task."""
    annotations = [
        as_object(value, key="annotation", place=place)
        for value in as_list(task.get("annotations", []), key="annotations", place=place)
    ]
    kept = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    if len(kept) < len(annotations):
        left_out["skipped (was_cancelled) annotations"] += [place] * (len(annotations) - len(kept))
    if annotations and not kept:
        left_out["tasks of which every annotation was skipped"].append(place)
    for key in ("predictions", "drafts"):
        if task.get(key) and not kept:
            left_out[f"{key} of tasks without an annotation"].append(place)
    if not kept:
        return None
    if len(kept) > 1:
        left_out["annotations of tasks that have several"] += [place] * (len(kept) - 1)
    newest = max(kept, key=lambda annotation: (bool(annotation.get("ground_truth")), _updated(annotation)))
    labels = _Labels()
    for number, value in enumerate(as_list(newest.get("result", []), key="result", place=place), start=1):
        where = f"{place}, result {number}"
        _add_result(labels, as_object(value, key="result", place=where), where, left_out)
    return labels


def _updated(annotation: Mapping[str, object]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _add_result(labels: _Labels, result: Mapping[str, object], place: str, left_out: LeftOut) -> None:
    value = as_object(result.get("value", {}), key="value", place=place)
    kind = str(result.get("type"))
    is_region = "start" in value or "end" in value
    if kind == "labels" and is_region:
        onset, offset = (seconds(value.get(key), key=key, place=place) for key in ("start", "end"))
        if value.get("channel"):
            left_out["channels of regions, which are events of the mean of all channels"].append(place)
        for label in as_list(value.get("labels"), key="labels", place=place):
            labels.events.append((place, Event(onset, offset, label_of(label, key="labels", place=place))))
    elif kind == "choices" and not is_region:
        for label in as_list(value.get("choices"), key="choices", place=place):
            labels.tags.add(label_of(label, key="choices", place=place))
    else:
        what = f"{kind} of a region" if is_region else kind
        left_out[f"results of other types ({what})"].append(place)
