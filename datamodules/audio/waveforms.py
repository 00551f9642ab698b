"""The waveforms of many clips, each a stretch of a file: decoded once into memory, or when they are asked for.

They are ours, since Lhotse's in-memory mode decodes at every access. They are kept at 16 bits (exact for 16-bit files),
half of what float32 takes. Audio of another sample rate is resampled with soxr. Either way the samples are the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from datamodules.audio.audio_reader import SLACK_SECONDS, read_pcm
from datamodules.audio.cuts import Cut
from datamodules.audio.waveform_cache import WaveformCache
from datamodules.run_warning import first_names

FULL_SCALE = 32768.0
SOUGHT = {".wav", ".flac", ".aif", ".aiff", ".au", ".snd", ".w64", ".rf64", ".caf", ".sph"}


def _is_part(cut: Cut) -> bool:
    return round(cut.duration * cut.rate_hz) < cut.num_samples


class Waveforms:
    """Waveforms by number, at ``sample_rate_hz``. ``path`` is the manifest and
    ``what`` a clip is called, for messages.

    With a ``cache`` they stay in their files, and the cache has those that were asked for last.

    Errors are ``ValueError`` in one line that names the clip: audio that cannot be read, of another rate than its
    manifest says, or without a sample.
    """

    def __init__(self, cuts: Sequence[Cut], *, sample_rate_hz: int, path: Path, what: str = "clip") -> None:
        self.cuts = tuple(cuts)
        self.sample_rate_hz = sample_rate_hz
        self.path = path
        self.what = what
        self.cache: WaveformCache | None = None
        self._pcm: list[NDArray[np.int16]] | None = None

    @property
    def num_bytes(self) -> int:
        """What all of them take in memory, by the manifest."""
        return 2 * int(sum(cut.duration for cut in self.cuts) * self.sample_rate_hz)

    @property
    def num_samples(self) -> NDArray[np.int64]:
        """Samples of each clip by the manifest, (N,); reading checks them, to ``SLACK_SECONDS``."""
        return np.fromiter(map(self._expected, self.cuts), dtype=np.int64, count=len(self))

    @property
    def is_read(self) -> bool:
        """Whether they are in memory."""
        return self._pcm is not None

    def check_files(self) -> None:
        """Raise ``ValueError`` naming the files that are not there, which would end a training in its middle."""
        files = {cut.path: cut.id for cut in self.cuts}
        missing = [path for path in files if not os.path.isfile(path)]
        if missing:
            clip = files[missing[0]]
            raise ValueError(
                f"{self.path}: {len(missing)} of {len(files)} audio files are not there: {first_names(missing)} "
                f"({self.what} {clip!r} and on)"
            )

    def decoded_again(self) -> list[str]:
        """The clips that are a stretch of a file that has to be decoded from its beginning, or whole, to reach it."""
        return [cut.id for cut in self.cuts if _is_part(cut) and Path(cut.path).suffix.lower() not in SOUGHT]

    def read(self) -> None:
        """Decode every clip into memory, once."""
        if self._pcm is None:
            self._pcm = [self._decode(cut) for cut in self.cuts]

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Mono samples of one clip in [-1, 1], (S,); decoded now where ``read`` was not called."""
        return _as_floats(self._samples(index))

    def padded(self, indices: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Some clips as rows, zeros behind the shorter ones, (B, S), and their lengths (B,).

        Each is written to its row at once: a batch that is put together from copies costs several times as much.
        """
        rows = [self._samples(index) for index in indices]
        num_samples_B = np.array([len(pcm_S) for pcm_S in rows], dtype=np.int64)
        waveforms_BS = np.empty((len(rows), num_samples_B.max(initial=0)), dtype=np.float32)
        for waveform_S, pcm_S in zip(waveforms_BS, rows, strict=True):
            np.multiply(pcm_S, np.float32(1 / FULL_SCALE), out=waveform_S[: len(pcm_S)], dtype=np.float32)
            waveform_S[len(pcm_S) :] = 0
        return waveforms_BS, num_samples_B

    def _samples(self, index: int) -> NDArray[np.int16]:
        if self._pcm is not None:
            return self._pcm[index]
        if self.cache is None:
            return self._decode(self.cuts[index])
        pcm_S = self.cache.get((id(self), index))
        if pcm_S is None:
            pcm_S = self._decode(self.cuts[index])
            self.cache.put((id(self), index), pcm_S)
        return pcm_S

    def _expected(self, cut: Cut) -> int:
        """Samples of a cut at ``sample_rate_hz``, as ``read_audio`` cuts and soxr rounds."""
        num_samples = min(round(cut.duration * cut.rate_hz), cut.num_samples - round(cut.start * cut.rate_hz))
        return int(num_samples * self.sample_rate_hz / cut.rate_hz + 0.5)

    def _decode(self, cut: Cut) -> NDArray[np.int16]:
        """16-bit samples of one clip, (S,)."""
        where = f"{self.path}: {self.what} {cut.id!r}"
        try:
            audio_S, rate_hz = read_pcm(
                Path(cut.path),
                start_seconds=cut.start,
                duration_seconds=cut.duration,
                channel=cut.channel,
            )
        except ValueError as error:
            raise ValueError(f"{where}: cannot read {error}") from error
        if rate_hz != cut.rate_hz:
            raise ValueError(f"{where}: {cut.path} has {rate_hz} Hz, its manifest says {cut.rate_hz}")
        if rate_hz != self.sample_rate_hz:
            audio_S = soxr.resample(_as_floats(audio_S), rate_hz, self.sample_rate_hz)
        if not len(audio_S):
            raise ValueError(f"{where}: {cut.path} has no samples")
        if abs(len(audio_S) - self._expected(cut)) > SLACK_SECONDS * self.sample_rate_hz:
            raise ValueError(
                f"{where}: {cut.path} gives {len(audio_S)} samples, its manifest says {self._expected(cut)}"
            )
        return _as_integers(audio_S)


def _as_floats(audio_S: NDArray[np.int16] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples in [-1, 1]; a power of two as the divisor makes it exact."""
    if audio_S.dtype == np.float32:
        return audio_S  # type: ignore[return-value]
    return np.multiply(audio_S, np.float32(1 / FULL_SCALE), dtype=np.float32)


def _as_integers(audio_S: NDArray[np.int16] | NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples of 16 bits, what is beyond full scale clipped."""
    if audio_S.dtype == np.int16:
        return audio_S  # type: ignore[return-value]
    return np.round(audio_S * np.float32(FULL_SCALE)).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
