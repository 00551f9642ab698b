"""Label Studio's two JSON exports: regions, choices, several annotators, skipped tasks, audio by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.label_studio import read_label_studio
from datamodules.run_warning import RunWarning


def region(start: float, end: float, *labels: str, channel: int = 0) -> dict[str, Any]:
    value = {"start": start, "end": end, "channel": channel, "labels": list(labels)}
    return {"id": "wavesurfer_1", "type": "labels", "from_name": "label", "to_name": "audio", "value": value,
            "original_length": 10.0, "origin": "manual"}  # fmt: skip


def choice(*labels: str, **value: float) -> dict[str, Any]:
    return {"type": "choices", "from_name": "scene", "to_name": "audio", "value": {"choices": list(labels), **value}}


def annotation(*results: dict[str, Any], day: int = 1, **more: Any) -> dict[str, Any]:
    written = {"id": day, "completed_by": 1, "was_cancelled": False, "ground_truth": False, "result": list(results)}
    return {**written, "updated_at": f"2024-01-{day:02d}T02:40:43.9Z", **more}


def task(name: str, *annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 1, "annotations": list(annotations), "predictions": [], "drafts": [], "file_upload": name,
            "data": {"audio": name}, "meta": {}, **more}  # fmt: skip


def read(folder: Path, tasks: Any, **arguments: Any) -> list[ClipEntry]:
    (folder / "export.json").write_text(json.dumps(tasks))
    return list(read_label_studio(folder / "export.json", **arguments))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("yard.wav", "garden/my pond.flac", "0f5a7c1e-street.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("/data/upload/2/0f5a7c1e-street.wav", "0f5a7c1e-street.wav"),
        ("/data/upload/2/12345678-yard.wav", "yard.wav"),
        ("/data/upload/2/my%20pond.flac", "garden/my pond.flac"),
        ("/data/local-files/?d=garden/my%20pond.flac", "garden/my pond.flac"),
        ("/data/local-files/?d=elsewhere/garden/my%20pond.flac", "garden/my pond.flac"),
        ("s3://bucket/sounds/yard.wav", "yard.wav"),
        ("https://example.org/yard.wav?token=1.wav", "yard.wav"),
        ("garden/my pond.flac", "garden/my pond.flac"),
        ("/home/someone/yard.wav", "yard.wav"),
    ],
)
def test_audio_is_found_by_its_name_below_the_root(folder: Path, written: str, found: str) -> None:
    [clip] = read(folder, [task(written, annotation(region(0.5, 1.2, "dog")))])
    assert clip.audio == folder / found
    assert (clip.events, clip.places) == (((0.5, 1.2, "dog"),), (f"{folder / 'export.json'}, task 1, result 1",))


def test_audio_that_is_not_there_or_not_sure_is_refused(folder: Path) -> None:
    tasks = [task("/data/upload/2/12345678-lost.wav", annotation(region(0, 1, "dog")))]
    with pytest.raises(
        ManifestError, match=r"task 1: audio '/data/.*', no file 12345678-lost.wav or lost.wav below .*"
    ):
        read(folder, tasks)
    (folder / "garden" / "yard.wav").write_bytes(b"")
    [clip] = read(folder, [task("garden/yard.wav", annotation(region(0, 1, "dog")))])
    assert clip.audio == folder / "garden" / "yard.wav"
    with pytest.raises(ManifestError, match=r"audio 's3://b/far/yard.wav' is .* or .*, allowed: a name that one"):
        read(folder, [task("s3://b/far/yard.wav", annotation())])
    two = {"data": {"left": "yard.wav", "right": "0f5a7c1e-street.wav"}}
    with pytest.raises(ManifestError, match=r"data has 2 names of audio files under left, right, allowed: one, or the"):
        read(folder, [task("", annotation(), **two)])


def test_a_finished_task_without_a_region_has_no_event_and_an_open_one_no_label(folder: Path) -> None:
    tasks = [
        task("yard.wav", annotation(region(0.5, 1.2, "dog", "cat"), choice("outdoors"))),
        task("garden/my pond.flac", annotation()),
        task("0f5a7c1e-street.wav", predictions=[annotation(region(0, 1, "dog"))]),
    ]
    with pytest.warns(RunWarning, match=r"left out predictions of tasks without an annotation: 1"):
        both, empty, unlabelled = read(folder, tasks)
    assert (both.events, both.tags) == (((0.5, 1.2, "dog"), (0.5, 1.2, "cat")), {"outdoors"})
    assert (empty.events, empty.tags, unlabelled.label_kind) == ((), frozenset(), "unlabelled")


def test_choices_alone_are_weak(folder: Path) -> None:
    one, none = read(
        folder, [task("yard.wav", annotation(choice("a", "b"))), task("garden/my pond.flac", annotation())]
    )
    assert (one.label_kind, one.tags, none.label_kind, none.tags) == ("weak", {"a", "b"}, "weak", frozenset())


@pytest.mark.parametrize(("truth", "expected"), [(False, "newest"), (True, "oldest")])
def test_of_several_annotators_ground_truth_counts_else_the_newest(folder: Path, truth: bool, expected: str) -> None:
    annotations = [
        annotation(region(0, 1, "oldest"), day=1, ground_truth=truth),
        annotation(region(0, 1, "newest"), day=9),
        annotation(region(0, 1, "skipped"), day=20, was_cancelled=True),
    ]
    with pytest.warns(RunWarning) as said:
        [clip] = read(folder, [task("yard.wav", *annotations)])
    assert clip.labels == {expected}
    text = " ".join(str(warning.message) for warning in said)
    assert "left out skipped (was_cancelled) annotations: 1" in text
    assert "left out annotations of tasks that have several: 1" in text


def test_skipped_tasks_and_other_results_are_counted(folder: Path) -> None:
    text = {"type": "textarea", "value": {"text": ["a dog barks"]}}
    tasks = [
        task("yard.wav", annotation(region(0, 1, "dog", channel=1), choice("loud", start=0, end=1), text)),
        task("garden/my pond.flac", annotation(region(0, 1, "cat"), was_cancelled=True)),
    ]
    with pytest.warns(RunWarning) as said:
        [clip] = read(folder, tasks)
    assert clip.labels == {"dog"}
    reasons = {str(warning.message).split("left out ")[1].rsplit(": 1 (", 1)[0] for warning in said}
    assert reasons == {
        "channels of regions, which are events of the mean of all channels",
        "results of other types (choices of a region)",
        "results of other types (textarea)",
        "skipped (was_cancelled) annotations",
        "tasks of which every annotation was skipped",
    }


def test_json_min_has_a_row_an_annotation(folder: Path) -> None:
    row = {"audio": "/data/upload/2/0f5a7c1e-street.wav", "id": 7, "annotator": 1, "annotation_id": 3,
           "created_at": "2024-01-30T02:40:43Z", "updated_at": "2024-01-30T02:40:43Z", "lead_time": 8.6}  # fmt: skip
    older = {**row, "label": [{"start": 0, "end": 1, "labels": ["cat"]}], "updated_at": "2023-01-30T02:40:43Z"}
    newer = {**row, "label": [{"start": 0.5, "end": 1.2, "channel": 0, "labels": ["dog"]}], "choice": "outdoors"}
    other = {**row, "id": 8, "audio": "yard.wav", "scene": {"choices": ["a", "b"]}, "boxes": [{"x": 1}]}
    with pytest.warns(RunWarning) as said:
        street, yard = read(folder, [older, newer, other])
    assert (street.events, street.tags) == (((0.5, 1.2, "dog"),), {"outdoors"})
    assert (yard.events, yard.tags) == ((), {"a", "b"})
    text = " ".join(str(warning.message) for warning in said)
    assert "left out annotations of tasks that have several: 1" in text
    assert "left out results of other types (boxes): 1" in text


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[", r"export.json, line 1: .*, allowed: Label Studio's JSON or JSON-MIN export, a list of tasks"),
        ('{"a": 1}', r"export.json: JSON .*, allowed: a list in brackets"),
        ("[1]", r"export.json, task 1: task '1', allowed: an object in braces"),
        ('[{"audio": "yard.wav"}]', r"task 1: no key 'id', allowed: Label Studio's JSON or JSON-MIN"),
        (json.dumps([task("yard.wav", annotation())]), r"no labelled region and no choice in 1 tasks"),
        (json.dumps([task("yard.wav", annotation(region(-1, 1, "dog")))]), r"task 1, result 1: start -1, allowed: a n"),
        (json.dumps([task("yard.wav", annotation(region(0, 1, "")))]), r"task 1, result 1: labels '', allowed: the n"),
        (json.dumps([task("yard.wav", annotations=3)]), r"task 1: annotations '3', allowed: a list in brackets"),
    ],
)
def test_what_is_no_export_is_named(folder: Path, written: str, message: str) -> None:
    (folder / "export.json").write_text(written)
    with pytest.raises(ManifestError, match=message):
        list(read_label_studio(folder / "export.json"))
