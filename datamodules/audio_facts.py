"""What decoding an audio file from end to end says of it: the only test that a file is whole.

A header promises a length that a copy cut short does not have, and decoders differ in what they do then: FLAC fails in
the middle, MP3 returns fewer samples, WAV and Ogg just end. All four are reported as a ``problem``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

PEAKS_SECONDS = 0.1  # short beside an utterance; an hour of two channels takes 0.3 MB
_PEAKS_AT_ONCE = 100
# libsndfile's log: "data : 64000 (should be 38382)". A size near 2^31 or above is a stream's, which nobody knew.
_WAV_SIZES = re.compile(r"data : (\d+) \(should be (\d+)\)")
_UNKNOWN_SIZE = 0x7FFF_0000
_OGG_CUT = re.compile(r"without an End-Of-Stream|lacks an end-of-stream", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """A file's format as decoded; ``problem`` is why it is not usable, and then the rest may be 0.

    ``peak`` is the largest absolute sample, full scale 1; ``peaks_KC`` that of each ``PEAKS_SECONDS`` by channel.
    """

    exists: bool
    problem: str | None
    sample_rate_hz: int = 0
    num_samples: int = 0
    num_channels: int = 0
    peak: float = 0.0
    peaks_KC: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    @property
    def duration_seconds(self) -> float:
        """Length of the file in seconds, 0 where it is not readable."""
        return self.num_samples / self.sample_rate_hz if self.sample_rate_hz else 0.0

    def peak_between(self, start_seconds: float, end_seconds: float, channel: int) -> float:
        """The largest absolute sample of a stretch of one channel, to ``PEAKS_SECONDS``: what it shares with its
        neighbours counts only where it is shorter than that. ``peak`` where nobody kept more.
        """
        if self.peaks_KC is None:
            return self.peak
        hop_seconds = _hop(self.sample_rate_hz) / self.sample_rate_hz  # not .1 of every rate: 11 025 Hz would drift
        start, end = start_seconds / hop_seconds, end_seconds / hop_seconds
        first, last = math.ceil(start - 1e-6), math.floor(end + 1e-6)
        if last <= first:
            first, last = math.floor(start), math.ceil(end)
        return float(np.max(self.peaks_KC[first:last, channel], initial=0.0))


def audio_facts(path: Path) -> AudioFacts:
    """Decode a whole file. Never raises for a bad file: the facts say what is wrong."""
    if not path.is_file():
        return AudioFacts(exists=path.exists(), problem="is a folder" if path.is_dir() else "no such file")
    try:
        with soundfile.SoundFile(path) as file:
            return _decoded(file)
    except (OSError, soundfile.SoundFileError) as error:
        size = path.stat().st_size
        return AudioFacts(exists=True, problem=_reason(error) if size else "an empty file")


def all_audio_facts(paths: Iterable[Path], *, num_threads: int | None = None) -> Iterator[tuple[Path, AudioFacts]]:
    """Facts of many files as they come, in order; libsndfile decodes without Python's lock, so threads help."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(num_threads or os.cpu_count()) as pool:
        yield from zip(unique, pool.map(audio_facts, unique), strict=True)


def _decoded(file: soundfile.SoundFile) -> AudioFacts:
    num_samples, peaks = 0, []
    hop = _hop(file.samplerate)
    # Not SoundFile.blocks(): it pads what a cut MP3 lacks.
    while len(block_SC := file.read(hop * _PEAKS_AT_ONCE, dtype="float32", always_2d=True)):
        num_samples += len(block_SC)
        peaks.append(np.maximum.reduceat(np.abs(block_SC), range(0, len(block_SC), hop)))
    peaks_KC = np.concatenate(peaks) if peaks else np.zeros((0, file.channels), dtype=np.float32)
    peak = float(np.max(peaks_KC, initial=0.0))
    problem = _cut_short(file, num_samples)
    if not num_samples:
        problem = "no samples"
    elif not math.isfinite(peak):
        problem = "samples that are not finite"
    return AudioFacts(True, problem, int(file.samplerate), num_samples, int(file.channels), peak, peaks_KC)


def _hop(sample_rate_hz: int) -> int:
    """Samples of which one peak is kept."""
    return max(1, round(PEAKS_SECONDS * sample_rate_hz))


def _cut_short(file: soundfile.SoundFile, num_samples: int) -> str | None:
    if num_samples < file.frames:
        return f"cut short: {num_samples} of {file.frames} samples"
    sizes = _WAV_SIZES.search(file.extra_info)
    if sizes and int(sizes[2]) < int(sizes[1]) < _UNKNOWN_SIZE:
        return f"cut short: {sizes[2]} of {sizes[1]} bytes"
    if _OGG_CUT.search(file.extra_info):
        return "cut short: the stream has no end mark"
    return None


def _reason(error: Exception) -> str:
    """libsndfile's reason without the file's name, which the finding already gives."""
    text = re.sub(r"^Error opening .*?: (?=[A-Z])", "", str(error).strip().splitlines()[0])
    return text.removeprefix("Error : ").rstrip(".")
