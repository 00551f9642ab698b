"""Our log-mel equals librosa's on the same (explicitly padded) samples."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from lightning_modules.layers.log_mel import LogMel


@pytest.mark.parametrize(
    ("sample_rate_hz", "hop_seconds", "window_seconds"), [(16000, 0.02, 0.064), (22050, 0.023, 0.093)]
)
@pytest.mark.parametrize("num_samples", [16000, 12345])
def test_decibels_equal_librosa(
    sample_rate_hz: int, hop_seconds: float, window_seconds: float, num_samples: int
) -> None:
    rng = np.random.default_rng(0)
    clip_S = (rng.normal(size=num_samples) * np.linspace(0, 0.3, num_samples)).astype(np.float32)
    log_mel = LogMel(
        sample_rate_hz=sample_rate_hz,
        hop_seconds=hop_seconds,
        window_seconds=window_seconds,
        num_mels=40,
        f_min_hz=50.0,
        f_max_hz=7000.0,
    )
    hop, window = log_mel.hop_samples, log_mel.window_samples
    frames = -(-num_samples // hop)
    left = (window - hop) // 2
    padded_S = np.pad(clip_S, (left, (frames - 1) * hop + window - left - num_samples))
    power_MT = librosa.feature.melspectrogram(
        y=padded_S, sr=sample_rate_hz, n_fft=window, hop_length=hop, center=False, n_mels=40, fmin=50.0, fmax=7000.0
    )
    expected_MT = librosa.power_to_db(power_MT, amin=1e-10, top_db=None)
    ours_TM = log_mel.decibels(torch.from_numpy(clip_S).unsqueeze(0))[0].numpy()
    np.testing.assert_allclose(ours_TM, expected_MT.T, atol=2e-3)
