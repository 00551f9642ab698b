"""Rows of a manifest against Lhotse's own reading of it, and lines that are none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from lhotse import MonoCut, load_manifest_lazy

from datamodules.audio.cuts import Cut, read_manifest

MANIFESTS = ("train", "train_strong", "validation", "validation_strong", "test")


def as_row(cut: MonoCut) -> Cut:
    """What Lhotse reads, as ours."""
    recording = cut.recording
    return Cut(
        id=cut.id, start=cut.start, duration=cut.duration, channel=cut.channel, path=recording.sources[0].source,
        rate_hz=recording.sampling_rate, num_samples=recording.num_samples,
    )  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
def test_rows_are_what_lhotse_reads(tiny_tones: Path, name: str) -> None:
    path = tiny_tones / "manifests" / f"{name}.jsonl.gz"
    rows = read_manifest(path, folder=tiny_tones)
    cuts = list(load_manifest_lazy(path).with_recording_path_prefix(tiny_tones))
    assert [row.drop_supervisions()._replace(custom=None) for row in rows] == list(map(as_row, cuts))
    assert [sorted((row.custom or {})["tags"]) for row in rows] == [sorted(cut.custom["tags"]) for cut in cuts]
    for row, cut in zip(rows, cuts, strict=True):
        assert [(one.start, one.duration, dict(one.custom or {})) for one in row.supervisions] == [
            (segment.start, segment.duration, segment.custom) for segment in cut.supervisions
        ]


def test_speech_is_read_as_lhotse_reads_it(tiny_speech: Path) -> None:
    path = tiny_speech / "manifests" / "test.jsonl.gz"
    for row, cut in zip(read_manifest(path, folder=tiny_speech), load_manifest_lazy(path), strict=True):
        [ours], [theirs] = row.supervisions, cut.supervisions
        assert (ours.text, ours.language, ours.speaker) == (theirs.text, theirs.language, theirs.speaker)


def line(**changes: Any) -> bytes:
    """A cut as Lhotse writes it, with changes to its recording."""
    source = {"type": "file", "channels": [0], "source": "a.wav"}
    recording = {"id": "a", "sources": [source], "sampling_rate": 16_000, "num_samples": 8000, "duration": 0.5}
    cut = {"id": "a", "start": 0.0, "duration": 0.5, "channel": 0, "recording": recording | changes, "type": "MonoCut"}
    return json.dumps(cut).encode()


def test_the_rate_of_a_resampled_recording_is_its_file_s(tmp_path: Path) -> None:
    resample = {"name": "Resample", "kwargs": {"source_sampling_rate": 8000, "target_sampling_rate": 16_000}}
    (tmp_path / "cuts.jsonl.gz").write_bytes(gzip.compress(line(transforms=[resample]) + b"\n\n"))
    [row] = read_manifest(tmp_path / "cuts.jsonl.gz", folder=tmp_path)
    assert (row.rate_hz, row.num_samples) == (8000, 4000)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"{", "line 2: Expecting property name"),
        (b"3", "line 2: "),
        (b'{"id": "a", "type": "MixedCut", "tracks": []}', "line 2: no 'recording'"),
        (line(sources=[{"type": "url", "channels": [0], "source": "http://a"}]), "line 2: audio of type 'url'"),
        (line(sources=[]), "line 2: "),
        (line(transforms=[{"name": "Speed", "kwargs": {}}]), "line 2: audio with the transform 'Speed'"),
    ],
)
def test_a_line_that_is_no_cut_of_one_file_is_named(tmp_path: Path, bad: bytes, message: str) -> None:
    (tmp_path / "cuts.jsonl.gz").write_bytes(gzip.compress(b"\n".join((line(), bad))))
    with pytest.raises(ValueError, match=message) as caught:
        read_manifest(tmp_path / "cuts.jsonl.gz", folder=tmp_path)
    assert "allowed: a cut of one audio file" in str(caught.value)
