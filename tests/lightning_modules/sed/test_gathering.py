"""Predictions put together by clip id: complete, in order, and refused where a clip is missing or doubled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_modules.sed.gathering import PredictedBatch, gather_predictions

CLASSES = ("bird", "door")


def predicted(clip_ids: tuple[str, ...], frames: list[int], *, curves: bool = True) -> PredictedBatch:
    rows, longest = len(clip_ids), max(frames)
    generator = torch.Generator().manual_seed(len(clip_ids[0]) + rows)
    return PredictedBatch(
        clip_ids=clip_ids,
        clip_probabilities_BC=torch.rand(rows, 2, generator=generator),
        frame_probabilities_BTC=torch.rand(rows, longest, 2, generator=generator) if curves else None,
        num_frames_B=torch.tensor(frames),
    )


def test_clips_are_sorted_and_padding_is_zero() -> None:
    batches = [predicted(("c", "a"), [2, 4]), predicted(("b",), [3])]
    gathered = gather_predictions(batches, classes=CLASSES, hop_seconds=0.08, clip_ids={"a", "b", "c"})
    assert gathered is not None
    assert gathered.clip_ids == ("a", "b", "c")
    assert gathered.num_frames_N.tolist() == [4, 3, 2]
    assert gathered.hop_seconds == 0.08
    curves_NTC = gathered.frame_probabilities_NTC
    assert curves_NTC is not None
    assert curves_NTC.shape == (3, 4, 2)
    assert not curves_NTC[2, 2:].any()
    assert batches[0].frame_probabilities_BTC is not None
    np.testing.assert_array_equal(curves_NTC[0], batches[0].frame_probabilities_BTC[1].numpy())
    np.testing.assert_array_equal(gathered.clip_probabilities_NC[1], batches[1].clip_probabilities_BC[0].numpy())


def test_tagger_has_no_curves() -> None:
    gathered = gather_predictions(
        [predicted(("a",), [4], curves=False)], classes=CLASSES, hop_seconds=0.08, clip_ids={"a"}
    )
    assert gathered is not None
    assert (gathered.frame_probabilities_NTC, gathered.hop_seconds) == (None, 0.0)


@pytest.mark.parametrize(
    ("clip_ids", "expected", "message"),
    [
        (("a", "a"), {"a"}, "1 clips are predicted twice, the first: a"),
        (("a", "b"), {"a", "b", "x", "y"}, "2 clips are missing, the first: x, y"),
        (("a", "b"), {"a"}, "1 clips are not of this split, the first: b"),
    ],
)
def test_ids_must_be_the_splits(clip_ids: tuple[str, ...], expected: set[str], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        gather_predictions([predicted(clip_ids, [2, 2])], classes=CLASSES, hop_seconds=0.1, clip_ids=expected)
