"""URBAN-SED in its published folders: JAMS as Scaper writes them, the simplified TXT, and that the two agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datamodules.annotations import Event
from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.clip_entry import ClipEntry
from datamodules.importers.sound_events.published.jams import read_jams
from datamodules.importers.sound_events.published.urban_sed import read_urban_sed
from datamodules.run_warning import RunWarning

EVENTS = [(1.265813, 0.41016800000000003, "gun_shot"), (9.164048000000001, 0.835952, "dog_bark")]


def observation(time: float, duration: float, label: str, role: str = "foreground") -> dict[str, Any]:
    value = {
        "event_duration": duration / 0.8,
        "source_time": 0.0,
        "role": role,
        "time_stretch": 0.8,
        "label": label,
        "pitch_shift": -2.7,
        "snr": 15.2,
        "source_file": f"/scratch/soundbanks/{label}/86278-6-0-0.wav",
        "event_time": time,
    }
    return {"duration": duration, "value": value, "time": time, "confidence": 1.0}


def jams(data: list[dict[str, Any]], namespace: str = "scaper") -> dict[str, Any]:
    annotation = {"namespace": namespace, "sandbox": {"scaper": {}}, "annotation_metadata": {}, "data": data}
    return {"annotations": [annotation], "file_metadata": {"duration": 10.0, "jams_version": "0.2.2"}, "sandbox": {}}


def events(clip: ClipEntry) -> list[Event]:
    assert clip.events is not None
    return list(clip.events)


def write(file: Path, content: dict[str, Any] | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))


@pytest.fixture
def urban_sed(tmp_path: Path) -> Path:
    folder = tmp_path / "URBAN-SED_v2.0.0"
    for split in ("train", "validate", "test"):
        name = f"soundscape_{split}_bimodal0"
        background = observation(0.0, 10.0, "noise", role="background")
        write(
            folder / "annotations" / split / f"{name}.jams", jams([background, *(observation(*row) for row in EVENTS)])
        )
        lines = (f"{onset}\t{onset + duration}\t{label}\n" for onset, duration, label in EVENTS)
        write(folder / "annotations" / split / f"{name}.txt", "".join(lines))
        write(folder / "annotations" / split / f"._{name}.txt", "what macOS leaves")
        write(folder / "annotations" / split / f"._{name}.jams", "what macOS leaves")
        write(folder / "audio" / split / f"{name}.wav", "")
    return folder


def test_jams_and_txt_give_the_same_clips_in_their_splits(urban_sed: Path) -> None:
    simple = list(read_urban_sed(urban_sed))
    with pytest.warns(RunWarning, match=r"left out background sounds: 3 \(soundscape_train_bimodal0: noise"):
        full = list(read_jams(urban_sed))
    assert [clip.split for clip in simple] == ["train", "validation", "test"]
    for one, other in zip(simple, full, strict=True):
        assert (one.clip_id, one.audio, one.split) == (other.clip_id, other.audio, other.split)
        assert one.audio.is_file()
        assert [event.label for event in events(one)] == ["gun_shot", "dog_bark"]
        for left, right in zip(events(one), events(other), strict=True):
            assert left[:2] == pytest.approx(right[:2], abs=1e-6)
    assert events(full[0])[1].offset_seconds == 10.0  # in microseconds, where the TXT has 10.000000000000002


def test_one_split_and_one_file_are_read_alone(urban_sed: Path) -> None:
    [clip] = read_urban_sed(urban_sed / "annotations" / "validate")
    assert (clip.split, clip.audio.parent) == ("validation", urban_sed / "audio" / "validate")
    [clip] = read_urban_sed(urban_sed / "annotations" / "test" / "soundscape_test_bimodal0.txt")
    assert clip.split == "test"


def test_an_empty_list_is_a_file_without_an_event(tmp_path: Path) -> None:
    write(tmp_path / "quiet.txt", "")
    [clip] = read_urban_sed(tmp_path)
    assert (clip.events, clip.label_kind, clip.audio, clip.split) == ((), "strong", tmp_path / "quiet", None)


def test_audio_of_a_split_is_looked_for_in_its_folder_of_the_root(urban_sed: Path, tmp_path: Path) -> None:
    write(tmp_path / "flac" / "train" / "soundscape_train_bimodal0.flac", "")
    clip = next(iter(read_urban_sed(urban_sed, audio_root=tmp_path / "flac")))
    assert clip.audio == tmp_path / "flac" / "train" / "soundscape_train_bimodal0.flac"


def test_a_tag_of_the_whole_file_is_weak_and_one_of_a_stretch_strong(tmp_path: Path) -> None:
    whole = {"time": 0.0, "duration": 10.0, "value": "rain", "confidence": None}
    stretch = {"time": 2.0, "duration": 1.5, "value": "dog", "confidence": None}
    write(tmp_path / "a.jams", jams([whole], namespace="tag_open"))
    write(tmp_path / "b.jams", jams([whole, stretch], namespace="tag_open"))
    weak, strong = read_jams(tmp_path)
    assert (weak.label_kind, weak.tags) == ("weak", {"rain"})
    assert [event.label for event in events(strong)] == ["rain", "dog"]


def test_the_first_annotation_of_sounds_is_read_and_the_others_are_counted(tmp_path: Path) -> None:
    written = jams([observation(*EVENTS[0])])
    written["annotations"] = [
        {"namespace": "beat", "data": []},
        *written["annotations"],
        *jams([], "segment_open")["annotations"],
    ]
    write(tmp_path / "a.jams", written)
    with pytest.warns(RunWarning) as said:
        [clip] = read_jams(tmp_path)
    assert len(events(clip)) == 1
    assert {str(warning.message).split("left out ")[1].split(":")[0] for warning in said} == {
        "annotations of other namespaces",
        "second annotations of a file (the first is read)",
    }


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", r"a.jams, line 1: .*, allowed: JAMS, a JSON object"),
        (jams([], "beat"), r"a.jams: namespace beat, allowed: scaper, sound_event"),
        ({"file_metadata": {}}, r"a.jams: annotations 'None', allowed: a list in brackets"),
        (jams([observation(1.0, 1.0, "dog", "middle")]), r"observation 1: role 'middle', allowed: foreground, back"),
        (jams([observation(1.0, 1.0, " ")]), r"annotation 1, observation 1: label '', allowed: the name of a class"),
        (jams([{"time": -1, "duration": 1, "value": "x"}], "tag_open"), r"observation 1: time -1, allowed: a number"),
        (jams([{"time": 1, "value": "x"}], "segment_open"), r"observation 1: duration None, allowed: a number of sec"),
    ],
)
def test_damaged_jams_are_named(tmp_path: Path, written: dict[str, Any] | str, message: str) -> None:
    write(tmp_path / "a.jams", written)
    with pytest.raises(ManifestError, match=message):
        list(read_jams(tmp_path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.0 2.0 dog", r"a.txt, line 1: 1 columns, allowed: 3 separated by tabs \(onset offset label\)"),
        ("1.0\tlate\tdog", r"a.txt, line 1: offset 'late', allowed: a number of seconds"),
        ("1.0\t2.0\t", r"a.txt, line 1: label '', allowed: the name of a class"),
    ],
)
def test_damaged_lists_are_named_by_line(tmp_path: Path, line: str, message: str) -> None:
    write(tmp_path / "a.txt", line)
    with pytest.raises(ManifestError, match=message):
        list(read_urban_sed(tmp_path))


def test_two_files_of_a_name_and_a_folder_without_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no \.txt file, allowed: a folder with annotations/"):
        list(read_urban_sed(tmp_path))
    for name in ("a.txt", "a.wav", "a.flac"):
        write(tmp_path / name, "")
    with pytest.raises(ManifestError, match=r"audio 'a' is a.flac or a.wav of .*, allowed: a name that one file"):
        list(read_urban_sed(tmp_path))
