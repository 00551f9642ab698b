"""Every system trains on augmented clips, hears validation as it is, and without the setting is what it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from datamodules.batches import ClipBatch, StrongClipBatch
from lightning_modules.layers.augmentation import Augmentation
from lightning_modules.layers.filter_augment import FilterAugment
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.sed.detector import SoundEventDetector
from lightning_modules.sed.strong_labels import StrongLabels


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SoundEventDetector, "log", lambda *_, **__: None)
    monkeypatch.setattr(SoundEventDetector, "current_epoch", 0)


def _augmentation() -> Augmentation:
    return Augmentation(time_shift_seconds=0.5, mixup_alpha=0.3, filtering=FilterAugment(), masks=SpecAugment())


def test_training_hears_it_and_prediction_does_not(
    system: SoundEventDetector, batch: ClipBatch, strong_batch: StrongClipBatch
) -> None:
    labels: Any = strong_batch if isinstance(system, StrongLabels) else batch
    plain = system.training_step(labels, 0)
    torch.manual_seed(0)
    system.augmentation = _augmentation()
    names = set(system.state_dict())
    loss = system.training_step(labels, 0)
    loss.backward()
    assert torch.isfinite(loss)
    assert loss.item() != plain.item()
    assert system.training_step(labels, 0).item() == pytest.approx(loss.item(), rel=1e-3)  # drawn by epoch, not by call
    system.eval()
    with_setting = system.predict_step(batch, 0)
    system.augmentation = None
    assert torch.equal(with_setting.clip_probabilities_BC, system.predict_step(batch, 0).clip_probabilities_BC)
    assert names == set(system.state_dict())


def test_strong_labels_move_with_the_clip(strong_batch: StrongClipBatch) -> None:
    from lightning_modules.layers.crnn import demo_crnn
    from lightning_modules.layers.log_mel import LogMelSettings

    features = LogMelSettings(hop_seconds=0.04, window_seconds=0.128, num_mels=40)
    system = StrongLabels(
        classes=("bird", "door", "fire"), sample_rate_hz=8000, encoder=demo_crnn(), features=features,
        augmentation=Augmentation(time_shift_seconds=0.5),
    )  # fmt: skip
    heard = system.labelled(strong_batch.clips, strong_batch.events_B)
    system.augmentation = None
    as_it_is = system.labelled(strong_batch.clips, strong_batch.events_B)
    assert heard.activity_BTC is not None
    assert as_it_is.activity_BTC is not None
    assert not torch.equal(heard.activity_BTC, as_it_is.activity_BTC)
    assert torch.equal(heard.activity_BTC.sum(1), as_it_is.activity_BTC.sum(1))


def test_without_the_setting_a_step_is_the_plain_loss_to_the_bit(
    weak_system: SoundEventDetector, batch: ClipBatch
) -> None:
    state = torch.get_rng_state()
    step = weak_system.training_step(batch, 0)
    torch.set_rng_state(state)
    assert torch.equal(step, weak_system.loss(weak_system(batch.waveforms_BS, batch.num_samples_B), batch.tags_BC))
