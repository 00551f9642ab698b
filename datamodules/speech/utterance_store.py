"""The utterances of one split: what the manifest says of them, and their waveforms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from datamodules.audio.cuts import Cut
from datamodules.audio.waveforms import Waveforms
from datamodules.dealing.dealt_cuts import read_cuts
from datamodules.dealing.recorded_sources import sources_by_kind
from datamodules.speech.speed_perturbation import Draw


class Utterance(NamedTuple):
    """A manifest's line; ``language`` is ISO 639-1."""

    utterance_id: str
    text: str
    language: str
    speaker: str
    duration_seconds: float


class UtteranceStore(Dataset[Draw]):
    """Utterances, sorted by id, of ``folder/manifests/SPLIT.jsonl.gz``, or those of ``cuts`` in its place.

    ``languages`` None means all of them; ``path`` is what messages call the store.
    Raises ``FileNotFoundError`` without a manifest, and ``ValueError`` for a repeated id and a cut without exactly one
    supervision with text, language and speaker.
    """

    def __init__(
        self,
        *,
        folder: Path,
        split: str,
        sample_rate_hz: int,
        languages: Collection[str] | None = None,
        cuts: Iterable[Cut] | None = None,
        path: Path | None = None,
    ) -> None:
        self.path = path or folder / "manifests" / (f"{split}.jsonl.gz" if cuts is None else "")
        self.sample_rate_hz, self._folder = sample_rate_hz, folder
        pairs = [(cut, _utterance(cut, self.path)) for cut in (read_cuts(folder, split) if cuts is None else cuts)]
        pairs.sort(key=lambda pair: pair[1].utterance_id)
        pairs = [pair for pair in pairs if languages is None or pair[1].language in languages]
        self.waveforms = self._of([cut for cut, _ in pairs])
        self.utterances = tuple(utterance for _, utterance in pairs)
        if len({utterance.utterance_id for utterance in self.utterances}) < len(self.utterances):
            raise ValueError(f"{self.path}: an utterance id occurs twice")

    def keep(self, utterance_ids: Collection[str]) -> None:
        """Leave out all other utterances, for good; before the audio is read, so that theirs never is."""
        assert not self.waveforms.is_read
        wanted = [utterance.utterance_id in utterance_ids for utterance in self.utterances]
        self.waveforms = self._of(list(compress(self.waveforms.cuts, wanted)))
        self.utterances = tuple(compress(self.utterances, wanted))

    def sources(self) -> dict[str, dict[str, str]]:
        """What each utterance was recorded from, by kind and id."""
        return sources_by_kind(self.waveforms.cuts, self._folder)

    def _of(self, cuts: Sequence[Cut]) -> Waveforms:
        return Waveforms(cuts, sample_rate_hz=self.sample_rate_hz, path=self.path, what="utterance")

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, draw: Draw) -> Draw:
        """The draw itself: batches are put together whole by the data module's collate function."""
        return draw

    @property
    def num_samples(self) -> NDArray[np.int64]:
        """Samples of each utterance by the manifest, (N,)."""
        return self.waveforms.num_samples

    def waveform(self, index: int) -> NDArray[np.float32]:
        """Mono samples of one utterance in [-1, 1], (S,)."""
        return self.waveforms[index]


def _utterance(cut: Cut, path: Path) -> Utterance:
    if len(cut.supervisions) != 1:
        raise ValueError(f"{path}: utterance {cut.id!r} has {len(cut.supervisions)} supervisions, allowed: exactly one")
    [segment] = cut.supervisions
    said = {"text": segment.text, "language": segment.language, "speaker": segment.speaker}
    if lacking := [name for name, value in said.items() if not isinstance(value, str)]:
        raise ValueError(f"{path}: utterance {cut.id!r} has no {lacking[0]}")
    return Utterance(cut.id, duration_seconds=cut.duration, **{name: str(value) for name, value in said.items()})
