"""The waveforms of many clips, each a stretch of a file: decoded once into memory.

They are ours, since Lhotse's in-memory mode decodes at every access. They are kept at 16 bits (exact for 16-bit files),
half of what float32 takes. Audio of another sample rate is resampled with soxr.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
from lhotse.cut import MonoCut, MultiCut
from numpy.typing import NDArray

from datamodules.audio.audio_reader import Channel, read_audio

FULL_SCALE = 32768.0


class Stretch(NamedTuple):
    """Where the audio of a clip is; ``rate_hz`` is the file's sample rate as its manifest has it."""

    clip_id: str
    path: str
    start_seconds: float
    duration_seconds: float
    channel: Channel
    rate_hz: int


def stretch(cut: MonoCut | MultiCut) -> Stretch:
    """What a manifest's cut is cut from; one with several channels (Lhotse's ``MultiCut``) is their mean."""
    channel = cut.channel if isinstance(cut.channel, int) else tuple(cut.channel)
    return Stretch(
        clip_id=str(cut.id),
        path=str(cut.recording.sources[0].source),
        start_seconds=float(cut.start),
        duration_seconds=float(cut.duration),
        channel=channel,
        rate_hz=int(cut.recording.sampling_rate),
    )


class Waveforms:
    """Waveforms by number, at ``sample_rate_hz``. ``path`` is the manifest, for messages.

    Errors are ``ValueError`` in one line that names the clip: audio that cannot be read, of another rate than its
    manifest says, or without a sample.
    """

    def __init__(self, stretches: Sequence[Stretch], *, sample_rate_hz: int, path: Path) -> None:
        self.stretches = tuple(stretches)
        self.sample_rate_hz = sample_rate_hz
        self.path = path
        self._pcm: list[NDArray[np.int16]] | None = None

    def read(self) -> None:
        """Decode every clip into memory, once."""
        if self._pcm is None:
            self._pcm = [self._decode(one) for one in self.stretches]

    def __len__(self) -> int:
        return len(self.stretches)

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Mono samples of one clip in [-1, 1], (S,); decoded now where ``read`` was not called."""
        pcm_S = self._decode(self.stretches[index]) if self._pcm is None else self._pcm[index]
        return pcm_S.astype(np.float32) / np.float32(FULL_SCALE)

    def _decode(self, one: Stretch) -> NDArray[np.int16]:
        """16-bit samples of one clip, (S,)."""
        where = f"{self.path}: clip {one.clip_id!r}"
        try:
            audio_S, rate_hz = read_audio(
                Path(one.path),
                start_seconds=one.start_seconds,
                duration_seconds=one.duration_seconds,
                channel=one.channel,
            )
        except ValueError as error:
            raise ValueError(f"{where}: cannot read {error}") from error
        if rate_hz != one.rate_hz:
            raise ValueError(f"{where}: {one.path} has {rate_hz} Hz, its manifest says {one.rate_hz}")
        if rate_hz != self.sample_rate_hz:
            audio_S = soxr.resample(audio_S, rate_hz, self.sample_rate_hz)
        if not len(audio_S):
            raise ValueError(f"{where}: {one.path} has no samples")
        return np.round(audio_S * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
