"""The log-mel's grid, its blindness to padding, and its refusals; its values stand in the oracle test."""

from __future__ import annotations

import pytest
import torch

from datamodules.annotations import FrameGrid
from lightning_modules.layers.log_mel import LogMel, frame_mask


def small_log_mel(**changes: object) -> LogMel:
    return LogMel(**{"sample_rate_hz": 8000, "hop_seconds": 0.02, "window_seconds": 0.064, "num_mels": 12, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("num_samples", [1, 159, 160, 161, 8000, 8001])
def test_frames_are_those_of_the_frame_grid(num_samples: int) -> None:
    log_mel = small_log_mel()
    features_BTM = log_mel(torch.randn(2, num_samples), torch.tensor([num_samples, num_samples]))
    expected = FrameGrid(log_mel.hop_seconds).num_frames(num_samples / 8000)
    assert features_BTM.shape == (2, expected, 12)
    assert log_mel.num_frames(torch.tensor([num_samples])).tolist() == [expected]


def test_frame_is_centred_on_the_interval_that_it_covers() -> None:
    log_mel = small_log_mel()
    click_BS = torch.zeros(1, 8000)
    click_BS[0, 20 * 160 + 80] = 1.0  # the middle of frame 20
    energy_T = log_mel.decibels(click_BS)[0].mean(-1)
    assert energy_T.argmax() == 20
    assert torch.allclose(energy_T[19], energy_T[21], atol=0.2)


def test_padding_changes_no_feature_and_is_zero() -> None:
    log_mel = small_log_mel()
    clip_S = torch.randn(5000)
    alone_BTM = log_mel(clip_S.unsqueeze(0), torch.tensor([5000]))
    batch_BS = torch.stack([torch.nn.functional.pad(clip_S, (0, 3000)), torch.randn(8000)])
    padded_BTM = log_mel(batch_BS, torch.tensor([5000, 8000]))
    frames = alone_BTM.shape[1]
    torch.testing.assert_close(padded_BTM[0, :frames], alone_BTM[0], atol=1e-5, rtol=1e-5)
    assert not padded_BTM[0, frames:].any()


def test_recording_level_is_taken_away_and_nothing_else() -> None:
    log_mel = small_log_mel()
    clip_BS, lengths_B = torch.randn(1, 8000), torch.tensor([8000])
    torch.testing.assert_close(log_mel(clip_BS, lengths_B), log_mel(clip_BS * 0.1, lengths_B), atol=1e-4, rtol=1e-4)
    assert log_mel(clip_BS, lengths_B).mean().abs() < 1e-5


def test_digital_silence_is_finite() -> None:
    features_BTM = small_log_mel()(torch.zeros(1, 8000), torch.tensor([8000]))
    assert torch.isfinite(features_BTM).all()


def test_defaults_give_the_papers_frames() -> None:
    log_mel = LogMel(sample_rate_hz=16000)
    assert log_mel(torch.zeros(1, 160000), torch.tensor([160000])).shape == (1, 431, 64)
    assert LogMel(sample_rate_hz=22050).window_samples == 2048


def test_hop_is_a_whole_number_of_samples() -> None:
    assert small_log_mel(hop_seconds=0.0201).hop_seconds == 161 / 8000


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hop_seconds": 0.1}, "hop_seconds 0.1"),
        ({"hop_seconds": 0.0}, "hop_seconds 0.0"),
        ({"f_max_hz": 5000.0}, "f_max_hz 5000.0"),
        ({"num_mels": 400}, "num_mels 400"),
    ],
)
def test_settings_without_a_filter_bank_are_refused(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        small_log_mel(**changes)


def test_mask_marks_real_frames() -> None:
    assert frame_mask(torch.tensor([0, 2]), num_frames=2).tolist() == [[False, False], [True, True]]
