"""Lists that were written on Windows or on a Mac name audio that lies on a disk of Linux, and the other way round."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from datamodules.importers.entry import audio_path, default_id
from datamodules.importers.sound_events.audio_files import AudioFiles

COMPOSED = "café/été.wav"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.mark.parametrize(("on_disk", "written"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED)])
def test_either_unicode_form_of_a_name_is_found(tmp_path: Path, on_disk: str, written: str) -> None:
    file = tmp_path / on_disk
    file.parent.mkdir()
    file.touch()
    assert audio_path(written, root=tmp_path, place="train.tsv, line 2").samefile(file)
    assert AudioFiles(tmp_path).named(Path(written).name, place="train.tsv, line 2").samefile(file)
    assert AudioFiles(tmp_path).named(Path(written).stem, place="train.tsv, line 2").samefile(file)


def test_backslashes_separate_folders_unless_a_file_is_called_so(tmp_path: Path) -> None:
    file = tmp_path / "dogs" / "1.wav"
    file.parent.mkdir()
    file.touch()
    assert audio_path(r"dogs\1.wav", root=tmp_path, place="train.tsv, line 2") == file
    assert audio_path(r"cats\1.wav", root=tmp_path, place="train.tsv, line 2") == tmp_path / r"cats\1.wav"
    odd = tmp_path / r"dogs\1.wav"
    odd.touch()
    assert audio_path(r"dogs\1.wav", root=tmp_path, place="train.tsv, line 2") == odd


def test_both_forms_of_a_name_are_one_id() -> None:
    assert default_id(COMPOSED, 0.0, False) == default_id(DECOMPOSED, 0.0, False) == "café-été"


def test_a_name_of_any_length_is_no_error(tmp_path: Path) -> None:
    assert audio_path("x" * 5000, root=tmp_path, place="train.tsv, line 2").name == "x" * 5000
