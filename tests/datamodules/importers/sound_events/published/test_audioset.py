"""AudioSet's lists in their published form: quoted label lists, names with commas, files as downloaders name them."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.published.audioset import read_audioset, read_audioset_strong
from datamodules.importers.sound_events.published.audioset_files import Segment, SegmentAudio
from datamodules.run_warning import RunWarning

SEGMENTS = """\
# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=3, num_segs=3, num_unique_labels=3, num_positive_labels=5
# YTID, start_seconds, end_seconds, positive_labels
-0RWZT-miFs, 420.000, 430.000, "/m/05zppz,/m/0k4j"
b0RFKhbpFJA, 30.000, 40.000, "/m/09x0r"
YZ-gone_012, 0.000, 10.000, "/m/09x0r,/m/0k4j"
"""
NAMES = 'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n2,/m/0k4j,Car\n'
STRONG = """\
segment_id\tstart_time_seconds\tend_time_seconds\tlabel
b0RFKhbpFJA_30000\t2.627\t7.237\t/m/05zppz
b0RFKhbpFJA_30000\t0.0\t10.0\t/m/09x0r
-0RWZT-miFs_420000\t0.5\t1.0\t/m/09x0r
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "balanced_train_segments.csv").write_text(SEGMENTS)
    (tmp_path / "class_labels_indices.csv").write_text(NAMES)
    (tmp_path / "audio").mkdir()
    for name in ("Y-0RWZT-miFs.wav", "b0RFKhbpFJA_30.000_40.000.wav", "._b0RFKhbpFJA.wav", "notes.txt"):
        (tmp_path / "audio" / name).write_bytes(b"")
    return tmp_path


def test_labels_are_names_that_may_have_commas_and_gone_videos_are_counted(folder: Path) -> None:
    with pytest.warns(RunWarning, match=r"segments whose audio is not below .*, of 3: 1 \(YYZ-gone_012_0.000_10.000\)"):
        car, speech = read_audioset(folder / "balanced_train_segments.csv")
    assert car.tags == {"Male speech, man speaking", "Car"}
    assert (car.clip_id, car.recording) == ("Y-0RWZT-miFs_420.000_430.000", "-0RWZT-miFs")
    assert (car.audio, car.label_kind) == (folder / "audio" / "Y-0RWZT-miFs.wav", "weak")
    assert (speech.tags, speech.place) == ({"Speech"}, f"{folder / 'balanced_train_segments.csv'}, line 5")


def test_strong_labels_are_events_of_the_segment_that_the_id_says(folder: Path) -> None:
    (folder / "class_labels_indices.csv").unlink()
    (folder / "mid_to_display_name.tsv").write_text("/m/09x0r\tSpeech\n/m/05zppz\tMale speech, man speaking\n")
    (folder / "audioset_train_strong.tsv").write_text(STRONG)
    speech, car = read_audioset_strong(folder / "audioset_train_strong.tsv", audio_root=folder / "audio")
    assert (speech.clip_id, speech.audio.name) == ("Yb0RFKhbpFJA_30.000", "b0RFKhbpFJA_30.000_40.000.wav")
    assert speech.events == ((2.627, 7.237, "Male speech, man speaking"), (0.0, 10.0, "Speech"))
    assert speech.places == tuple(f"{folder / 'audioset_train_strong.tsv'}, line {line}" for line in (2, 3))
    assert car.events == ((0.5, 1.0, "Speech"),)


@pytest.mark.parametrize(
    "name",
    [
        "ABC-_12_345.wav",
        "YABC-_12_345.flac",
        "ABC-_12_345_30.wav",
        "ABC-_12_345_30.000_40.000.wav",
        "YABC-_12_345_30.000_40.000.wav",
        "ABC-_12_345_30.0-40.0.m4a",
        "ABC-_12_345_30000_40000.ogg",
        "ABC-_12_345_000030.wav",
        "below/ABC-_12_345_30_40.wav",
    ],
)
def test_files_are_found_as_common_downloaders_name_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "ABC-_12_345_50.000_60.000.wav").write_bytes(b"")  # another segment of the video
    segment = Segment("ABC-_12_345", 30.0, 40.0)
    assert SegmentAudio(tmp_path, tmp_path, [segment]).of(segment, place="") == tmp_path / name


