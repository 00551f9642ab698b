"""An audio file as a stream of one channel at the system's sample rate: a file of hours takes the memory of a block.

The samples are those that a corpus made of the file would give (``datamodules/audio/waveforms.py``): the mean of all
channels or the one that is named, resampled with soxr, at 16 bits. What is damaged is refused as ``earmark data check``
refuses it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray

from datamodules.audio.audio_facts import _cut_short as cut_short  # a new name in that file would change run keys
from datamodules.audio.audio_reader import Sound, check_full_scale, opened
from datamodules.audio.waveforms import FULL_SCALE

_COPIED_BYTES = 1 << 20


@dataclass
class MonoStream:
    """An open file. ``num_file_samples`` are those that ``blocks`` has read so far, at the file's own rate.

    ``channel`` is counted from 0; None is the mean of all.
    """

    sound: Sound
    sample_rate_hz: int
    channel: int | None = None
    num_file_samples: int = 0

    @property
    def duration_seconds(self) -> float:
        """Length of what was read so far."""
        return self.num_file_samples / self.sound.sample_rate_hz

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Samples in [-1, 1] at ``sample_rate_hz``, (S,) each, once. Raises ``ValueError`` for what is damaged."""
        file_rate_hz = self.sound.sample_rate_hz
        resampler = None
        if file_rate_hz != self.sample_rate_hz:
            resampler = soxr.ResampleStream(file_rate_hz, self.sample_rate_hz, 1, dtype="float32")
        for block_S in self._mono():
            yield _at_16_bits(block_S if resampler is None else resampler.resample_chunk(block_S))
        if resampler is not None:
            yield _at_16_bits(resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True))

    def _mono(self) -> Iterator[NDArray[np.float32]]:
        for block_SC in self.sound.blocks:
            self.num_file_samples += len(block_SC)
            check_full_scale(float(np.max(np.abs(block_SC))))
            one = 0 if block_SC.shape[1] == 1 else self.channel
            yield block_SC.mean(axis=1, dtype=np.float32) if one is None else block_SC[:, one]
        if not self.num_file_samples:
            raise ValueError("no samples")
        if (problem := cut_short(self.sound, self.num_file_samples)) is not None:
            raise ValueError(problem)


@contextmanager
def mono_stream(path: Path, *, sample_rate_hz: int, channel: int | None = None) -> Iterator[MonoStream]:
    """A file ready to be read. Raises ``ValueError`` with the reason alone, ``OSError``."""
    with opened(path) as sound:
        check_channel(channel, sound.num_channels)
        yield MonoStream(sound, sample_rate_hz, channel)


def check_channel(channel: int | None, num_channels: int) -> None:
    """Raise ``ValueError`` with the reason alone for a channel that a file lacks; None is the mean of all."""
    if channel is not None and not 0 <= channel < num_channels:
        raise ValueError(f"no channel {channel}, the file has {num_channels} (counted from 0)")


@contextmanager
def standard_input(stream: BinaryIO | None = None) -> Iterator[Path]:
    """What a pipe brings, as a file for as long as it is read: formats are told apart by seeking in them."""
    source = sys.stdin.buffer if stream is None else stream
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        with path.open("wb") as file:
            while block := source.read(_COPIED_BYTES):
                file.write(block)
        yield path


def _at_16_bits(samples_S: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to 16 bits, what is beyond full scale clipped: what training hears."""
    pcm_S = np.round(samples_S * np.float32(FULL_SCALE)).clip(-FULL_SCALE, FULL_SCALE - 1)
    rounded_S: NDArray[np.float32] = (pcm_S * np.float32(1 / FULL_SCALE)).astype(np.float32)
    return rounded_S
