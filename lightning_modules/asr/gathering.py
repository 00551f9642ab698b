"""The ranks' frames of a split put together by utterance id, on rank 0: what becomes a file of ``predictions.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lightning_modules.gathering import gather_by_id


class PredictedFrames(NamedTuple):
    """A ``predict_step``'s answer: one or more kinds of frames, and the seconds that the network took for the batch."""

    utterance_ids: tuple[str, ...]
    frames: tuple[Tensor, ...]  # each (B, T, ·)
    num_frames_B: Tensor
    seconds: float


class GatheredFrames(NamedTuple):
    """All utterances of a split, sorted by id, their frames one after another (F in all)."""

    utterance_ids: tuple[str, ...]
    frames: tuple[NDArray[np.float32], ...]  # each (F, ·)
    num_frames_N: NDArray[np.int64]
    seconds: float


def gather_frames(batches: Iterable[PredictedFrames], *, utterance_ids: Collection[str]) -> GatheredFrames | None:
    """All ranks' frames on rank 0; None on the others. Every rank must call it.

    ``batches`` is what ``Trainer.predict`` returned to this rank; ``utterance_ids`` the split's own.
    Raises ``RuntimeError`` naming utterances that are missing, foreign, or predicted twice.
    """
    # A batch's seconds travel with its first utterance.
    items = [
        (
            name,
            (tuple(kind_BTD[row, :frames].float().numpy() for kind_BTD in batch.frames), 0.0 if row else batch.seconds),
        )
        for batch in batches
        for row, (name, frames) in enumerate(zip(batch.utterance_ids, batch.num_frames_B.tolist(), strict=True))
    ]
    utterances = gather_by_id(items, expected=utterance_ids, what="utterances")
    if utterances is None:
        return None
    kinds = zip(*(frames for _, (frames, _) in utterances), strict=True)
    return GatheredFrames(
        utterance_ids=tuple(name for name, _ in utterances),
        frames=tuple(np.concatenate(of_kind) for of_kind in kinds),
        num_frames_N=np.array([len(frames[0]) for _, (frames, _) in utterances], dtype=np.int64),
        seconds=float(sum(seconds for _, (_, seconds) in utterances)),
    )
