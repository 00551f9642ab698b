"""ESC-50's list in its published form: folds, recordings, ESC-10 in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.published.esc50 import read_esc10, read_esc50
from datamodules.run_warning import RunWarning

HEADING = "filename,fold,target,category,esc10,src_file,take\n"
ROWS = (
    "1-100032-A.wav,1,0,dog,True,100032,A\n"
    "1-100038-A.wav,1,14,chirping_birds,False,100038,A\n"
    "2-122104-B.wav,2,0,dog,True,122104,B\n"
)


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    folder = tmp_path / "ESC-50-master"
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "esc50.csv").write_text(HEADING + ROWS)
    return folder


@pytest.mark.parametrize("given", [".", "meta/esc50.csv"])
def test_a_clip_has_its_category_its_fold_and_its_freesound_recording(esc50: Path, given: str) -> None:
    dog, birds, _ = read_esc50(esc50 / given)
    assert (dog.clip_id, dog.audio) == ("1-100032-A", esc50 / "audio" / "1-100032-A.wav")
    assert (dog.label_kind, dog.tags, dog.fold, dog.recording) == ("weak", {"dog"}, "1", "100032")
    assert dog.place == f"{esc50 / 'meta' / 'esc50.csv'}, line 2"
    assert birds.tags == {"chirping_birds"}


def test_esc10_is_the_rows_marked_so_and_the_others_are_counted(esc50: Path) -> None:
    with pytest.warns(RunWarning, match=r"clips of ESC-50 that are not ESC-10's: 1 \(1-100038-A\)"):
        clips = list(read_esc10(esc50))
    assert [clip.clip_id for clip in clips] == ["1-100032-A", "2-122104-B"]


def test_audio_may_lie_elsewhere(esc50: Path, tmp_path: Path) -> None:
    assert next(iter(read_esc50(esc50, audio_root=tmp_path))).audio == tmp_path / "1-100032-A.wav"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (HEADING + "a.wav,one,0,dog,True,1,A\n", r"line 2: fold 'one', allowed: a whole number"),
        (HEADING + "a.wav,1,0,dog,yes,1,A\n", r"line 2: esc10 'yes', allowed: True or False"),
        (HEADING + "a.wav,1,0,,True,1,A\n", r"line 2: category '', allowed: the name of a class"),
        (HEADING + "a.wav,1,0,dog,True,1\n", r"line 2: 6 columns, allowed: the heading's 7"),
        ("filename,fold,target,Category,esc10,src_file\n", r"line 1: no column 'category' \(is it 'Category'\?\)"),
        (
            HEADING + '"a.wav,1,0,dog,True,1,A\n',
            r"line 2: unexpected end of data, allowed: CSV with double quotes",
        ),
    ],
)
def test_what_is_wrong_is_named_by_line(esc50: Path, written: str, message: str) -> None:
    (esc50 / "meta" / "esc50.csv").write_text(written)
    with pytest.raises(ManifestError, match=message):
        list(read_esc50(esc50))
