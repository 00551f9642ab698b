"""The clips of one split: their labels as the manifest has them, each clip of its own kind, and their waveforms.

A *weak* manifest must hold no supervision at all: the store that feeds weakly supervised training has nothing to leak.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from datamodules.annotations import Event
from datamodules.audio.cuts import Cut, Segment
from datamodules.audio.waveforms import Waveforms
from datamodules.batches import ClipBatch, MixedClipBatch, StrongClipBatch
from datamodules.clips.label_kinds import ALL_KINDS, LabelKind, label_kind


class ClipStore(Dataset[int]):
    """Clips, sorted by id, of the manifest at ``path`` whose labels are of ``kinds``.

    ``tags`` are empty for an unlabelled clip, ``events`` for one that is not strong: ``kinds`` says which. ``events``
    is None for a weak manifest. ``left_out`` has the ids of the clips of other kinds.

    Raises ``ValueError`` for a label that the corpus does not have, a repeated clip id, a supervision in a weak
    manifest, tags that are not those of the events, and where no clip is of ``kinds``.
    """

    def __init__(
        self,
        cuts: Iterable[Cut],
        *,
        path: Path,
        classes: Sequence[str],
        sample_rate_hz: int,
        strong: bool,
        kinds: Collection[LabelKind] = ALL_KINDS,
    ) -> None:
        cuts = sorted(cuts, key=lambda cut: cut.id)
        if len({cut.id for cut in cuts}) < len(cuts):
            raise ValueError(f"{path}: a clip id occurs twice")
        of_all = [_checked_kind(cut, path=path, classes=classes, strong=strong) for cut in cuts]
        self.left_out: dict[LabelKind, list[str]] = {
            kind: [cut.id for cut, of in zip(cuts, of_all, strict=True) if of == kind]
            for kind in ALL_KINDS
            if kind not in kinds
        }
        cuts = [cut for cut, kind in zip(cuts, of_all, strict=True) if kind in kinds]
        if of_all and not cuts:
            raise ValueError(f"{path}: none of its {len(of_all)} clips is labelled as needed ({' or '.join(kinds)})")
        self.num_read = len(of_all)
        self.kinds = tuple(kind for kind in of_all if kind in kinds)
        self.clip_ids = tuple(cut.id for cut in cuts)
        self.tags = tuple(frozenset[str](_tags(cut)) for cut in cuts)
        self.events = tuple(_events(cut) for cut in cuts) if strong else None
        self.duration_seconds = tuple(float(cut.duration) for cut in cuts)
        self.tags_NC = torch.tensor([[float(label in tags) for label in classes] for tags in self.tags])
        self.cuts = tuple(cuts)
        self.waveforms = Waveforms(cuts, sample_rate_hz=sample_rate_hz, path=path)

    def __len__(self) -> int:
        return len(self.clip_ids)

    def __getitem__(self, index: int) -> int:
        """The index itself: batches are put together whole by ``collate_*``."""
        return index

    def kinds_by_id(self) -> dict[str, LabelKind]:
        """The kind of label of each clip."""
        return dict(zip(self.clip_ids, self.kinds, strict=True))

    def events_by_id(self) -> dict[str, tuple[Event, ...]]:
        """The events of the clips that are strong; empty for a weak manifest."""
        rows = zip(self.clip_ids, self.kinds, self.events or ((),) * len(self), strict=True)
        return {clip_id: events for clip_id, kind, events in rows if kind == "strong"}

    def waveform(self, index: int) -> Tensor:
        """Mono samples of one clip, float32 in [-1, 1], (S,)."""
        return torch.from_numpy(self.waveforms[index])

    def collate_weak(self, indices: Sequence[int]) -> ClipBatch:
        """The clips of some indices, zero-padded to the longest."""
        waveforms_BS, num_samples_B = self.waveforms.padded(indices)
        return ClipBatch(
            clip_ids=tuple(self.clip_ids[index] for index in indices),
            waveforms_BS=torch.from_numpy(waveforms_BS),
            num_samples_B=torch.from_numpy(num_samples_B),
            tags_BC=self.tags_NC[list(indices)],
        )

    def collate_strong(self, indices: Sequence[int]) -> StrongClipBatch:
        """The same with strong labels. Raises ``ValueError`` where the manifest was weak."""
        return StrongClipBatch(self.collate_weak(indices), self._events(indices))

    def collate_mixed(self, indices: Sequence[int]) -> MixedClipBatch:
        """The same with what is known of each clip. Raises ``ValueError`` where the manifest was weak."""
        kinds = [self.kinds[index] for index in indices]
        return MixedClipBatch(
            clips=self.collate_weak(indices),
            events_B=self._events(indices),
            has_tags_B=torch.tensor([kind != "unlabelled" for kind in kinds]),
            has_events_B=torch.tensor([kind == "strong" for kind in kinds]),
        )

    def _events(self, indices: Sequence[int]) -> tuple[tuple[Event, ...], ...]:
        if self.events is None:
            raise ValueError("this split was read without its strong labels")
        return tuple(self.events[index] for index in indices)


def _checked_kind(cut: Cut, *, path: Path, classes: Sequence[str], strong: bool) -> LabelKind:
    """The kind of a cut's label. Raises ``ValueError`` where its labels are not those that its kind has."""
    if cut.supervisions and not strong:
        raise ValueError(f"{path}: clip {cut.id} has strong labels, and this manifest is a weak one")
    try:
        kind = label_kind(cut.custom or {}, strong=strong)
    except ValueError as error:
        raise ValueError(f"{path}: clip {cut.id} {error}") from error
    if kind != "unlabelled" and "tags" not in (cut.custom or {}):
        raise ValueError(f"{path}: clip {cut.id} has no tags, and its labels are {kind}")
    tags, of_events = set(_tags(cut)), {_label(segment) for segment in cut.supervisions}
    unknown = sorted((tags | of_events) - set(classes))
    if unknown:
        raise ValueError(f"{path}: clip {cut.id} has label {unknown[0]!r}, allowed: {', '.join(classes)}")
    if kind == "strong" and tags != of_events:
        raise ValueError(f"{path}: clip {cut.id} has tags that are not those of its events")
    if kind != "strong" and of_events:
        raise ValueError(f"{path}: clip {cut.id} has strong labels, and its label_kind is {kind}")
    if kind == "unlabelled" and tags:
        raise ValueError(f"{path}: clip {cut.id} has tags, and its label_kind is unlabelled")
    return kind


def _tags(cut: Cut) -> Collection[str]:
    tags: Collection[str] = (cut.custom or {}).get("tags") or ()
    return tags


def _label(segment: Segment) -> str:
    label: str = (segment.custom or {})["label"]
    return label


def _events(cut: Cut) -> tuple[Event, ...]:
    """The cut's events in time order; manifests keep milliseconds, whose sum floats would blur."""
    events = (
        Event(segment.start, round(segment.start + segment.duration, 3), _label(segment))
        for segment in cut.supervisions
    )
    return tuple(sorted(events))
