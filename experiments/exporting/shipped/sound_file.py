"""Samples of a sound file: WAV by Python itself, other formats where soundfile is installed.

Channels are averaged. Another sample rate than the model's is resampled where soxr or scipy is installed, and refused
in one line where neither is.
"""

from __future__ import annotations

import io
import wave
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def read_sound(source: Path | bytes, *, rate_hz: int) -> Samples:
    """Samples in [-1, 1] at ``rate_hz``, of a file or of a file's bytes. Raises ``ValueError`` in one line."""
    name = "the audio" if isinstance(source, bytes) else str(source)
    samples_SC, found_hz = _decoded(source, name)
    if not samples_SC.size:
        raise ValueError(f"{name}: has no samples")
    samples_S = samples_SC.mean(axis=1, dtype=np.float64).astype(np.float32)
    return samples_S if found_hz == rate_hz else _resampled(samples_S, found_hz, rate_hz, name=name)


def _decoded(source: Path | bytes, name: str) -> tuple[NDArray[Any], int]:
    """Samples (S, channels) and their rate: by soundfile, as earmark reads them, or else by Python's wave."""
    file: Any = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    if isinstance(source, Path) and not source.is_file():
        raise ValueError(f"{name}: no such file")
    try:
        import soundfile
    except (ImportError, OSError):
        return _decoded_wav(file, name)
    try:
        samples_SC, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except RuntimeError as error:
        raise ValueError(f"{name}: can't be read as sound: {error}") from None
    return samples_SC, int(rate_hz)


def _decoded_wav(file: Any, name: str) -> tuple[NDArray[Any], int]:
    try:
        with wave.open(file, "rb") as sound:
            width, channels, rate_hz = sound.getsampwidth(), sound.getnchannels(), sound.getframerate()
            data = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{name}: no WAV of whole numbers ({error}); other formats need soundfile") from None
    values = _whole_numbers(data, width)
    return values[: len(values) // channels * channels].reshape(-1, channels), rate_hz


def _whole_numbers(data: bytes, width: int) -> NDArray[Any]:
    """Little-endian samples of so many bytes as floats; those of one byte are without sign.

    >>> _whole_numbers(bytes([0, 128, 255, 127]), 2).tolist(), _whole_numbers(bytes([0, 0, 64]), 3).tolist()
    ([-1.0, 0.999969482421875], [0.5])
    """
    whole = data[: len(data) // width * width]
    if width == 1:
        return (np.frombuffer(whole, np.uint8).astype(np.float32) - 128) / 128
    padded = np.zeros((len(whole) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(whole, np.uint8).reshape(-1, width)
    values: NDArray[Any] = (padded.view("<i4")[:, 0] / 2.0**31).astype(np.float32)
    return values


def _resampled(samples_S: Samples, found_hz: int, rate_hz: int, *, name: str) -> Samples:
    try:
        import soxr
    except ImportError:
        pass
    else:
        return np.asarray(soxr.resample(samples_S, found_hz, rate_hz), dtype=np.float32)
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise ValueError(
            f"{name}: {found_hz} Hz, and the model hears {rate_hz} Hz; resample it, or install soxr or scipy"
        ) from None
    common = gcd(found_hz, rate_hz)
    return np.asarray(resample_poly(samples_S, rate_hz // common, found_hz // common), dtype=np.float32)
