"""The recordings of a user's bank as they are mixed: mono, 16 kHz, without silence at the ends, at one peak.

The rules are those of our own bank (``datamodules/corpora/sounds/soundbank.py``). Each file is decoded once to see that
it can be, and again whenever it is drawn, so that a bank need not fit memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import overload

import numpy as np
import soxr

from datamodules.audio.audio_reader import read_audio
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ, to_bank_samples, trim_silence
from datamodules.corpora.sounds.mixing import Waveform
from datamodules.corpora.sounds.soundbank import MIN_SECONDS
from datamodules.importers.entry import ManifestError
from datamodules.importers.own_soundscapes.bank import OwnRecording

KEPT_IN_MEMORY = 256  # recordings, of seconds each


@dataclass
class Heard:
    """What can be mixed, and the places of what cannot, by reason; ``digest`` is of labels, families and samples."""

    recordings: list[OwnRecording] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    digest: str = ""


def listen(recordings: Iterable[OwnRecording]) -> Heard:
    """Decode everything once. Raises ``ManifestError`` with the first file that cannot be read."""
    heard, first = Heard(), dict[str, str]()
    digest = hashlib.sha256()
    for one in recordings:
        try:
            waveform_S = mixed_down(one.audio)
        except ValueError as error:
            raise ManifestError(f"{one.place}: {error}") from error
        samples = hashlib.sha256(waveform_S.tobytes()).hexdigest()
        if len(waveform_S) < MIN_SECONDS * SAMPLE_RATE_HZ:
            heard.left_out.setdefault(f"silent or shorter than {MIN_SECONDS:g} s", []).append(one.place)
        elif samples in first:
            heard.left_out.setdefault("the same sound as another", []).append(f"{one.place} as {first[samples]}")
        else:
            first[samples] = one.place
            heard.recordings.append(one)
            digest.update(f"{one.label}\0{one.family}\0{samples}\n".encode())
    heard.digest = digest.hexdigest()
    return heard


def mixed_down(path: Path) -> Waveform:
    """A file as it is mixed, (S,); empty where it is silent. Raises ``ValueError`` for one that cannot be read."""
    samples_S, rate_hz = read_audio(path, channel=None)
    trimmed_S = trim_silence(np.asarray(soxr.resample(samples_S, rate_hz, SAMPLE_RATE_HZ), dtype=np.float32))
    if not len(trimmed_S):
        return trimmed_S
    return to_bank_samples(trimmed_S).astype(np.float32) / np.float32(32768)


_kept = lru_cache(maxsize=KEPT_IN_MEMORY)(mixed_down)


class Recordings(Sequence[Waveform]):
    """The recordings of a family, decoded when they are drawn."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> Waveform: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Waveform]: ...
    def __getitem__(self, index: int | slice) -> Waveform | Sequence[Waveform]:
        """One of them, (S,)."""
        return Recordings(self._paths[index]) if isinstance(index, slice) else _kept(self._paths[index])

    def __iter__(self) -> Iterator[Waveform]:
        return map(_kept, self._paths)
