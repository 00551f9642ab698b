"""The one reader of audio files: check, import, batch trial, training and report page see the same samples.

libsndfile decodes, with the corrections of ``audio_streams.py``. What can't be read whole and at full scale is refused
in one line, and so are containers that libsndfile does not know (m4a, WebM, WMA), with the command that converts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from datamodules.audio.audio_streams import endless, part_only

# Full scale is 1. Mastering and lossy coding overshoot it by a little, which is clipped; samples in the range of int16
# or int32 written as floats reach thousands. At 8 (+18 dB) only digital silence of the second kind is below.
MAX_OVERSHOOT = 8.0
SLACK_SECONDS = 0.05  # manifests round times
_BLOCK = 1 << 18
Channel = int | tuple[int, ...] | None  # one of a file's, counted from 0, or several or (None) all: their mean
_SEEKS_EXACTLY = {"WAV", "WAVEX", "FLAC", "AIFF", "AU", "W64", "RF64", "CAF", "NIST"}


@dataclass(frozen=True, slots=True)
class Sound:
    """An open file; ``promised_samples`` is what its header states, None where it states nothing to be trusted."""

    sample_rate_hz: int
    num_channels: int
    promised_samples: int | None
    blocks: Iterator[NDArray[np.float32]]  # (S, C) each
    file: soundfile.SoundFile


class _Forward(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A file read from its beginning to its end: soundfile seeks at every read of others, which needs a length."""

    def seekable(self) -> bool:
        """Never."""
        return False


@contextmanager
def opened(path: Path) -> Iterator[Sound]:
    """A file ready to be decoded. Raises ``ValueError`` with the reason alone, the file's name is the caller's."""
    try:
        why = part_only(path)
        if why is not None:
            raise ValueError(f"{why}: only the first part would be read; {_convert(path)}")
        stream = endless(path)
        with soundfile.SoundFile(path) if stream is None else _Forward(stream) as file:
            promised = int(file.frames) if stream is None else None
            yield Sound(int(file.samplerate), int(file.channels), promised, _blocks(file), file)
    except soundfile.SoundFileError as error:
        if not path.stat().st_size:
            raise ValueError("an empty file") from error
        raise ValueError(_unknown_container(path) or _reason(error)) from error


def sound_length(path: Path) -> tuple[int, int, int]:
    """(samples, sample rate in Hz, channels) as reading will find them: the header's where it is to be trusted.

    Streams of unknown length and files of floats are decoded. Raises ``ValueError`` with the reason alone, ``OSError``.
    """
    with opened(path) as sound:
        num_samples = sound.promised_samples
        if num_samples is None or sound.file.subtype in ("FLOAT", "DOUBLE"):
            num_samples = 0
            for block_SC in sound.blocks:
                check_full_scale(float(np.max(np.abs(block_SC))))
                num_samples += len(block_SC)
        return num_samples, sound.sample_rate_hz, sound.num_channels


def read_audio(
    path: Path, *, start_seconds: float = 0.0, duration_seconds: float | None = None, channel: Channel = 0
) -> tuple[NDArray[np.float32], int]:
    """A part of a file as one channel, (S,) float32 with full scale 1, and its sample rate in Hz.

    Start and duration are rounded to samples; None goes to the file's end. Of several channels the mean is taken, None
    means all of the file's. What lacks at the end is less than ``SLACK_SECONDS``. Raises ``ValueError`` in one line: no
    such file, not readable, no such channel, beyond full scale, cut short.
    """
    samples_S, rate_hz = _read(path, start_seconds, duration_seconds, channel, as_stored=False)
    return np.ascontiguousarray(samples_S), rate_hz


def read_pcm(
    path: Path, *, start_seconds: float = 0.0, duration_seconds: float | None = None, channel: Channel = 0
) -> tuple[NDArray[np.int16] | NDArray[np.float32], int]:
    """The same as ``read_audio``, but as the file's own 16-bit integers where it holds such: faster, and no other."""
    samples_S, rate_hz = _read(path, start_seconds, duration_seconds, channel, as_stored=True)
    return np.ascontiguousarray(samples_S), rate_hz


