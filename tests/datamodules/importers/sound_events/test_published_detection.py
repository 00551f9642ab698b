"""Published layouts are known by what is in them, where that leaves no doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.importers.entry import ManifestError
from datamodules.importers.sound_events.detect import LAYOUTS, detect_layout
from datamodules.importers.sound_events.read import read_clips


@pytest.mark.parametrize(
    ("name", "text", "layout"),
    [
        ("meta/esc50.csv", "filename,fold,target,category,esc10,src_file,take\n", "esc50"),
        ("a.csv", "# Segments csv\n# num_ytids=1\n# YTID, start_seconds, end_seconds, positive_labels\n", "audioset"),
        ("a.csv", "YTID, start_seconds, end_seconds, positive_labels\n", "audioset"),
        ("a.tsv", "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n", "audioset_strong"),
        ("a.jams", "{}", "jams"),
        ("a.json", '[{"id": 1, "annotations": []}]', "label_studio"),
        ("a.json", '[{"id": 1, "annotation_id": 3}]', "label_studio"),
        ("a.jsonl.gz", "", "lhotse"),
        ("a.csv", "filename,onset,offset,event_label\n", "dcase"),
        ("a.tsv", "filename\tevent_labels\n", "dcase"),
        ("d/metadata/test/test.csv", "filename\tonset\toffset\tevent_label\n", "dcase2018"),
    ],
)
def test_files_are_known_by_their_heading(tmp_path: Path, name: str, text: str, layout: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "d" / "audio").mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    assert detect_layout(tmp_path / name) == layout


@pytest.mark.parametrize(
    ("files", "layout"),
    [
        (["meta/esc50.csv"], "esc50"),
        (["annotations/train/a.txt"], "urban_sed"),
        (["annotations/validate/a.txt", "annotations/validate/a.jams"], "jams"),
        (["a.jams"], "jams"),
        (["metadata/train/weak.csv", "metadata/test/test.csv"], "dcase2018"),
        (["metadata/train/weak.csv", "metadata/eval/eval.csv"], "dcase2018_eval"),
    ],
)
def test_folders_are_known_by_their_files(tmp_path: Path, files: list[str], layout: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert detect_layout(tmp_path) == layout


def test_of_two_test_lists_the_user_chooses(tmp_path: Path) -> None:
    for name in ("train/weak", "test/test", "eval/eval"):
        (tmp_path / "metadata" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "metadata" / f"{name}.csv").write_text("")
    with pytest.raises(ManifestError, match=r"two test lists, allowed: --format dcase2018 \(test/test.csv\) or --for"):
        detect_layout(tmp_path)


def test_json_of_another_tool_is_not_taken_for_an_export(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"annotations": []}')
    with pytest.raises(ManifestError, match="layout not known from its name and first line, allowed: --format dcase"):
        detect_layout(tmp_path / "a.json")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_a_reader_that_refuses_nothing_in_a_line(tmp_path: Path, layout: str) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(ManifestError) as refused:
        read_clips(tmp_path / "nowhere", format_name=layout)
    assert "\n" not in str(refused.value)
