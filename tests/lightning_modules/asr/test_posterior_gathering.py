"""Posteriors put together by utterance id: sorted, without padding, and nothing missing, foreign or twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_modules.asr.gathering import PredictedPosteriors, gather_posteriors

SYMBOLS = ("<blank>", "a", "b")


def batch(*names: str, seconds: float = 0.5) -> PredictedPosteriors:
    """Utterance ``n`` of a batch has n + 1 frames filled with its name's code."""
    log_probs_BTV = torch.full((len(names), len(names), 3), float("nan"))
    for row, name in enumerate(names):
        log_probs_BTV[row, : row + 1] = -float(ord(name))
    return PredictedPosteriors(names, log_probs_BTV, torch.arange(len(names)) + 1, seconds)


def test_sorted_and_without_padding() -> None:
    gathered = gather_posteriors(
        [batch("c", "a"), batch("b")], symbols=SYMBOLS, hop_seconds=0.04, utterance_ids={"a", "b", "c"}
    )
    assert gathered is not None
    assert gathered.utterance_ids == ("a", "b", "c")
    assert gathered.num_frames_N.tolist() == [2, 1, 1]
    assert gathered.log_probs_FV[:, 0].tolist() == [-97.0, -97.0, -98.0, -99.0]
    assert gathered.log_probs_FV.dtype == np.float32
    assert gathered.encoding_seconds == pytest.approx(1.0)
    assert gathered.symbols == SYMBOLS


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([batch("a")], "1 utterances are missing, the first: b"),
        ([batch("a", "b", "x")], "1 utterances are not of this split, the first: x"),
        ([batch("a", "b"), batch("b")], "1 utterances are predicted twice, the first: b"),
    ],
)
def test_other_utterances_are_refused(batches: list[PredictedPosteriors], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        gather_posteriors(batches, symbols=SYMBOLS, hop_seconds=0.04, utterance_ids={"a", "b"})
