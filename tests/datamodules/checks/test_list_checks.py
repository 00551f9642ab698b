"""Folders and lists that differ, and columns in another order."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.audio.audio_facts import AudioFacts
from datamodules.checks.checked_clips import CheckedClip, clips_of_labels
from datamodules.checks.list_checks import heading_orders, unlisted_audio
from datamodules.importers.imported_clips.clip_source import ClipSource
from datamodules.importers.sound_events.clip_entry import ClipEntry


def test_audio_that_no_list_names_is_found_beside_what_is_named(tmp_path):
    for name in ("a.wav", "b.wav", "c.WAV", ".hidden.wav", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.wav").touch()
    clips = [
        CheckedClip("train", ClipEntry(name, tmp_path / name, ""), AudioFacts(True, None))
        for name in ("a.wav", "gone.wav")
    ]
    found = unlisted_audio(clips)
    assert (found.severity, found.count) == ("warning", 2)
    assert found.what.endswith("2 of 3 (66.7 %)")
    assert found.examples == (str(tmp_path / "b.wav"), str(tmp_path / "c.WAV"))


@pytest.mark.parametrize(
    ("first", "order"),
    [
        ("filename\tonset\toffset\tevent_label", None),
        ("file\tevent_onset\tevent_offset\tevent_label", None),
        ("filename\tonset\toffset\tevent_label\tnote", None),
        ("a.wav\t0.5\t1.5\tdog", None),
        ("onset\toffset\tfilename\tevent_label", "onset offset filename event_label"),
        ("event_labels,filename", "event_labels filename"),
        ("", None),
    ],
)
def test_a_heading_in_another_order_is_said(tmp_path, first, order):
    path = tmp_path / "labels.tsv"
    path.write_text(f"{first}\n", encoding="utf-8")
    found = heading_orders([path])
    assert (found is None) == (order is None)
    assert found is None or found.examples[0].startswith(f"{path}, line 1: {order}, not ")


def test_lists_of_other_columns_are_compared_with_each_other(tmp_path):
    paths = [tmp_path / f"{number}.csv" for number in range(3)]
    for path, heading in zip(paths, ("audio,labels,start", "audio,labels,start", "labels,audio,start"), strict=True):
        path.write_text(f"{heading}\n", encoding="utf-8")
    assert heading_orders(paths).examples == (f"{paths[2]}, line 1: labels audio start, not audio labels start",)


def test_lists_of_times_of_tags_and_of_files_are_one_set_of_clips(tmp_path):
    lists = {
        "strong.tsv": "filename\tonset\toffset\tevent_label\na.wav\t0\t1\tdog\n",
        "weak.tsv": "filename\tevent_labels\na.wav\tcat\nb.wav\tdog\n",
        "durations.tsv": "filename\tduration\na.wav\t10\nc.wav\t10\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = clips_of_labels(ClipSource({"train": [tmp_path / name for name in lists]})).by_split["train"]
    by_name: dict[Path, ClipEntry] = {entry.audio: entry for entry in found}
    assert len(found) == 3
    both, weak, listed = (by_name[tmp_path / name] for name in ("a.wav", "b.wav", "c.wav"))
    assert (len(both.events or ()), both.tags) == (1, {"cat"})
    assert (weak.events, weak.tags) == (None, {"dog"})
    assert (listed.events, listed.tags) == ((), None)