def test_two_files_of_a_segment_are_refused(tmp_path: Path) -> None:
    for name in ("abc_30_40.wav", "Yabc.wav"):
        (tmp_path / name).write_bytes(b"")
    segment = Segment("abc", 30.0, 40.0)
    with pytest.raises(ManifestError, match=r"line 4: audio of Yabc_30.000_40.000 is .* and .*, allowed: one"):
        SegmentAudio(tmp_path, tmp_path, [segment]).of(segment, place="list.csv, line 4")


def test_ids_without_a_name_are_counted_and_labels_that_are_no_ids_are_names(folder: Path) -> None:
    (folder / "mine.csv").write_text('b0RFKhbpFJA, 30, 40, "/m/0zzzz,Bark,/m/09x0r"\n')
    with pytest.warns(RunWarning, match=r"1 labels of classes that the names beside it lack; their ids: 1 \(/m/0zzzz"):
        [clip] = read_audioset(folder / "mine.csv")
    assert clip.tags == {"Bark", "Speech"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("abc, 0, 10, /m/09x0r, /m/0k4j", r"line 4: 5 columns, allowed: 4 separated by commas .* in double quotes"),
        ('abc, x, 10, "/m/09x0r"', r"line 4: start_seconds 'x', allowed: a number of seconds"),
        ('abc, 10, 10, "/m/09x0r"', r"line 4: end_seconds '10' is not after start_seconds '10'"),
        ('abc, 0, 10, "/m/09x0r,"', r"line 4: label '', allowed: the name of a class"),
        ('abc, 0, 10, "/m/09x0r', r"line 4: unexpected end of data, allowed: CSV with double quotes"),
        ('abc, 0, 10, "/m/09x0r"', r"audio of none of 1 segments lies below .*, allowed: --audio-root, the folder of"),
    ],
)
def test_what_is_wrong_is_named_by_line(folder: Path, line: str, message: str) -> None:
    (folder / "bad.csv").write_text("\n".join([*SEGMENTS.splitlines()[:3], line]))
    with pytest.raises(ManifestError, match=message):
        list(read_audioset(folder / "bad.csv"))


def test_ids_without_any_file_of_names_and_bad_segment_ids_are_refused(folder: Path) -> None:
    (folder / "strong.tsv").write_text(STRONG.replace("b0RFKhbpFJA_30000", "b0RFKhbpFJA", 1))
    with pytest.raises(ManifestError, match=r"line 2: segment_id 'b0RFKhbpFJA', allowed: YTID_START"):
        list(read_audioset_strong(folder / "strong.tsv"))
    (folder / "class_labels_indices.csv").unlink()
    with pytest.raises(ManifestError, match=r"line 4: label '/m/05zppz' is an id and neither class_labels_indices"):
        list(read_audioset(folder / "balanced_train_segments.csv"))


names = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1).map(str.strip).filter(bool)


@given(st.lists(names, min_size=1, max_size=4, unique=True))
def test_any_display_name_that_csv_can_write_comes_back(written: list[str]) -> None:
    with tempfile.TemporaryDirectory() as home:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerows([("index", "mid", "display_name"), *((k, f"/m/{k}", name) for k, name in enumerate(written))])
        Path(home, "class_labels_indices.csv").write_text(table.getvalue(), encoding="utf-8", newline="")
        Path(home, "list.csv").write_text(f'abc, 0, 10, "{",".join(f"/m/{k}" for k in range(len(written)))}"\n')
        Path(home, "abc.wav").write_bytes(b"")
        [clip] = read_audioset(Path(home, "list.csv"))
        assert clip.tags == set(written)
