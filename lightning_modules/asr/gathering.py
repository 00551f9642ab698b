"""The ranks' posteriors of a split put together by utterance id, on rank 0, as ``PosteriorPredictions``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.gathering import gather_by_id


class PredictedPosteriors(NamedTuple):
    """A ``predict_step``'s answer: natural-log posteriors, and the seconds that the network took for the batch."""

    utterance_ids: tuple[str, ...]
    log_probs_BTV: Tensor
    num_frames_B: Tensor
    seconds: float


def gather_posteriors(
    batches: Iterable[PredictedPosteriors],
    *,
    symbols: Sequence[str],
    hop_seconds: float,
    utterance_ids: Collection[str],
) -> PosteriorPredictions | None:
    """All ranks' posteriors, sorted by utterance id, on rank 0; None on the others. Every rank must call it.

    ``batches`` is what ``Trainer.predict`` returned to this rank; ``utterance_ids`` the split's own.
    Raises ``RuntimeError`` naming utterances that are missing, foreign, or predicted twice.
    """
    # A batch's seconds travel with its first utterance.
    items = [
        (utterance_id, (batch.log_probs_BTV[row, :frames].float().numpy(), 0.0 if row else batch.seconds))
        for batch in batches
        for row, (utterance_id, frames) in enumerate(zip(batch.utterance_ids, batch.num_frames_B.tolist(), strict=True))
    ]
    utterances = gather_by_id(items, expected=utterance_ids, what="utterances")
    if utterances is None:
        return None
    return PosteriorPredictions(
        symbols=tuple(symbols),
        utterance_ids=tuple(utterance_id for utterance_id, _ in utterances),
        log_probs_FV=np.concatenate([log_probs_TV for _, (log_probs_TV, _) in utterances]),
        num_frames_N=np.array([len(log_probs_TV) for _, (log_probs_TV, _) in utterances], dtype=np.int64),
        hop_seconds=hop_seconds,
        encoding_seconds=float(sum(seconds for _, (_, seconds) in utterances)),
    )
