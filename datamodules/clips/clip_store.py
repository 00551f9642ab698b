"""The clips of one split in memory: decoded once, and their labels as the manifest has them.

Lhotse reads the manifest; the waveforms are ours, since Lhotse's in-memory mode decodes at every access. They are kept
at 16 bits (exact for 16-bit files), half of what float32 takes. A *weak* manifest must hold no supervision at all: the
store that feeds weakly supervised training has nothing to leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from lhotse.cut import MonoCut
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.annotations import Event
from datamodules.audio.audio_reader import read_audio
from datamodules.batches import ClipBatch, StrongClipBatch

FULL_SCALE = 32768.0


class ClipStore(Dataset[int]):
    """Clips, sorted by id, of the manifest at ``path``; ``events`` is None for a weak one.

    Raises ``ValueError`` for a sample rate or a label that the corpus does not have, for a repeated clip id, and for a
    supervision in a weak manifest.
    """

    def __init__(
        self, cuts: Iterable[MonoCut], *, path: Path, classes: Sequence[str], sample_rate_hz: int, strong: bool
    ) -> None:
        cuts = sorted(cuts, key=lambda cut: str(cut.id))
        self.clip_ids = tuple(str(cut.id) for cut in cuts)
        if len(set(self.clip_ids)) < len(cuts):
            raise ValueError(f"{path}: a clip id occurs twice")
        for cut in cuts:
            _check_cut(cut, path=path, classes=classes, sample_rate_hz=sample_rate_hz, strong=strong)
        self.tags = tuple(frozenset[str](cut.custom["tags"]) for cut in cuts)
        self.events = tuple(_events(cut) for cut in cuts) if strong else None
        self.duration_seconds = tuple(float(cut.duration) for cut in cuts)
        self.tags_NC = torch.tensor([[float(label in tags) for label in classes] for tags in self.tags])
        self.cuts = tuple(cuts)
        self._pcm = [_pcm(cut) for cut in cuts]

    def __len__(self) -> int:
        return len(self.clip_ids)

    def __getitem__(self, index: int) -> int:
        """The index itself: batches are put together whole by ``collate_*``."""
        return index

    def waveform(self, index: int) -> Tensor:
        """Mono samples of one clip, float32 in [-1, 1], (S,)."""
        return self._pcm[index].float() / FULL_SCALE

    def collate_weak(self, indices: Sequence[int]) -> ClipBatch:
        """The clips of some indices, zero-padded to the longest."""
        waveforms = [self.waveform(index) for index in indices]
        return ClipBatch(
            clip_ids=tuple(self.clip_ids[index] for index in indices),
            waveforms_BS=torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True),
            num_samples_B=torch.tensor([len(waveform_S) for waveform_S in waveforms]),
            tags_BC=self.tags_NC[list(indices)],
        )

    def collate_strong(self, indices: Sequence[int]) -> StrongClipBatch:
        """The same with strong labels. Raises ``ValueError`` where the manifest was weak."""
        if self.events is None:
            raise ValueError("this split was read without its strong labels")
        return StrongClipBatch(self.collate_weak(indices), tuple(self.events[index] for index in indices))


def _check_cut(cut: MonoCut, *, path: Path, classes: Sequence[str], sample_rate_hz: int, strong: bool) -> None:
    if cut.sampling_rate != sample_rate_hz:
        raise ValueError(f"{path}: clip {cut.id} has {cut.sampling_rate} Hz, the corpus {sample_rate_hz}")
    if cut.supervisions and not strong:
        raise ValueError(f"{path}: clip {cut.id} has strong labels, and this manifest is a weak one")
    tags = set(cut.custom["tags"])
    unknown = sorted((tags | {segment.custom["label"] for segment in cut.supervisions}) - set(classes))
    if unknown:
        raise ValueError(f"{path}: clip {cut.id} has label {unknown[0]!r}, allowed: {', '.join(classes)}")
    if strong and tags != {segment.custom["label"] for segment in cut.supervisions}:
        raise ValueError(f"{path}: clip {cut.id} has tags that are not those of its events")


def _events(cut: MonoCut) -> tuple[Event, ...]:
    """The cut's events in time order; manifests keep milliseconds, whose sum floats would blur."""
    events = (
        Event(segment.start, round(segment.start + segment.duration, 3), segment.custom["label"])
        for segment in cut.supervisions
    )
    return tuple(sorted(events))


def _pcm(cut: MonoCut) -> Tensor:
    source = Path(str(cut.recording.sources[0].source))
    audio_S, _ = read_audio(source, start_seconds=cut.start, duration_seconds=cut.duration, channel=cut.channel)
    return torch.from_numpy(np.round(audio_S * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16))
