"""What decoding an audio file from end to end says of it: the only test that a file is whole.

A header promises a length that a copy cut short does not have, and decoders differ in what they do then: FLAC fails in
the middle, MP3 returns fewer samples, WAV and Ogg just end. All four are reported as a ``problem``, and so is what
``audio_reader.py`` refuses.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.audio.audio_reader import Sound, check_full_scale, opened

PEAK_BLOCK_SECONDS = 0.1
# libsndfile's log: "data : 64000 (should be 38382)". A size near 2^31 or above is a stream's, which nobody knew.
_WAV_SIZES = re.compile(r"data : (\d+) \(should be (\d+)\)")
_UNKNOWN_SIZE = 0x7FFF_0000
_FULL_SCALE = 1 - 2**-14  # the largest positive sample of 16 bits is 1 - 2^-15
_OGG_CUT = re.compile(r"without an End-Of-Stream|lacks an end-of-stream", re.IGNORECASE)


def _no_peaks() -> NDArray[np.float32]:
    return np.zeros((0, 0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """A file's format as decoded; ``problem`` is why it is not usable, and then the rest may be 0.

    ``peak`` is the largest absolute sample, full scale 1; ``peaks_KC`` that of each ``PEAK_BLOCK_SECONDS`` of each
    channel; ``num_full_scale`` counts the samples at full scale or above, of all channels. ``digest`` is of rate and
    samples, whatever they are stored as: a WAV and the FLAC that was made of it have one.
    """

    exists: bool
    problem: str | None
    sample_rate_hz: int = 0
    num_samples: int = 0
    num_channels: int = 0
    peak: float = 0.0
    peaks_KC: NDArray[np.float32] = field(default_factory=_no_peaks, compare=False, repr=False)
    num_full_scale: int = 0
    digest: str = ""

    @property
    def duration_seconds(self) -> float:
        """Length of the file in seconds, 0 where it is not readable."""
        return self.num_samples / self.sample_rate_hz if self.sample_rate_hz else 0.0

    def peak_between(self, start_seconds: float, end_seconds: float, channel: int) -> float:
        """Largest absolute sample of a part of a channel, to the block: both ends are widened to whole blocks.

        0 outside the file and for a channel that it lacks; the file's where blocks were not measured.
        """
        if not self.peaks_KC.size:
            return self.peak
        if not 0 <= channel < self.peaks_KC.shape[1]:
            return 0.0
        block = _block_samples(self.sample_rate_hz)
        first = int(start_seconds * self.sample_rate_hz) // block
        last = -(-int(end_seconds * self.sample_rate_hz) // block)
        return float(np.max(self.peaks_KC[first:last, channel], initial=0.0))


def audio_facts(path: Path) -> AudioFacts:
    """Decode a whole file. Never raises for a bad file: the facts say what is wrong."""
    if not path.is_file():
        return AudioFacts(exists=path.exists(), problem="is a folder" if path.is_dir() else "no such file")
    try:
        with opened(path) as sound:
            return _decoded(sound)
    except OSError as error:
        return AudioFacts(exists=True, problem=str(error.strerror or error))
    except ValueError as error:
        return AudioFacts(exists=True, problem=str(error))


def all_audio_facts(paths: Iterable[Path], *, num_threads: int | None = None) -> Iterator[tuple[Path, AudioFacts]]:
    """Facts of many files as they come, in order; libsndfile decodes without Python's lock, so threads help."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(num_threads or os.cpu_count()) as pool:
        yield from zip(unique, pool.map(audio_facts, unique), strict=True)


def _decoded(sound: Sound) -> AudioFacts:
    num_samples, num_full_scale, block = 0, 0, _block_samples(sound.sample_rate_hz)
    digest = hashlib.blake2b(f"{sound.sample_rate_hz} {sound.num_channels} ".encode(), digest_size=16)
    peaks: list[NDArray[np.float32]] = []  # (C,) each
    for samples_SC in sound.blocks:
        number = (num_samples + np.arange(len(samples_SC))) // block
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        absolute_SC = np.abs(samples_SC)
        peaks_KC = np.maximum.reduceat(absolute_SC, starts, axis=0)
        num_full_scale += int(np.count_nonzero(absolute_SC >= _FULL_SCALE))
        digest.update(np.ascontiguousarray(samples_SC).data)
        if peaks and num_samples % block:  # the last block goes on
            peaks[-1] = np.maximum(peaks[-1], peaks_KC[0])
            peaks_KC = peaks_KC[1:]
        peaks.extend(peaks_KC)
        num_samples += len(samples_SC)
    if not num_samples:
        return AudioFacts(True, "no samples", sound.sample_rate_hz, 0, sound.num_channels)
    peaks_KC = np.stack(peaks)
    peak = float(np.max(peaks_KC))
    problem = _cut_short(sound, num_samples)
    try:
        check_full_scale(peak)
    except ValueError as error:
        problem = str(error)
    return AudioFacts(
        True, problem, sound.sample_rate_hz, num_samples, sound.num_channels, peak, peaks_KC, num_full_scale,
        digest.hexdigest(),
    )  # fmt: skip


def _block_samples(sample_rate_hz: int) -> int:
    return max(1, round(PEAK_BLOCK_SECONDS * sample_rate_hz))


def _cut_short(sound: Sound, num_samples: int) -> str | None:
    if sound.promised_samples is not None and num_samples < sound.promised_samples:
        return f"cut short: {num_samples} of {sound.promised_samples} samples"
    log = sound.file.extra_info
    sizes = _WAV_SIZES.search(log)
    if sizes and int(sizes[2]) < int(sizes[1]) < _UNKNOWN_SIZE:
        return f"cut short: {sizes[2]} of {sizes[1]} bytes"
    if _OGG_CUT.search(log):
        return "cut short: the stream has no end mark"
    return None