def _read(
    path: Path, start_seconds: float, duration_seconds: float | None, channel: Channel, *, as_stored: bool
) -> tuple[NDArray[Any], int]:
    try:
        with opened(path) as sound:
            channels = _channels(channel, sound.num_channels)
            rate_hz = sound.sample_rate_hz
            start = round(start_seconds * rate_hz)
            count = None if duration_seconds is None else round(duration_seconds * rate_hz)
            if sound.promised_samples is not None and sound.file.format in _SEEKS_EXACTLY:
                is_pcm = as_stored and sound.file.subtype == "PCM_16" and len(channels) == 1
                sound.file.seek(min(start, sound.promised_samples))
                frames = -1 if count is None else count
                samples_SC = sound.file.read(frames, dtype="int16" if is_pcm else "float32", always_2d=True)
                samples_S = _one(samples_SC, channels)
            else:
                end = None if count is None else start + count
                samples_S = _whole(path, channels, path.stat().st_mtime_ns)[start:end]
        expected = count if count is not None else max(0, (sound.promised_samples or 0) - start)
        if expected - len(samples_S) > SLACK_SECONDS * rate_hz:
            raise ValueError(f"cut short: {len(samples_S)} of {expected} samples from {start_seconds:g} s on")
        if samples_S.dtype != np.int16:
            check_full_scale(float(np.max(np.abs(samples_S), initial=0.0)))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return samples_S, rate_hz


def check_full_scale(peak: float) -> None:
    """Raise ``ValueError`` for a largest absolute sample that isn't of a file whose full scale is 1."""
    if not np.isfinite(peak):
        raise ValueError("samples that are not finite")
    if peak > MAX_OVERSHOOT:
        raise ValueError(
            f"samples reach {peak:.6g} where full scale is 1 (floats in the range of integers?), allowed: up to "
            f"{MAX_OVERSHOOT:g}; divide them by their full scale"
        )


@lru_cache(maxsize=1)
def _whole(path: Path, channels: tuple[int, ...], _changed_ns: int) -> NDArray[np.float32]:
    """A whole file as one channel, kept for the next part of it: parts of a long MP3 come one after the other."""
    with opened(path) as sound:
        blocks = [_one(block_SC, channels) for block_SC in sound.blocks]
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)


def _channels(channel: Channel, num_channels: int) -> tuple[int, ...]:
    """The channels that are meant, each of them there."""
    wanted = (channel,) if isinstance(channel, int) else tuple(range(num_channels) if channel is None else channel)
    if lacking := [number for number in wanted if not 0 <= number < num_channels]:
        raise ValueError(f"no channel {lacking[0]}, the file has {num_channels} (counted from 0)")
    return wanted


def _one(samples_SC: NDArray[Any], channels: tuple[int, ...]) -> NDArray[Any]:
    """The mean of some channels, (S,); the samples themselves where it is a single one."""
    if len(channels) == 1:
        return samples_SC[:, channels[0]]
    mean_S: NDArray[np.float32] = samples_SC[:, channels].mean(axis=1, dtype=np.float32)
    return mean_S


def _blocks(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    # Not SoundFile.blocks(): it pads what a cut MP3 lacks.
    while len(block_SC := file.read(_BLOCK, dtype="float32", always_2d=True)):
        yield block_SC


def _unknown_container(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(12)
    names = {"MP4 (m4a)": head[4:8] == b"ftyp", "WebM or Matroska": head[:4] == b"\x1aE\xdf\xa3",
             "AAC": head[:1] == b"\xff" and head[1:2] in (b"\xf1", b"\xf9"), "WMA": head[:4] == b"0&\xb2u"}  # fmt: skip
    found = [name for name, is_it in names.items() if is_it]
    return f"{found[0]} is not read; {_convert(path)}" if found else None


def _convert(path: Path) -> str:
    """The command; RIFF, AIFF and AU sizes that are too small must be ignored, which SoX can for all of them."""
    if path.suffix.lower() in (".wav", ".aif", ".aiff", ".aifc", ".au", ".snd"):
        return f"convert it: sox --ignore-length {path.name} {path.stem}.flac"
    return f"convert it: ffmpeg -i {path.name} {path.stem}.flac"


def _reason(error: Exception) -> str:
    """libsndfile's reason without the file's name, which the caller gives."""
    text = re.sub(r"^Error opening .*?: (?=[A-Z])", "", str(error).strip().splitlines()[0])
    return text.removeprefix("Error : ").rstrip(".")
