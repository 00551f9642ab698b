"""One recording from its file to its transcript: decoded as a stream, cut, read part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from datamodules.audio.audio_reader import sound_length
from datamodules.audio.cuts import Cut
from datamodules.audio.waveforms import Waveforms
from experiments.applying.predicting.mono_stream import check_channel, mono_stream
from experiments.applying.transcribing.loudness import SILENT_DECIBELS, Loudness
from experiments.applying.transcribing.parts import Cutter, Part
from experiments.applying.transcribing.remarks import sound_remarks
from experiments.applying.transcribing.settings import Settings
from experiments.applying.transcribing.speech_activity import RATES_HZ, SpeechActivity, network_file
from experiments.applying.transcribing.transcript import ReadPart, Times, Transcript
from lightning_modules.asr.recogniser import Recogniser

Advance = Callable[[float], None]  # seconds of audio read so far


class PartReader(Protocol):
    """What reads a part: ``Reader``, ``WhisperReader``. ``unaligned`` counts the parts whose words have no times."""

    times: Times
    sample_rate_hz: int
    unaligned: int

    @property
    def system(self) -> Recogniser:
        """The recogniser."""

    def read(self, part: Part) -> ReadPart:
        """Its text, times in seconds of the recording. Raises ``ValueError`` for a part that can't be read."""

    def close(self) -> None:
        """Remove what was kept to read."""


@dataclass
class Transcriber:
    """Transcribes recordings one after another; ``how`` they are cut is said by ``cut_in_words``."""

    reader: PartReader
    settings: Settings

    def __post_init__(self) -> None:
        self.sample_rate_hz = self.reader.sample_rate_hz
        hears = network_file() is not None and self.sample_rate_hz in RATES_HZ
        self.how = self.settings.cut or ("vad" if hears else "quiet")
        self._ear: SpeechActivity | Loudness | None = None
        if self.how != "none":
            self._ear = SpeechActivity(sample_rate_hz=self.sample_rate_hz) if self.how == "vad" else Loudness()

    @property
    def cut_in_words(self) -> str:
        """For people."""
        if self.how == "none":
            return "not cut: one part a file, whatever its length"
        by = "silero-vad" if self.how == "vad" else f"{SILENT_DECIBELS:g} dB under the loudest"
        return (
            f"files of more than {self.settings.max_seconds:g} s cut in pauses of {self.settings.pause_seconds:g} s or "
            f"more ({by}), and at the quietest place of a longer part"
        )

    def file(
        self, path: Path, *, name: str, channel: int | None = None, advance: Advance = lambda seconds: None
    ) -> Transcript:
        """A whole file; ``channel`` None is the mean of all. Raises ``ValueError`` with the reason, ``OSError``."""
        with mono_stream(path, sample_rate_hz=self.sample_rate_hz, channel=channel) as stream:

            def told() -> Iterator[NDArray[np.float32]]:
                for block_S in stream.blocks():
                    yield block_S
                    advance(stream.duration_seconds)

            cutter, parts = self._read(told())
            remarks = self._of_sound(stream.sound.sample_rate_hz, stream.sound.num_channels, channel)
            return self._transcript(name, stream.duration_seconds, parts, cutter, remarks)

    def stretch(
        self, path: Path, *, name: str, start: float, duration: float | None, channel: int | None = None
    ) -> Transcript:
        """A stretch of a file, its times from the stretch's start. Raises ``ValueError`` that names the file."""
        heard = stretch_of(path, start=start, duration=duration, channel=channel, sample_rate_hz=self.sample_rate_hz)
        cutter, parts = self._read([heard.waveform_S])
        remarks = self._of_sound(heard.rate_hz, heard.num_channels, channel)
        return self._transcript(name, len(heard.waveform_S) / self.sample_rate_hz, parts, cutter, remarks)

    def _of_sound(self, rate_hz: int, num_channels: int, channel: int | None) -> tuple[str, ...]:
        return sound_remarks(rate_hz=rate_hz, num_channels=num_channels, heard_hz=self.sample_rate_hz, channel=channel)

    def _read(self, blocks: Iterable[NDArray[np.float32]]) -> tuple[Cutter, tuple[ReadPart, ...]]:
        if self._ear is not None:
            self._ear.start()
        longest = float("inf") if self.how == "none" else self.settings.max_seconds
        cutter = Cutter(
            self.sample_rate_hz, max_seconds=longest, pause_seconds=self.settings.pause_seconds, is_speech=self._ear
        )
        read = tuple(self.reader.read(part) for part in cutter.parts(blocks))
        return cutter, read

    def _transcript(
        self, name: str, seconds: float, parts: tuple[ReadPart, ...], cutter: Cutter, remarks: tuple[str, ...]
    ) -> Transcript:
        left_out = cutter.num_left_out / self.sample_rate_hz
        if not parts:
            remarks = (*remarks, "no speech was found")
        if self.reader.unaligned:
            remarks = (
                *remarks,
                f"{self.reader.unaligned} parts have more text than frames, so their words have no times",
            )
            self.reader.unaligned = 0
        return Transcript(name, seconds, self.reader.times, parts, left_out, remarks)


class Stretch(NamedTuple):
    """``waveform_S`` at the rate that was asked for; the file's own rate and channels."""

    waveform_S: NDArray[np.float32]
    rate_hz: int
    num_channels: int


def stretch_of(
    path: Path, *, start: float = 0.0, duration: float | None = None, sample_rate_hz: int, channel: int | None = None
) -> Stretch:
    """A stretch of a file as training would hear it; ``channel`` None is the mean of all.

    Raises ``ValueError`` in one line that names the file.
    """
    try:
        num_samples, rate_hz, num_channels = sound_length(path)
        check_channel(channel, num_channels)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not 0 <= start < num_samples / rate_hz:
        raise ValueError(f"{path}: a start of {start:g} s, the file has {num_samples / rate_hz:g} s")
    if duration is None:
        duration = num_samples / rate_hz - start
    channels = tuple(range(num_channels)) if channel is None and num_channels > 1 else channel or 0
    cut = Cut(path.stem, start, duration, channels, str(path), rate_hz, num_samples)
    waveform_S = Waveforms([cut], sample_rate_hz=sample_rate_hz, path=path, what="stretch")[0]
    return Stretch(waveform_S, rate_hz, num_channels)
