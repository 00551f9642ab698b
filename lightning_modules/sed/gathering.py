"""The ranks' predictions of a split put together by clip id, on rank 0, as ``DetectionPredictions``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lightning_modules.gathering import gather_by_id
from lightning_modules.sed.predictions import DetectionPredictions


class PredictedBatch(NamedTuple):
    """A ``predict_step``'s answer: probabilities with the clips' names and numbers of frames."""

    clip_ids: tuple[str, ...]
    clip_probabilities_BC: Tensor
    frame_probabilities_BTC: Tensor | None
    num_frames_B: Tensor


# One clip's id, and its clip probabilities (C,) with the frame curves (T, C) of its real frames.
_Clip = tuple[str, tuple[NDArray[np.float32], NDArray[np.float32] | None]]


def gather_predictions(
    batches: Iterable[PredictedBatch], *, classes: Sequence[str], hop_seconds: float, clip_ids: Collection[str]
) -> DetectionPredictions | None:
    """All ranks' predictions, sorted by clip id, on rank 0; None on the others. Every rank must call it.

    ``batches`` is what ``Trainer.predict`` returned to this rank; ``clip_ids`` the split's own.
    Raises ``RuntimeError`` naming clips that are missing, foreign, or predicted twice.
    """
    clips = gather_by_id([clip for batch in batches for clip in _clips(batch)], expected=clip_ids)
    return None if clips is None else _stack(clips, classes=classes, hop_seconds=hop_seconds)


def _clips(batch: PredictedBatch) -> Iterable[_Clip]:
    for row, clip_id in enumerate(batch.clip_ids):
        curves_BTC, frames = batch.frame_probabilities_BTC, int(batch.num_frames_B[row])
        curve_TC = None if curves_BTC is None else curves_BTC[row, :frames].float().numpy()
        yield clip_id, (batch.clip_probabilities_BC[row].float().numpy(), curve_TC)


def _stack(clips: Sequence[_Clip], *, classes: Sequence[str], hop_seconds: float) -> DetectionPredictions:
    curves = [curve_TC for _, (_, curve_TC) in clips if curve_TC is not None]
    stacked_NTC = None
    if curves:
        stacked_NTC = np.zeros((len(curves), max(map(len, curves)), len(classes)), dtype=np.float32)
        for row, curve_TC in enumerate(curves):
            stacked_NTC[row, : len(curve_TC)] = curve_TC
    return DetectionPredictions(
        classes=tuple(classes),
        clip_ids=tuple(clip_id for clip_id, _ in clips),
        clip_probabilities_NC=np.stack([probabilities_C for _, (probabilities_C, _) in clips]),
        frame_probabilities_NTC=stacked_NTC,
        num_frames_N=np.array([0 if curve_TC is None else len(curve_TC) for _, (_, curve_TC) in clips], dtype=np.int64),
        hop_seconds=hop_seconds if curves else 0.0,
    )
