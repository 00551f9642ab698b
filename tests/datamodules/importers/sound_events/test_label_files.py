"""Label tracks, selection tables and BirdNET's CSV: a file beside each recording, a folder of them, or a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.annotations import Event
from datamodules.clips.event_lists import BIRDNET_COLUMNS
from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.label_files import (
    BIRDNET_WINDOW_SECONDS,
    read_audacity,
    read_birdnet,
    read_raven,
)
from datamodules.run_warning import RunWarning

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"


@pytest.fixture
def garden(tmp_path: Path, write_audio) -> Path:
    """Two recordings at two sites with label tracks, one of them of the same name."""
    for site, text in (("a", "0.1\t0.3\tblackbird\n\\\t100\t4000\n0.2\t0.4\ttit\n"), ("b", "")):
        write_audio(tmp_path / "garden" / site / "rec 1.wav")
        (tmp_path / "garden" / site / "rec 1.txt").write_text(text, encoding="utf-8")
    return tmp_path / "garden"


def test_a_folder_of_label_tracks_is_a_clip_a_recording(garden):
    first, second = read_audacity(garden, audio_root=None)
    assert (first.clip_id, first.audio) == ("a-rec_1", garden / "a" / "rec 1.wav")
    assert first.events == (Event(0.1, 0.3, "blackbird"), Event(0.2, 0.4, "tit"))
    assert first.places == tuple(f"{garden / 'a' / 'rec 1.txt'}, line {line}" for line in (1, 3))
    assert (second.clip_id, second.audio, second.events) == ("b-rec_1", garden / "b" / "rec 1.wav", ())


def test_one_label_track_and_one_apart_from_its_recording(garden, tmp_path):
    [entry] = read_audacity(garden / "a" / "rec 1.txt", audio_root=None)
    assert (entry.clip_id, entry.audio) == ("rec_1", garden / "a" / "rec 1.wav")
    labels = tmp_path / "labels" / "b"
    labels.mkdir(parents=True)
    (labels / "rec 1.txt").write_text("0.1\t0.3\ttit\n", encoding="utf-8")
    [entry] = read_audacity(tmp_path / "labels", audio_root=garden / "b")
    assert entry.audio == garden / "b" / "rec 1.wav"
    with pytest.warns(RunWarning, match=r"recordings without a label file: 1 \(.*rec 1.wav\)"):
        [entry] = read_audacity(tmp_path / "labels", audio_root=garden)
    assert entry.audio == garden / "b" / "rec 1.wav"


def test_recordings_that_nobody_labelled_are_said(garden, write_audio):
    write_audio(garden / "c.wav")
    with pytest.warns(RunWarning, match=r"left out recordings without a label file: 1 \(c.wav\)"):
        assert len(list(read_audacity(garden, audio_root=None))) == 2


def test_a_name_that_two_recordings_have_is_refused(garden, write_audio):
    write_audio(garden / "a" / "rec 1.flac")
    with pytest.raises(ManifestError, match=r"audio 'a/rec 1' is a/rec 1.flac or a/rec 1.wav of .*, allowed: a name"):
        list(read_audacity(garden, audio_root=None))


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("0.1 0.3 tit\n", r"line 1: 1 columns, allowed: an Audacity label's 3 separated by tabs"),
        ("0.1\t0.3\t\n", r"line 1: event_label '', allowed: the name of a class"),
        ("0,1\t0.3\ttit\n", r"line 1: onset '0,1', allowed: a time in seconds"),
    ],
)
def test_lines_that_are_no_labels_are_refused(garden, text, refusal):
    (garden / "b" / "rec 1.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=refusal):
        list(read_audacity(garden, audio_root=None))


def test_selection_tables_of_one_file_and_of_several(tmp_path, write_audio):
    write_audio(tmp_path / "kitchen.wav")
    write_audio(tmp_path / "hall" / "door.wav")
    one = f"{RAVEN}\tAnnotation\n1\tWaveform 1\t1\t0.1\t0.3\t0\t9\ttit\n1\tSpectrogram 1\t1\t0.1\t0.3\t0\t9\ttit\n"
    (tmp_path / "kitchen.Table.1.selections.txt").write_text(one, encoding="utf-8")
    [entry] = read_raven(tmp_path / "kitchen.Table.1.selections.txt", audio_root=None)
    assert (entry.clip_id, entry.audio, entry.events) == (
        "kitchen",
        tmp_path / "kitchen.wav",
        (Event(0.1, 0.3, "tit"),),
    )
    several = (
        f"{RAVEN}\tSpecies\tBegin File\tFile Offset (s)\n"
        "1\tS 1\t1\t0.1\t0.3\t0\t9\ttit\tkitchen.wav\t0.1\n2\tS 1\t1\t0.6\t0.75\t0\t9\twren\tdoor.wav\t0.25\n"
    )
    (tmp_path / "all.txt").write_text(several, encoding="utf-8")
    kitchen, door = read_raven(tmp_path / "all.txt", audio_root=None)
    assert (door.clip_id, door.audio) == ("door", tmp_path / "hall" / "door.wav")
    assert (kitchen.events, door.events) == ((Event(0.1, 0.3, "tit"),), (Event(0.25, pytest.approx(0.4), "wren"),))


def test_birdnets_results_with_and_without_files(tmp_path, write_audio):
    write_audio(tmp_path / "garden.wav")
    columns = BIRDNET_COLUMNS.removesuffix(",File")
    path = tmp_path / "garden.BirdNET.results.csv"
    path.write_text(f"{columns}\n0.0,3.0,Turdus merula,Common Blackbird,0.91\n", encoding="utf-8")
    [entry] = read_birdnet(path, audio_root=None)
    assert (entry.clip_id, entry.audio) == ("garden", tmp_path / "garden.wav")
    assert entry.events == (Event(0.0, 3.0, "Common Blackbird"),)
    assert entry.slack_seconds == BIRDNET_WINDOW_SECONDS
    path.write_text(f"{columns}\n", encoding="utf-8")
    assert [entry.events for entry in read_birdnet(tmp_path, audio_root=None)] == [()]
    path.write_text(f"{BIRDNET_COLUMNS}\n0,3,Turdus merula,Blackbird,.9,{tmp_path}/garden.wav\n", encoding="utf-8")
    assert [entry.audio for entry in read_birdnet(path, audio_root=None)] == [tmp_path / "garden.wav"]
    path.write_text("Start (s),End (s)\n0,3\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"line 1: heading 'Start \(s\),End \(s\)', allowed: BirdNET's, Start"):
        list(read_birdnet(path, audio_root=None))


def test_a_folder_without_label_files_is_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"no \*\.txt in it, allowed: a label file, or a folder of label files"):
        list(read_raven(tmp_path, audio_root=None))
