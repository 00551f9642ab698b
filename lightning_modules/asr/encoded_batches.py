"""Stored encoded utterances in batches, for searches that go through many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from datamodules.annotations import Hypothesis
from lightning_modules.asr.predictions import EncodedPredictions, HybridPredictions

BATCH_UTTERANCES = 16


class EncodedBatch:
    """Some utterances of a split, padded: what a batched search is bound to."""

    def __init__(self, predictions: EncodedPredictions, rows: NDArray[np.int64], *, ends_N: NDArray[np.int64]) -> None:
        self.rows = rows
        self.num_frames_B = torch.from_numpy(predictions.num_frames_N[rows])
        self._ends_N = ends_N
        self._predictions = predictions

    @property
    def encoded_BTH(self) -> Tensor:
        """Hidden vectors in float64, zeros on padding."""
        return self._padded(self._predictions.encoded_FH)

    @property
    def log_probs_BTV(self) -> Tensor:
        """CTC posteriors in float64, of predictions that have them."""
        assert isinstance(self._predictions, HybridPredictions)
        return self._padded(self._predictions.log_probs_FV)

    def _padded(self, frames_FD: NDArray[np.float32]) -> Tensor:
        ends_B, lengths_B = self._ends_N[self.rows].tolist(), self.num_frames_B.tolist()
        frames = [frames_FD[end - length : end] for end, length in zip(ends_B, lengths_B, strict=True)]
        return pad_sequence([torch.from_numpy(of_one).double() for of_one in frames], True)


def batches(predictions: EncodedPredictions) -> Iterator[EncodedBatch]:
    """All utterances, those of about equal length together."""
    order_N = np.argsort(predictions.num_frames_N, kind="stable")
    ends_N = np.cumsum(predictions.num_frames_N)
    for start in range(0, len(order_N), BATCH_UTTERANCES):
        yield EncodedBatch(predictions, order_N[start : start + BATCH_UTTERANCES], ends_N=ends_N)


def in_order(found: Iterable[tuple[EncodedBatch, Sequence[list[Hypothesis]]]]) -> list[list[Hypothesis]]:
    """What was found of each batch, in the order of the predictions."""
    by_row = {row: hypotheses for batch, of in found for row, hypotheses in zip(batch.rows.tolist(), of, strict=True)}
    return [by_row[row] for row in range(len(by_row))]
