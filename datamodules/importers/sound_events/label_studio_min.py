"""JSON-MIN of Label Studio turned into the shape of its JSON: a row an annotation, a key a control.

    {"id": 1, "audio": "/data/upload/2/yard.wav", "label": [{"start": 0.5, "end": 1.2, "labels": ["dog"]}],
     "choice": "outdoors", "annotator": 1, "annotation_id": 3, "updated_at": "2024-01-30T02:40:43Z", "lead_time": 8.6}

The form doesn't say what a control is. A list of objects with ``labels`` is regions and an object with ``choices``, or
a text under ``choice`` or ``choices``, is choices; other lists and objects are counted, other texts are data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from datamodules.importers.entry import ManifestError

_OURS = frozenset({"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"})
_CHOICES = ("choice", "choices")

Task = dict[str, object]


def with_annotations(
    tasks: Sequence[tuple[str, Task]], left_out: defaultdict[str, list[str]]
) -> list[tuple[str, Task]]:
    """The tasks of JSON-MIN's rows, those of one id together. Raises ``ManifestError`` for a row without an id."""
    by_id: dict[str, tuple[str, Task, list[Task]]] = {}
    for place, row in tasks:
        if "id" not in row:
            raise ManifestError(f"{place}: no key 'id', allowed: Label Studio's JSON or JSON-MIN export")
        data = {key: value for key, value in row.items() if isinstance(value, str) and key not in (*_OURS, *_CHOICES)}
        _, _, annotations = by_id.setdefault(str(row["id"]), (place, {"data": data}, []))
        annotations.append({"updated_at": row.get("updated_at"), "result": list(_results(row, place, left_out))})
    return [(place, {**task, "annotations": annotations}) for place, task, annotations in by_id.values()]


def _results(row: Mapping[str, object], place: str, left_out: defaultdict[str, list[str]]) -> Iterator[Task]:
    for key, value in row.items():
        if key in _OURS:
            continue
        if isinstance(value, list) and all(isinstance(region, dict) and "labels" in region for region in value):
            yield from ({"type": "labels", "value": region} for region in value)
        elif isinstance(value, dict) and "choices" in value:
            yield {"type": "choices", "value": value}
        elif key in _CHOICES and isinstance(value, str):
            yield {"type": "choices", "value": {"choices": [value]}}
        elif isinstance(value, list | dict):
            left_out[f"results of other types ({key})"].append(place)
