"""Streams against what a corpus made of the same file gives, for rates, channels and formats; damage is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.audio.cuts import Cut
from datamodules.audio.waveforms import Waveforms
from experiments.applying.predicting import mono_stream as module
from experiments.applying.predicting.mono_stream import mono_stream, standard_input


def noise(num_samples: int, num_channels: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (num_samples, num_channels))


def streamed(path: Path, rate_hz: int) -> np.ndarray:
    with mono_stream(path, sample_rate_hz=rate_hz) as stream:
        return np.concatenate(list(stream.blocks()))


@pytest.mark.parametrize(("rate_hz", "channels", "subtype"), [(16000, 1, "PCM_16"), (44100, 2, "PCM_24"),
                                                              (8000, 3, "PCM_16"), (22050, 1, "FLOAT")])  # fmt: skip
def test_a_stream_is_what_a_corpus_of_the_file_gives(
    tmp_path: Path, rate_hz: int, channels: int, subtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.audio.audio_reader._BLOCK", 1000)  # many blocks
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise(rate_hz, channels), rate_hz, subtype=subtype)
    cut = Cut("noise", 0.0, 1.0, tuple(range(channels)), str(path), rate_hz, rate_hz)
    expected_S = Waveforms([cut], sample_rate_hz=16000, path=path)[0]
    found_S = streamed(path, 16000)
    assert found_S.shape == expected_S.shape
    assert np.abs(found_S - expected_S).max() <= (0 if rate_hz == 16000 else 1 / 32768)  # soxr's float error, rounded


@pytest.mark.parametrize(("content", "why"), [(b"", "an empty file"), (b"no sound at all" * 99, "ormat")])
def test_what_is_no_sound_is_refused_with_the_reason(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=why):
        streamed(path, 16000)


def test_a_copy_cut_short_is_refused_like_one_without_samples(tmp_path: Path) -> None:
    path = tmp_path / "whole.wav"
    soundfile.write(path, noise(16000, 1), 16000)
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(ValueError, match="cut short"):
        streamed(path, 16000)
    soundfile.write(path, noise(0, 1), 16000)
    with pytest.raises(ValueError, match="no samples"):
        streamed(path, 16000)


def test_a_pipe_is_a_file_while_it_is_read_and_may_state_no_length(tmp_path: Path) -> None:
    path = tmp_path / "whole.wav"
    soundfile.write(path, noise(16000, 1), 16000)
    whole = path.read_bytes()
    at = whole.index(b"data") + 4
    piped = whole[:4] + b"\xff" * 4 + whole[8:at] + b"\xff" * 4 + whole[at + 4 :]  # as ffmpeg -f wav - writes it
    for content in (whole, piped):
        with standard_input(io.BytesIO(content)) as held:
            assert len(streamed(held, 16000)) == 16000
    assert not held.exists()


def test_a_block_is_all_that_is_held(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(3_000_000, dtype=np.int16), 48000)
    with module.mono_stream(path, sample_rate_hz=16000) as stream:
        longest = max(len(block_S) for block_S in stream.blocks())
    assert longest < 200_000
