"""A folder of class folders, and which layout a path has by its name and content."""

from __future__ import annotations

import pytest

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.class_folders import read_class_folders
from datamodules.importers.sound_events.detect import detect_layout
from datamodules.importers.sound_events.read import read_clips
from datamodules.run_warning import RunWarning


@pytest.fixture
def sounds(tmp_path, write_audio):
    for name in ("dog/1.wav", "dog/old/2.FLAC", "cat/1.wav"):
        write_audio(tmp_path / "sounds" / name)
    return tmp_path / "sounds"


def test_each_file_has_its_folders_name_as_tag(sounds):
    entries = {entry.clip_id: entry for entry in read_class_folders(sounds, audio_root=None)}
    assert {name: entry.tags for name, entry in entries.items()} == {
        "cat-1": frozenset({"cat"}),
        "dog-1": frozenset({"dog"}),
        "dog-old-2": frozenset({"dog"}),
    }
    assert entries["dog-old-2"].audio == sounds / "dog" / "old" / "2.FLAC"
    assert {entry.label_kind for entry in entries.values()} == {"weak"}


def test_what_is_no_audio_is_said_and_loose_recordings_are_refused(sounds, write_audio):
    (sounds / "dog" / "readme.txt").write_text("barks\n", encoding="utf-8")
    with pytest.warns(RunWarning, match=r"left out files that are no audio: 1 \(dog/readme.txt\)"):
        assert len(list(read_class_folders(sounds, audio_root=None))) == 3
    write_audio(sounds / "loose.wav")
    with pytest.raises(ManifestError, match=r"loose.wav: a recording beside the class folders, allowed: in one of"):
        list(read_class_folders(sounds, audio_root=None))


@pytest.mark.parametrize(
    ("name", "text", "layout"),
    [
        ("x.tsv", "filename\tonset\toffset\tevent_label\na.wav\t0\t1\tdog\n", "dcase"),
        ("x.tsv", "a.wav\t0\t1\tdog\n", "dcase"),
        ("x.csv", "filename,onset,offset,event_label\na.wav,0,1,dog\n", "dcase"),
        ("x.csv", "Start (s),End (s),Scientific name,Common name,Confidence\n", "birdnet"),
        ("x.txt", "0.5\t1.25\tdog\n", "audacity"),
        ("x.txt", "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tSpecies\n", "raven"),
    ],
)
def test_the_layout_of_a_file_and_of_a_folder_that_holds_it(tmp_path, name, text, layout):
    path = tmp_path / "labels" / name
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    assert detect_layout(path) == layout
    if layout != "dcase":
        assert detect_layout(path.parent) == layout


def test_what_is_not_certain_is_refused_with_the_formats(sounds, tmp_path, write_audio):
    assert detect_layout(sounds) == "class_folders"
    (tmp_path / "x.txt").write_text("what\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"x.txt: layout not known .*, allowed: --format dcase, class_folders, "):
        detect_layout(tmp_path / "x.txt")
    with pytest.raises(ManifestError, match=r"nowhere: no such file or folder"):
        detect_layout(tmp_path / "nowhere")
    with pytest.raises(ManifestError, match=r"layout not certain, allowed: --format dcase, .* of one layout$"):
        detect_layout(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match=r"empty: layout not certain"):
        read_clips(tmp_path / "empty")
