"""What is empty is said to be empty, whatever its name and whatever it is read as."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from datamodules.importers.entry import ManifestError
from datamodules.importers.read import read_manifest
from datamodules.importers.sound_events.read import read_clips


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        *[(f"a.{suffix}", "auto") for suffix in ("tsv", "csv", "jsonl", "json", "txt", "jsonl.gz")],
        ("a.json", "nemo"), ("a.json", "lhotse"), ("a.csv", "common_voice"),
    ],
)  # fmt: skip
def test_of_speech(tmp_path: Path, name: str, format_name: str) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(ManifestError, match=rf"{name}: is empty, allowed: "):
        read_manifest(path, format_name=format_name)


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        *[(f"a.{suffix}", "auto") for suffix in ("tsv", "csv", "jsonl", "json", "txt", "BirdNET.results.csv")],
        ("a.tsv", "dcase"), ("a.csv", "esc50"), ("a.json", "label_studio"), ("a.jams", "jams"), ("a.jsonl", "lhotse"),
    ],
)  # fmt: skip
def test_of_sound_events(tmp_path: Path, name: str, format_name: str) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(ManifestError, match=rf"{name}: is empty, allowed: "):
        read_clips(path, format_name=format_name)


def test_compressed_nothing_is_empty_and_a_heading_is_not(tmp_path: Path) -> None:
    packed, heading = tmp_path / "cuts.jsonl.gz", tmp_path / "a.tsv"
    packed.write_bytes(gzip.compress(b""))
    with pytest.raises(ManifestError, match=r"cuts\.jsonl\.gz: is empty, allowed: one or more"):
        read_manifest(packed)
    heading.write_text("audio\ttext\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"a\.tsv: holds no utterance, allowed: one or more"):
        read_manifest(heading)


def test_so_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r": is an empty folder, allowed: a Kaldi data folder"):
        read_manifest(tmp_path)
    with pytest.raises(ManifestError, match=r": layout not certain \(an empty folder\), allowed: --format"):
        read_clips(tmp_path)


def test_a_label_track_without_events_stays_a_recording(tmp_path: Path) -> None:
    for name in ("quiet.txt", "quiet.wav"):
        (tmp_path / name).touch()
    [clip] = read_clips(tmp_path / "quiet.txt", format_name="audacity")
    assert not clip.labels
