"""JAMS, the JSON of annotations that Scaper writes beside its soundscapes (URBAN-SED's full annotations).

    {"file_metadata": {"duration": 10.0, …}, "annotations": [{"namespace": "scaper", "data": [
        {"time": 1.26, "duration": 0.41, "value": {"label": "gun_shot", "role": "foreground", …}, …}, …]}]}

Of ``scaper`` and its older name ``sound_event`` the foreground is read and the background counted; ``segment_open``
and ``segment_tut`` are events too. A ``tag_…`` annotation is tags where each covers the whole file, events where one
covers a stretch. Onset and offset are those of the observation, not of ``value``, which has the source's before time
stretching. Folders are those of ``urban_sed.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError, seconds
from datamodules.importers.left_out import warn_of_left_out
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.json_values import as_list, as_object, json_file
from datamodules.importers.sound_events.published.urban_sed import annotation_files
from datamodules.importers.sound_events.rows import label_of

_EVENTS = ("scaper", "sound_event", "segment_open", "segment_tut")
_TAGS = ("tag_open", "tag_urbansound", "tag_audioset")


def read_jams(path: Path, *, audio_root: Path | None = None) -> Iterator[ClipEntry]:
    """Clips of a folder of JAMS files, or of one. Raises ``ManifestError``."""
    left_out: dict[str, list[str]] = {}
    for file in annotation_files(path, suffix=".jams", audio_root=audio_root):
        name = str(file.path)
        written = as_object(json_file(file.path, allowed="JAMS, a JSON object"), key="JSON", place=name)
        duration_seconds = as_object(written.get("file_metadata"), key="file_metadata", place=name).get("duration")
        annotation, number = _annotation(written, name, left_out)
        place = f"{name}, annotation {number}"
        rows = list(_observations(annotation, name, place, left_out))
        namespace = str(annotation["namespace"])
        is_weak = namespace in _TAGS and all(_covers(event, duration_seconds) for _, event in rows)
        yield ClipEntry(
            clip_id=file.path.stem,
            audio=file.audio,
            place=place,
            events=None if is_weak else tuple(event for _, event in rows),
            tags=frozenset(event.label for _, event in rows) if is_weak else None,
            split=file.split,
            places=() if is_weak else tuple(place for place, _ in rows),
        )
    for what, names in left_out.items():
        warn_of_left_out(path, names, what=what)


def _annotation(
    written: dict[str, object], place: str, left_out: dict[str, list[str]]
) -> tuple[dict[str, object], int]:
    """The first annotation of sounds and its number from 1; the others are counted."""
    chosen: tuple[dict[str, object], int] | None = None
    namespaces = []
    for number, value in enumerate(as_list(written.get("annotations"), key="annotations", place=place), start=1):
        annotation = as_object(value, key=f"annotation {number}", place=place)
        namespace = annotation.get("namespace")
        namespaces.append(str(namespace))
        if namespace in (*_EVENTS, *_TAGS) and chosen is None:
            chosen = annotation, number
        elif chosen is not None and namespace in (*_EVENTS, *_TAGS):
            left_out.setdefault("second annotations of a file (the first is read)", []).append(f"{place}: {namespace}")
        else:
            left_out.setdefault("annotations of other namespaces", []).append(f"{place}: {namespace}")
    if chosen is None:
        raise ManifestError(
            f"{place}: namespace {', '.join(namespaces) or 'none'}, allowed: {', '.join((*_EVENTS, *_TAGS))}"
        )
    return chosen


def _observations(
    annotation: dict[str, object], name: str, place: str, left_out: dict[str, list[str]]
) -> Iterator[tuple[str, Event]]:
    for number, written in enumerate(as_list(annotation.get("data"), key="data", place=place), start=1):
        where = f"{place}, observation {number}"
        observation = as_object(written, key="observation", place=where)
        value = observation.get("value")
        if isinstance(value, dict) and "role" in value:
            if value["role"] not in ("foreground", "background"):
                raise ManifestError(f"{where}: role {value['role']!r}, allowed: foreground, background")
            if value["role"] == "background":
                left_out.setdefault("background sounds", []).append(f"{Path(name).stem}: {value.get('label')}")
                continue
        label = label_of(value.get("label") if isinstance(value, dict) else value, key="label", place=where)
        onset = seconds(observation.get("time"), key="time", place=where)
        duration = seconds(observation.get("duration"), key="duration", place=where)
        yield where, Event(onset, round(onset + duration, 6), label)  # microseconds, as Scaper writes them


def _covers(event: Event, duration_seconds: object) -> bool:
    """Whether an observation is of the whole file: it lasts as long, or has no duration."""
    if event.onset_seconds > 0 or event.offset_seconds == 0:
        return event.onset_seconds == 0
    return isinstance(duration_seconds, int | float) and event.offset_seconds >= duration_seconds - 1e-3
