"""What microphones hear beside the speaker: the room's echoes, then noises at a drawn signal-to-noise ratio.

Reverberation is the convolution with an impulse response that is drawn too: the direct path, then Gaussian noise whose
energy falls by 60 dB in the drawn RT60 (Polack's model, as in Habets' survey of 2006), in a drawn ratio to the direct
path. The direct path stays at sample 0 with weight 1, so that nothing is heard later than without; what rings on after
the recording's end is cut, and the recording keeps its length. Noise is a recording of a folder from a drawn place,
repeated where it is too short, so loud that ``10 log10(energy of the speech / energy of the noise)`` is as drawn.
Everything that is drawn is a pure function of (seed, epoch, name): no order, loader process or resume changes it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from datamodules.corpus_folder import data_root

Samples = NDArray[np.float32]
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")


def impulse_response(
    *, rt60_seconds: float, direct_to_reverberant_db: float, sample_rate_hz: int, generator: np.random.Generator
) -> Samples:
    """The direct path at sample 0, then noise that decays by 60 dB in ``rt60_seconds``, where it ends: (S,)."""
    num_samples = max(2, round(rt60_seconds * sample_rate_hz))
    falls_S = 10 ** (-3 * np.arange(num_samples) / (rt60_seconds * sample_rate_hz))  # 60 dB are 3 tenfolds
    response_S = generator.standard_normal(num_samples) * falls_S
    response_S[0] = 0.0
    response_S *= math.sqrt(10 ** (-direct_to_reverberant_db / 10) / np.square(response_S).sum())
    response_S[0] = 1.0
    return response_S.astype(np.float32)


def reverberated(waveform_S: Samples, response_S: Samples) -> Samples:
    """``waveform_S`` in the room of ``response_S``: as long, its onset where it was, and of the same energy: (S,)."""
    heard_S = fftconvolve(waveform_S, response_S)[: len(waveform_S)]
    energy, heard = float(np.square(waveform_S, dtype=np.float64).sum()), float(np.square(heard_S).sum())
    return (heard_S * math.sqrt(energy / heard)).astype(np.float32) if heard > 0 else waveform_S


def with_noise(waveform_S: Samples, noise_S: Samples, *, snr_db: float) -> Samples:
    """The sum of both, (S,), ``noise_S`` of as many samples made so loud that their energies have the ratio ``snr_db``.

    Where one of them is silent there is no such ratio: the waveform comes back as it is.
    """
    energy, noise = (float(np.square(of_S, dtype=np.float64).sum()) for of_S in (waveform_S, noise_S))
    if not (energy > 0 and noise > 0):
        return waveform_S
    gain = math.sqrt(energy / noise / 10 ** (snr_db / 10))
    return (waveform_S + np.float32(gain) * noise_S).astype(np.float32)


def excerpt(recording_S: Samples, *, start: int, num_samples: int) -> Samples:
    """``num_samples`` of a recording from ``start`` on, which begins again where it ends."""
    return np.take(recording_S, np.arange(start, start + num_samples), mode="wrap")


class NoiseFolder:
    """All recordings under a folder of the data root, or an absolute one (wav, flac, ogg), mono at ``sample_rate_hz``.

    Raises ``ValueError`` in one line for a folder that is none or holds no recording, and for a file that is empty,
    silent or unreadable.
    """

    def __init__(self, folder: str, *, sample_rate_hz: int) -> None:
        root = data_root() / folder  # an absolute path stays what it is
        self.paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
        if not self.paths:
            allowed = ", ".join(AUDIO_SUFFIXES)
            raise ValueError(f"noise_folder {folder!r}: no recordings in {root}; allowed: a folder with {allowed}")
        self.sample_rate_hz = sample_rate_hz

    @cached_property
    def recordings(self) -> list[Samples]:
        """Every recording, (S,) each, by path."""
        return [self._read(path) for path in self.paths]

    def _read(self, path: Path) -> Samples:
        try:
            samples_SC, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"noise_folder: {path} cannot be read: {' '.join(str(error).split())}") from error
        mono_S: Samples = np.asarray(samples_SC.mean(axis=1), dtype=np.float32)
        if not np.square(mono_S).sum() > 0:
            raise ValueError(f"noise_folder: {path} is silent ({len(mono_S)} samples), so it has no level to set")
        return mono_S if rate_hz == self.sample_rate_hz else soxr.resample(mono_S, rate_hz, self.sample_rate_hz)


class RoomAndNoise:
    """Reverberation with probability ``reverb_share``, then noise with ``noise_share``; of training alone.

    Args:
        noise_folder: recordings of noise, such as ``soundbank`` under the data root; None adds none. Its name is in a
            run's key, what it holds is not.
        noise_share: of the training recordings of an epoch, those that get noise.
        snr_db: lowest and highest ratio of speech to noise, equally likely between.
        reverb_share: those that are put into a room.
        rt60_seconds: lowest and highest time in which its echoes fall by 60 dB.
        direct_to_reverberant_db: lowest and highest ratio of the direct path's energy to the echoes'.
        seed: of everything that is drawn.

    Raises:
        ValueError: a share outside 0 and 1, bounds that are no increasing pair, a share of noise without a folder.

    """

    def __init__(
        self,
        *,
        noise_folder: str | None = None,
        noise_share: float = 0.0,
        snr_db: Sequence[float] = (5.0, 20.0),
        reverb_share: float = 0.0,
        rt60_seconds: Sequence[float] = (0.1, 0.6),
        direct_to_reverberant_db: Sequence[float] = (0.0, 10.0),
        seed: int = 0,
    ) -> None:
        for name, share in (("noise_share", noise_share), ("reverb_share", reverb_share)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {share}, allowed: 0 to 1")
        self.snr_db = _bounds("snr_db", snr_db)
        self.rt60_seconds = _bounds("rt60_seconds", rt60_seconds)
        self.direct_to_reverberant_db = _bounds("direct_to_reverberant_db", direct_to_reverberant_db)
        if not self.rt60_seconds[0] > 0:
            raise ValueError(f"rt60_seconds {list(rt60_seconds)}, allowed: above 0")
        if (noise_folder is None) != (noise_share == 0):
            raise ValueError(
                f"noise_share {noise_share} and noise_folder {noise_folder!r}: a share above 0 needs a folder of "
                "recordings, and a folder a share above 0"
            )
        self.noise_folder, self.noise_share, self.reverb_share, self.seed = (
            noise_folder, noise_share, reverb_share, seed,
        )  # fmt: skip
        self._noises: NoiseFolder | None = None

    def open(self, *, sample_rate_hz: int) -> None:
        """Read the noises now, once for all loader processes. Raises ``ValueError`` as ``NoiseFolder`` does."""
        if self.noise_folder is not None:
            _ = self.noises(sample_rate_hz).recordings

    def __call__(self, waveform_S: Samples, *, name: str, epoch: int, sample_rate_hz: int) -> Samples:
        """What is heard of a recording in an epoch: (S,) -> (S,)."""
        generator = drawn_generator(name, seed=self.seed, epoch=epoch)
        in_room, noisy = generator.random(2) < (self.reverb_share, self.noise_share)
        if in_room:
            response_S = impulse_response(
                rt60_seconds=generator.uniform(*self.rt60_seconds),
                direct_to_reverberant_db=generator.uniform(*self.direct_to_reverberant_db),
                sample_rate_hz=sample_rate_hz,
                generator=generator,
            )
            waveform_S = reverberated(waveform_S, response_S)
        if noisy:
            recordings = self.noises(sample_rate_hz).recordings
            recording_S = recordings[generator.integers(len(recordings))]
            start = int(generator.integers(len(recording_S)))
            noise_S = excerpt(recording_S, start=start, num_samples=len(waveform_S))
            waveform_S = with_noise(waveform_S, noise_S, snr_db=generator.uniform(*self.snr_db))
        return waveform_S

    def noises(self, sample_rate_hz: int) -> NoiseFolder:
        """The folder's recordings. Raises ``ValueError`` as ``NoiseFolder`` does."""
        if self._noises is None or self._noises.sample_rate_hz != sample_rate_hz:
            assert self.noise_folder is not None
            self._noises = NoiseFolder(self.noise_folder, sample_rate_hz=sample_rate_hz)
        return self._noises


def drawn_generator(name: str, *, seed: int, epoch: int) -> np.random.Generator:
    """Random numbers that are a pure function of (seed, epoch, name).

    >>> drawn_generator("a", seed=0, epoch=3).random() == drawn_generator("a", seed=0, epoch=3).random()
    True
    """
    digest = hashlib.blake2b(f"room and noise {seed} {epoch} {name}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _bounds(name: str, pair: Sequence[float]) -> tuple[float, float]:
    if len(pair) != 2 or not all(math.isfinite(bound) for bound in pair) or not pair[0] <= pair[1]:
        raise ValueError(f"{name} {list(pair)}, allowed: two numbers, the lower first")
    return float(pair[0]), float(pair[1])
