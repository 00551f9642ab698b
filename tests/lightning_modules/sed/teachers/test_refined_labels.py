"""FSL + refinement: which frames keep their label, whose curves decide, and that they can know tags alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from datamodules.batches import ClipBatch
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.losses.refined_labels import refined_labels
from lightning_modules.losses.strong import frame_loss
from lightning_modules.sed.detector import SoundEventDetector
from lightning_modules.sed.false_strong_labels import FalseStrongLabels
from lightning_modules.sed.strong_labels import StrongLabels
from lightning_modules.sed.teachers.refined_labels import RefinedLabels

SHARED: dict[str, Any] = {
    "classes": ("bird", "door", "fire"),
    "sample_rate_hz": 8000,
    "features": LogMelSettings(hop_seconds=0.04, window_seconds=0.128, num_mels=40),
}


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    values: dict[str, float] = {}

    def log(_: SoundEventDetector, name: str, value: Tensor, **_options: Any) -> None:
        values[name] = float(value)

    monkeypatch.setattr(SoundEventDetector, "log", log)
    return values


@pytest.fixture
def written(tmp_path: Path) -> Callable[[SoundEventDetector], Path]:
    def write(system: SoundEventDetector) -> Path:
        checkpoint: dict[str, Any] = {"state_dict": system.state_dict()}
        system.on_save_checkpoint(checkpoint)
        torch.save(checkpoint, tmp_path / "best.ckpt")
        return tmp_path / "best.ckpt"

    return write


def fsl(**changes: Any) -> FalseStrongLabels:
    torch.manual_seed(3)
    return FalseStrongLabels(**{**SHARED, "encoder": demo_crnn(), **changes})


def test_frames_below_a_share_of_the_loudest_lose_their_label_and_no_tag_is_lost() -> None:
    curves_BTC = torch.tensor([[[0.8, 0.8], [0.39, 0.1], [0.41, 0.0], [0.99, 0.99]]])
    mask_BT = torch.tensor([[True, True, True, False]])
    labels_BTC = refined_labels(curves_BTC, torch.tensor([[1.0, 0.0]]), mask_BT, share=0.5)
    assert labels_BTC[0].tolist() == [[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    everything_BTC = refined_labels(curves_BTC, torch.tensor([[1.0, 0.0]]), mask_BT, share=0.0)
    assert everything_BTC[0, :, 0].tolist() == [1.0, 1.0, 1.0, 0.0]
    silent_BTC = refined_labels(torch.zeros(1, 3, 1), torch.ones(1, 1), mask_BT[:, :3], share=0.5)
    assert silent_BTC.all()  # a curve that says nothing takes nothing back


def test_the_curves_of_the_round_before_label_and_do_not_train(
    batch: ClipBatch, written: Callable[[SoundEventDetector], Path], logged: dict[str, float]
) -> None:
    before = fsl().eval()
    system = RefinedLabels(encoder=demo_crnn(), **SHARED)
    system.label_with(written(before))
    loss = system.training_step(batch, 0)
    loss.backward()
    curves = before(batch.waveforms_BS, batch.num_samples_B)
    labels_BTC = refined_labels(curves.frame_probabilities_BTC, batch.tags_BC, curves.mask_BT, share=0.5)
    own = system(batch.waveforms_BS, batch.num_samples_B)
    wanted = frame_loss(own.frame_probabilities_BTC, labels_BTC, own.mask_BT)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert 0 < logged["train/labels_kept"] <= 1
    assert set(system.state_dict()) == set(before.state_dict())  # checkpoints hold what is trained
    system.train()
    assert torch.equal(system.refined(system.labelled(batch)), labels_BTC)


def test_share_zero_is_false_strong_labelling(batch: ClipBatch, written: Callable[[SoundEventDetector], Path]) -> None:
    before = fsl()
    system = RefinedLabels(encoder=demo_crnn(), share=0.0, **SHARED)
    system.label_with(written(before))
    system.load_state_dict(before.state_dict())
    assert system.training_step(batch, 0).item() == pytest.approx(before.training_step(batch, 0).item(), rel=1e-6)


def test_a_network_that_has_seen_when_events_are_may_not_label(written: Callable[[SoundEventDetector], Path]) -> None:
    system = RefinedLabels(encoder=demo_crnn(), **SHARED)
    with pytest.raises(ValueError, match=r"best\.ckpt: not of a system that learns from tags alone"):
        system.label_with(written(StrongLabels(encoder=demo_crnn(), **SHARED)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ("bird", "door")}, r"its classes is \['bird', 'door'\], this row's is \['bird', 'door', 'fire'\]"),
        ({"sample_rate_hz": 16000}, "its sample_rate_hz is 16000, this row's is 8000"),
        ({"encoder": demo_crnn(cell="lstm")}, "its encoder is another than this row's: size mismatch"),
    ],
)
def test_a_network_that_hears_otherwise_cannot_label(
    written: Callable[[SoundEventDetector], Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RefinedLabels(encoder=demo_crnn(), **SHARED).label_with(written(fsl(**changes)))


def test_without_a_round_before_there_is_nothing_to_learn(batch: ClipBatch) -> None:
    with pytest.raises(RuntimeError, match=r"needs from: \{labels: row\}"):
        RefinedLabels(encoder=demo_crnn(), **SHARED).training_step(batch, 0)
    with pytest.raises(ValueError, match=r"share must lie within 0 and 1, got 1\.5"):
        RefinedLabels(encoder=demo_crnn(), share=1.5, **SHARED)
