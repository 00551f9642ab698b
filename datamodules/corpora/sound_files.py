"""From the bytes of a sound file to a bare 16 kHz mono recording, and from a bank's FLAC file back to samples.

Near-silence at both ends is cut: game sounds are padded with digital silence, and padding tells the class to a network
that should listen. The bank stores each recording at a fixed peak, since mixing sets its level anyway.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
TRIM_BELOW_PEAK_DB = 30.0  # a tail this far below the loudest frame is inaudible in any mix of 20 dB or less
_FRAME = SAMPLE_RATE_HZ // 100
_MARGIN_FRAMES = 2
_PEAK = 0.9


class SoundFileError(ValueError):
    """A sound file that cannot be decoded, or that is silent."""


def decode(name: str, data: bytes) -> NDArray[np.float32]:
    """Decode WAV, Ogg, MP3 or FLAC bytes to mono at 16 kHz, shape (samples,)."""
    try:
        waveform_SC, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SoundFileError(f"{name}: not a readable sound file ({error})") from error
    return np.asarray(soxr.resample(waveform_SC.mean(axis=1), rate_hz, SAMPLE_RATE_HZ), dtype=np.float32)


def trim_silence(
    waveform_S: NDArray[np.float32],
    *,
    below_peak_db: float = TRIM_BELOW_PEAK_DB,
    margin_frames: int = _MARGIN_FRAMES,
) -> NDArray[np.float32]:
    """Cut both ends where the level stays 30 dB below the loudest 10 ms, leaving 20 ms of margin (two frames).

    >>> sound = np.concatenate([np.zeros(1600), np.ones(1600), np.zeros(3200)]).astype(np.float32)
    >>> len(trim_silence(sound)) / SAMPLE_RATE_HZ
    0.14
    """
    return waveform_S[sounding(waveform_S, below_peak_db=below_peak_db, margin_frames=margin_frames)]


def sounding(waveform_S: NDArray[np.float32], *, below_peak_db: float, margin_frames: int) -> slice:
    """The samples that ``trim_silence`` leaves."""
    num_frames = len(waveform_S) // _FRAME
    level_T = np.sqrt(np.mean(waveform_S[: num_frames * _FRAME].reshape(num_frames, _FRAME) ** 2, axis=1))
    if num_frames == 0 or not level_T.max() > 0:
        return slice(0)
    loud = np.flatnonzero(level_T > level_T.max() * 10 ** (-below_peak_db / 20))
    first, last = max(0, loud[0] - margin_frames), loud[-1] + 1 + margin_frames
    return slice(first * _FRAME, last * _FRAME)


def to_bank_samples(waveform_S: NDArray[np.float32]) -> NDArray[np.int16]:
    """16-bit samples at the bank's peak level."""
    scaled_S = waveform_S * (_PEAK * 32767.0 / float(np.abs(waveform_S).max()))
    return np.asarray(np.round(scaled_S), dtype=np.int16)


def write_flac(path: Path, samples_S: NDArray[np.int16], sample_rate_hz: int) -> None:
    """Write mono 16-bit FLAC. Raises ``OSError`` where libsndfile fails (a full disk, most likely)."""
    try:
        soundfile.write(path, samples_S, sample_rate_hz, subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise OSError(f"{path}: cannot be written ({error}); is the disk full?") from error


def read_bank_file(path: Path) -> NDArray[np.float32]:
    """A recording of the bank as float32 in [-1, 1], shape (samples,)."""
    try:
        waveform_S, _ = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise SoundFileError(
            f"{path}: not a readable sound file ({error}); run: earmark data soundbank --rebuild"
        ) from error
    return np.asarray(waveform_S, dtype=np.float32)
