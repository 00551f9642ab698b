"""DCASE 2018 task 4 in its published folders: three kinds of list, two test lists, videos that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.published.dcase2018 import read_dcase2018, read_dcase2018_eval
from datamodules.run_warning import RunWarning

LISTS = {
    "train/weak.csv": "filename\tevent_labels\nY-a_0.000_10.000.wav\tDog,Speech\nY-b_30.000_40.000.wav\tCat\n",
    "train/unlabel_in_domain.csv": "filename\nY-c_0.000_10.000.wav\n",
    "train/unlabel_out_of_domain.csv": "filename\nY-d_0.000_10.000.wav\n",
    "test/test.csv": "filename\tonset\toffset\tevent_label\nY-e_0.000_9.000.wav\t0.778\t7.187\tDog\n"
    "Y-e_0.000_9.000.wav\t8.0\t8.5\tSpeech\nY-f_0.000_10.000.wav\t\t\t\n",
    "eval/eval.csv": "filename\tonset\toffset\tevent_label\nY-g_1.000_11.000.wav\t0.0\t10.0\tFrying\n",
}
AUDIO = ("train/weak/Y-a_0.000_10.000", "train/weak/Y-b_30.000_40.000", "train/unlabel_in_domain/Y-c_0.000_10.000",
         "train/unlabel_out_of_domain/Y-d_0.000_10.000", "test/Y-e_0.000_9.000", "test/Y-f_0.000_10.000",
         "eval/Y-g_1.000_11.000")  # fmt: skip


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for name, text in LISTS.items():
        (tmp_path / "metadata" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "metadata" / name).write_text(text)
    for name in AUDIO:
        (tmp_path / "audio" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "audio" / f"{name}.wav").write_bytes(b"")
    return tmp_path


def test_weak_and_unlabelled_clips_train_and_the_test_list_tests(dataset: Path) -> None:
    clips = {entry.clip_id: entry for entry in read_dcase2018(dataset)}
    assert [(name[:3], clip.split, clip.label_kind) for name, clip in clips.items()] == [
        ("Y-a", "train", "weak"), ("Y-b", "train", "weak"), ("Y-c", "train", "unlabelled"),
        ("Y-d", "train", "unlabelled"), ("Y-e", "test", "strong"), ("Y-f", "test", "strong"),
    ]  # fmt: skip
    assert clips["Y-a_0.000_10.000"].tags == {"Dog", "Speech"}
    dog = clips["Y-e_0.000_9.000"]
    assert dog.events == ((0.778, 7.187, "Dog"), (8.0, 8.5, "Speech"))
    assert dog.place == f"{dataset / 'metadata' / 'test' / 'test.csv'}, line 2"
    assert clips["Y-f_0.000_10.000"].events == ()
    assert all(clip.audio.is_file() for clip in clips.values())


def test_the_evaluation_list_is_the_other_test_list_and_places_say_so(dataset: Path) -> None:
    [clip] = [entry for entry in read_dcase2018_eval(dataset) if entry.split == "test"]
    assert (clip.clip_id, "eval.csv, line 2" in clip.place) == ("Y-g_1.000_11.000", True)


def test_a_list_by_itself_finds_its_audio_and_so_do_those_of_2019(dataset: Path) -> None:
    [clip] = read_dcase2018(dataset / "metadata" / "eval" / "eval.csv")
    assert (clip.split, clip.audio) == (None, dataset / "audio" / "eval" / "Y-g_1.000_11.000.wav")
    (dataset / "metadata" / "validation").mkdir()
    (dataset / "metadata" / "validation" / "eval_dcase2018.csv").write_text(LISTS["eval/eval.csv"])
    (dataset / "audio" / "eval").rename(dataset / "audio" / "validation")
    [clip] = read_dcase2018(dataset / "metadata" / "validation" / "eval_dcase2018.csv")
    assert clip.audio.is_file()


def test_gone_videos_are_counted_list_by_list_and_a_list_without_any_is_refused(dataset: Path) -> None:
    (dataset / "audio" / "train" / "weak" / "Y-b_30.000_40.000.wav").unlink()
    with pytest.warns(RunWarning, match=r"weak.csv: left out clips whose audio is not in .*, of 2: 1 \(Y-b_30"):
        clips = list(read_dcase2018(dataset))
    assert len(clips) == 5
    (dataset / "audio" / "test").rename(dataset / "elsewhere")
    with pytest.warns(RunWarning), pytest.raises(ManifestError, match=r"test.csv: none of its 2 files is in .*, allow"):
        list(read_dcase2018(dataset))


def test_clips_that_the_organisers_took_out_of_the_first_list_are_said(dataset: Path) -> None:
    (dataset / "metadata" / "test" / "files_to_remove.csv").write_text("filename\nY-f_0.000_10.000.wav\n")
    with pytest.warns(RunWarning, match=r"clips of the first test list that are in training .*: 1 \(Y-f_0"):
        clips = list(read_dcase2018(dataset))
    assert [clip.clip_id[:3] for clip in clips if clip.split == "test"] == ["Y-e"]


def test_a_folder_without_its_lists_is_refused_by_name(dataset: Path) -> None:
    (dataset / "metadata" / "eval" / "eval.csv").unlink()
    with pytest.raises(ManifestError, match=r"metadata/eval/eval.csv: no such file, allowed: a folder with metadata/e"):
        list(read_dcase2018_eval(dataset))
