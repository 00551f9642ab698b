"""The utterances of one split: what the manifest says of them, and their waveforms in memory, decoded once.

Lhotse reads the manifest and cuts the files; the waveforms are ours, since Lhotse's in-memory mode decodes at every
access. They are kept at 16 bits (exact for 16-bit files), half of what float32 takes. Audio of another sample rate is
resampled with soxr. Scoring needs texts only, so audio is read when ``read_audio`` is called, and then all of it: a
file that cannot be decoded is named before training starts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
from lhotse.cut import MonoCut
from numpy.typing import NDArray
from torch.utils.data import Dataset

from datamodules.audio.audio_reader import read_audio
from datamodules.dealing.dealt_cuts import read_cuts
from datamodules.dealing.recorded_sources import sources_by_kind
from datamodules.speech.speed_perturbation import Draw

FULL_SCALE = 32768.0


class Utterance(NamedTuple):
    """A manifest's line; ``language`` is ISO 639-1."""

    utterance_id: str
    text: str
    language: str
    speaker: str
    duration_seconds: float


class UtteranceStore(Dataset[Draw]):
    """Utterances, sorted by id, of ``folder/manifests/SPLIT.jsonl.gz``, or those of ``cuts`` in its place.

    ``languages`` None means all of them. Raises ``FileNotFoundError`` without a manifest, and ``ValueError`` for a
    repeated id and a cut without exactly one supervision with text, language and speaker.
    """

    def __init__(
        self,
        *,
        folder: Path,
        split: str,
        sample_rate_hz: int,
        languages: Collection[str] | None = None,
        cuts: Iterable[MonoCut] | None = None,
    ) -> None:
        self.path = folder / "manifests" / (f"{split}.jsonl.gz" if cuts is None else "")
        self.sample_rate_hz, self._folder = sample_rate_hz, folder
        pairs = [(cut, _utterance(cut, self.path)) for cut in (read_cuts(folder, split) if cuts is None else cuts)]
        pairs.sort(key=lambda pair: pair[1].utterance_id)
        self.all_languages = tuple(sorted({utterance.language for _, utterance in pairs}))
        pairs = [pair for pair in pairs if languages is None or pair[1].language in languages]
        self._cuts = [cut for cut, _ in pairs]
        self.utterances = tuple(utterance for _, utterance in pairs)
        if len({utterance.utterance_id for utterance in self.utterances}) < len(self.utterances):
            raise ValueError(f"{self.path}: an utterance id occurs twice")
        self._pcm: list[NDArray[np.int16]] | None = None

    def keep(self, utterance_ids: Collection[str]) -> None:
        """Leave out all other utterances, for good; before the audio is read, so that theirs never is."""
        assert self._pcm is None
        wanted = [utterance.utterance_id in utterance_ids for utterance in self.utterances]
        self._cuts = list(compress(self._cuts, wanted))
        self.utterances = tuple(compress(self.utterances, wanted))

    def sources(self) -> dict[str, dict[str, str]]:
        """What each utterance was recorded from, by kind and id."""
        return sources_by_kind(self._cuts, self._folder)

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, draw: Draw) -> Draw:
        """The draw itself: batches are put together whole by the data module's collate function."""
        return draw

    def read_audio(self) -> None:
        """Decode every utterance into memory, once. Raises ``ValueError`` naming the first that cannot be read."""
        if self._pcm is None:
            self._pcm = [self._decode(cut) for cut in self._cuts]

    @property
    def num_samples(self) -> NDArray[np.int64]:
        """Samples of each utterance, (N,). Reads the audio first where that was not done."""
        self.read_audio()
        assert self._pcm is not None
        return np.array([len(pcm_S) for pcm_S in self._pcm], dtype=np.int64)

    def waveform(self, index: int) -> NDArray[np.float32]:
        """Mono samples of one utterance in [-1, 1], (S,); decoded now where ``read_audio`` was not called."""
        pcm_S = self._decode(self._cuts[index]) if self._pcm is None else self._pcm[index]
        return pcm_S.astype(np.float32) / np.float32(FULL_SCALE)

    def _decode(self, cut: MonoCut) -> NDArray[np.int16]:
        """16-bit samples of one cut at the store's sample rate."""
        try:
            audio_S, rate_hz = read_audio(
                Path(_source(cut)), start_seconds=cut.start, duration_seconds=cut.duration, channel=cut.channel
            )
        except ValueError as error:
            raise ValueError(f"{self.path}: utterance {cut.id!r}: cannot read {error}") from error
        if rate_hz != self.sample_rate_hz:
            audio_S = soxr.resample(audio_S, rate_hz, self.sample_rate_hz)
        if not len(audio_S):
            raise ValueError(f"{self.path}: utterance {cut.id!r}: {_source(cut)} has no samples")
        return np.round(audio_S * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _source(cut: MonoCut) -> str:
    return str(cut.recording.sources[0].source)


def _utterance(cut: MonoCut, path: Path) -> Utterance:
    if len(cut.supervisions) != 1:
        raise ValueError(f"{path}: utterance {cut.id!r} has {len(cut.supervisions)} supervisions, allowed: exactly one")
    [segment] = cut.supervisions
    for name in ("text", "language", "speaker"):
        if not isinstance(getattr(segment, name), str):
            raise ValueError(f"{path}: utterance {cut.id!r} has no {name}")
    return Utterance(str(cut.id), segment.text, segment.language, segment.speaker, float(cut.duration))
