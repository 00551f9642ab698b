"""Frames put together by utterance id: sorted, without padding, and nothing missing, foreign or twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_modules.asr.gathering import PredictedFrames, gather_frames


def batch(*names: str, seconds: float = 0.5) -> PredictedFrames:
    """Utterance ``n`` of a batch has n + 1 frames filled with its name's code, once as it is and once negative."""
    frames_BTD = torch.full((len(names), len(names), 3), float("nan"))
    for row, name in enumerate(names):
        frames_BTD[row, : row + 1] = -float(ord(name))
    return PredictedFrames(names, (frames_BTD, -frames_BTD[..., :2]), torch.arange(len(names)) + 1, seconds)


def test_sorted_and_without_padding() -> None:
    gathered = gather_frames([batch("c", "a"), batch("b")], utterance_ids={"a", "b", "c"})
    assert gathered is not None
    assert gathered.utterance_ids == ("a", "b", "c")
    assert gathered.num_frames_N.tolist() == [2, 1, 1]
    first, second = gathered.frames
    assert first[:, 0].tolist() == [-97.0, -97.0, -98.0, -99.0]
    assert second.tolist() == (-first[:, :2]).tolist()
    assert first.dtype == np.float32
    assert gathered.seconds == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([batch("a")], "1 utterances are missing, the first: b"),
        ([batch("a", "b", "x")], "1 utterances are not of this split, the first: x"),
        ([batch("a", "b"), batch("b")], "1 utterances are predicted twice, the first: b"),
    ],
)
def test_other_utterances_are_refused(batches: list[PredictedFrames], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        gather_frames(batches, utterance_ids={"a", "b"})
