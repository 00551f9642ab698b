"""RAP: the size of α is a part of the loss, and only where it is asked for."""

from __future__ import annotations

import pytest
import torch

from datamodules.batches import ClipBatch
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.losses.tagging import tagging_loss
from lightning_modules.sed.auto_pooling import AutoPooling


def _system(penalty: float) -> AutoPooling:
    features = LogMelSettings(hop_seconds=0.04, window_seconds=0.128, num_mels=40)
    return AutoPooling(
        classes=("bird", "door", "fire"), sample_rate_hz=8000, encoder=demo_crnn(), features=features,
        initial_alpha=2.0, alpha_penalty=penalty,
    )  # fmt: skip


@pytest.mark.parametrize("penalty", [0.0, 1e-2])
def test_the_penalty_is_the_sum_of_squares(batch: ClipBatch, penalty: float) -> None:
    system = _system(penalty)
    detection = system(batch.waveforms_BS, batch.num_samples_B)
    more = system.loss(detection, batch.tags_BC) - tagging_loss(detection.clip_probabilities_BC, batch.tags_BC)
    assert more.item() == pytest.approx(penalty * 3 * 4, abs=1e-6)
    if penalty:
        (gradient_C,) = torch.autograd.grad(more, system.pool.alpha_C)
        torch.testing.assert_close(gradient_C, torch.full((3,), 2 * penalty * 2.0))


def test_a_penalty_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha_penalty must be 0 or more, got -1"):
        _system(-1.0)
