"""Utterances without an alignment: refused in training, left out of validation's loss and named."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from datamodules.batches import UtteranceBatch, UtteranceLength
from lightning_modules.asr.ctc.feasibility import alignable_part, check_alignable
from lightning_modules.losses.ctc import InfeasibleError, alignable, ctc_loss, min_frames


def every_tenth(num_samples_B: Tensor) -> Tensor:
    return num_samples_B // 10


def utterances(*lengths: tuple[int, tuple[int, ...]]) -> list[UtteranceLength]:
    return [UtteranceLength(f"u{number}", samples, tokens) for number, (samples, tokens) in enumerate(lengths)]


GOOD, BAD = (40, (1, 2, 3)), (40, (1, 1, 2, 2))  # four frames; the second text needs six


def batch_of(texts: list[tuple[int, ...]]) -> UtteranceBatch:
    longest = max(map(len, texts), default=0)
    return UtteranceBatch(
        utterance_ids=tuple(f"u{row}" for row in range(len(texts))),
        waveforms_BS=torch.arange(3.0 * len(texts)).reshape(-1, 3),
        num_samples_B=torch.arange(len(texts)) + 1,
        tokens_BU=torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts], dtype=torch.int64),
        num_tokens_B=torch.tensor([len(text) for text in texts]),
        texts=tuple(map(str, texts)),
    )


def test_a_training_utterance_is_refused_in_one_line() -> None:
    message = (
        r"^train: 1 utterances have too few frames for their texts: u1 \(4 frames, needs 6\); .*max_tokens_per_sec"
    )
    with pytest.raises(ValueError, match=message) as told:
        check_alignable({"train": utterances(GOOD, BAD)}, encoded_frames=every_tenth)
    assert "\n" not in str(told.value)


def test_a_validation_utterance_is_named_in_a_warning() -> None:
    splits = {"train": utterances(GOOD), "validation": utterances(GOOD, BAD, *[BAD] * 3)}
    message = (
        r"^validation: 4 utterances .* u1 \(4 frames, needs 6\), u2 .*, u3 .*, …; they are no part of validation/l"
    )
    with pytest.warns(UserWarning, match=message) as told:
        check_alignable(splits, encoded_frames=every_tenth)
    assert len(told) == 1
    assert "\n" not in str(told[0].message)


def test_validation_without_any_loss_is_refused() -> None:
    splits = {"train": utterances(GOOD), "validation": utterances(BAD, BAD)}
    with pytest.raises(ValueError, match=r"^validation: 2 utterances have too few frames"):
        check_alignable(splits, encoded_frames=every_tenth)


def test_nothing_is_said_where_all_is_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_alignable({"train": utterances(GOOD), "validation": []}, encoded_frames=every_tenth)


texts = st.lists(st.lists(st.integers(1, 3), max_size=6).map(tuple), min_size=1, max_size=5)


@given(texts, st.data())
def test_the_part_with_a_loss_is_what_the_count_of_frames_says(
    given_texts: list[tuple[int, ...]], data: st.DataObject
) -> None:
    frames = data.draw(st.lists(st.integers(1, 9), min_size=len(given_texts), max_size=len(given_texts)))
    batch, num_frames_B = batch_of(given_texts), torch.tensor(frames)
    fits = [has >= min_frames(text) for has, text in zip(frames, given_texts, strict=True)]
    assert alignable(num_frames_B, batch.tokens_BU, batch.num_tokens_B).tolist() == fits
    rows_N, part = alignable_part(num_frames_B, batch)
    rows = [row for row, has_loss in enumerate(fits) if has_loss]
    assert rows_N.tolist() == rows
    assert part.utterance_ids == tuple(f"u{row}" for row in rows)
    assert part.texts == tuple(str(given_texts[row]) for row in rows)
    assert torch.equal(part.waveforms_BS, batch.waveforms_BS[rows])
    assert part.num_samples_B.tolist() == [row + 1 for row in rows]
    for row, tokens_U, length in zip(rows, part.tokens_BU, part.num_tokens_B, strict=True):
        assert tuple(tokens_U[:length].tolist()) == given_texts[row]
        assert not tokens_U[length:].any()
    log_probs_BTV = torch.randn(len(frames), max(frames), 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    if not all(fits):
        with pytest.raises(InfeasibleError):
            ctc_loss(log_probs_BTV, num_frames_B, batch.tokens_BU, batch.num_tokens_B)
    if rows:
        loss_N = ctc_loss(log_probs_BTV[rows_N], num_frames_B[rows_N], part.tokens_BU, part.num_tokens_B)
        assert loss_N.shape == (len(rows),)
        assert bool(torch.isfinite(loss_N).all())
