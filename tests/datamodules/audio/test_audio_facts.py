"""Files that are not whole: each way in which decoders let them pass is found."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.audio.audio_facts import all_audio_facts, audio_facts


def cut(path: Path, fraction: float = 0.6) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.flac", {}), ("a.wav", {}), ("a.mp3", {}), ("a.ogg", {}), ("a.opus", {"format": "OGG", "subtype": "OPUS"})],
)
def test_whole_files_have_no_problem_and_cut_ones_do(write_audio, tmp_path, name, options):
    path = write_audio(tmp_path / name, 2.0, **options)
    whole = audio_facts(path)
    assert (whole.problem, whole.sample_rate_hz, whole.num_samples, whole.num_channels) == (None, 16_000, 32_000, 1)
    assert 0.2 < whole.peak < 0.7
    assert audio_facts(cut(path)).problem


def test_what_a_cut_wav_lacks_is_said(write_audio, tmp_path):
    assert audio_facts(cut(write_audio(tmp_path / "a.wav", 2.0))).problem == "cut short: 38382 of 64000 bytes"


def test_a_piped_wav_of_unknown_size_is_whole(write_audio, tmp_path):
    path = write_audio(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 0xFFFF_FFFF)  # as ffmpeg writes to a pipe
    path.write_bytes(data)
    facts = audio_facts(path)
    assert (facts.problem, facts.num_samples) == (None, 8000)


def test_missing_empty_foreign_and_damaged_files_say_so(write_audio, tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not audio at all")
    damaged = write_audio(tmp_path / "a.flac", 2.0)
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = b"\x55" * 400
    damaged.write_bytes(data)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.full(10, np.nan), 16_000, subtype="FLOAT")
    problems = {
        path.name: facts.problem
        for path, facts in all_audio_facts(
            [tmp_path / name for name in ("absent.wav", "empty.wav", "text.wav", "a.flac", "none.wav", "nan.wav", "")]
        )
    }
    assert problems["absent.wav"] == "no such file"
    assert problems["empty.wav"] == "an empty file"
    assert problems["text.wav"] == "Format not recognised"
    assert problems["a.flac"]
    assert problems["none.wav"] == "no samples"
    assert problems["nan.wav"] == "samples that are not finite"
    assert problems[tmp_path.name] == "is a folder"
    assert not audio_facts(tmp_path / "absent.wav").exists


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 44_100])
def test_the_peak_of_a_stretch_is_that_of_its_own_channel_and_time(tmp_path, rate_hz):
    samples_SC = np.zeros((300 * rate_hz, 2))
    samples_SC[200 * rate_hz : 202 * rate_hz, 1] = 0.5
    soundfile.write(tmp_path / "a.wav", samples_SC, rate_hz, subtype="FLOAT")
    facts = audio_facts(tmp_path / "a.wav")
    assert facts.peak == 0.5
    assert facts.peak_between(0.0, 300.0, 0) == 0.0
    assert facts.peak_between(200.0, 202.0, 1) == facts.peak_between(201.0, 201.01, 1) == 0.5
    assert facts.peak_between(0.0, 199.8, 1) == facts.peak_between(202.2, 300.0, 1) == 0.0
    assert facts.peak_between(400.0, 401.0, 1) == 0.0
