"""Lengths, sample rates and channels of a user's audio files, each opened once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from datamodules.audio.audio_reader import sound_length


class DamagedAudioError(ValueError):
    """Why a clip's or an utterance's audio cannot be used, in words that can be counted; ``detail`` is for one file."""

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self._detail = detail

    def sentence(self) -> str:
        """Reason and detail."""
        return f"{self} ({self._detail})" if self._detail else str(self)


class Header(NamedTuple):
    """What is known of a file before its samples are read."""

    num_samples: int
    sample_rate_hz: int
    num_channels: int

    @property
    def duration_seconds(self) -> float:
        """Length of the file."""
        return self.num_samples / self.sample_rate_hz


class AudioHeaders:
    """Headers by path."""

    def __init__(self) -> None:
        self._known: dict[Path, Header | DamagedAudioError] = {}

    def of(self, path: Path) -> Header:
        """A file's header. Raises ``DamagedAudioError`` for one that is missing or no readable audio."""
        if path not in self._known:
            self._known[path] = _opened(path)
        known = self._known[path]
        if isinstance(known, DamagedAudioError):
            raise known
        return known


def _opened(path: Path) -> Header | DamagedAudioError:
    if not path.is_file():
        return DamagedAudioError("no such file")
    try:
        return Header(*sound_length(path))
    except (OSError, ValueError) as error:
        return DamagedAudioError("not a readable audio file", detail=str(error))
