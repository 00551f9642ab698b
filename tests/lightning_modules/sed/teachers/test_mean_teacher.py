"""Mean teacher: which clip pays what, whatever its place; an average that stays in the checkpoint; refusals by name."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from datamodules.batches import ClipBatch, MixedClipBatch, StrongClipBatch
from lightning_modules.layers.augmentation import Augmentation
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.losses.mean_teacher import mean_where, ramp_up
from lightning_modules.sed.detector import SoundEventDetector
from lightning_modules.sed.strong_labels import StrongLabels
from lightning_modules.sed.teachers.mean_teacher import MeanTeacher

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
def mixed_batch(strong_batch: StrongClipBatch) -> MixedClipBatch:
    """A strong clip, a weak one without a tag, an unlabelled one."""
    clips, events = strong_batch
    tags_BC = clips.tags_BC * torch.tensor([[1.0], [1.0], [0.0]])
    kinds = {"has_tags_B": torch.tensor([True, True, False]), "has_events_B": torch.tensor([True, False, False])}
    return MixedClipBatch(clips._replace(tags_BC=tags_BC), (events[0], (), ()), **kinds)


def teacher(**settings: Any) -> MeanTeacher:
    torch.manual_seed(2)
    system = MeanTeacher(**{"encoder": demo_crnn(), "ramp_up_epochs": 0, **SHARED, **settings})
    with torch.no_grad():  # a teacher that disagrees
        for parameter in system.teacher.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return system


def _permuted(batch: MixedClipBatch, order: list[int]) -> MixedClipBatch:
    clips = batch.clips
    return MixedClipBatch(
        ClipBatch(tuple(clips.clip_ids[row] for row in order), *(field[order] for field in clips[1:])),  # type: ignore[index]
        tuple(batch.events_B[row] for row in order), batch.has_tags_B[order], batch.has_events_B[order],
    )  # fmt: skip


@pytest.mark.parametrize("augmentation", [None, Augmentation(time_shift_seconds=0.4, mixup_alpha=0.5)])
def test_the_order_of_a_batch_changes_nothing(
    mixed_batch: MixedClipBatch, logged: dict[str, float], augmentation: Augmentation | None
) -> None:
    system = teacher(augmentation=augmentation)
    seen = []
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        loss = system.training_step(_permuted(mixed_batch, order), 0)
        seen.append((loss.item(), *(logged[f"train/{name}"] for name in ("strong", "weak", "consistency"))))
    assert seen[1] == pytest.approx(seen[0], rel=1e-4)
    assert seen[2] == pytest.approx(seen[0], rel=1e-4)


def test_each_clip_pays_for_what_is_known_of_it(mixed_batch: MixedClipBatch, logged: dict[str, float]) -> None:
    system = teacher()
    system.training_step(mixed_batch, 0)
    before = dict(logged)
    clips = mixed_batch.clips
    known = system(clips.waveforms_BS, clips.num_samples_B)
    cross_entropy = torch.nn.BCELoss()
    assert before["train/weak"] == pytest.approx(
        cross_entropy(known.clip_probabilities_BC[:2], clips.tags_BC[:2]).item(), rel=1e-4
    )
    activity_BTC = system._activity(mixed_batch.events_B, num_frames=13)
    strong = cross_entropy(known.frame_probabilities_BTC[0], activity_BTC[0]).item()
    assert before["train/strong"] == pytest.approx(strong, rel=1e-4)
    assert before["train/consistency"] > 0
    assert before["train/loss"] == pytest.approx(strong + before["train/weak"] + 2 * before["train/consistency"])
    # What means nothing is not heard: tags of the unlabelled clip, events of those that are not strong.
    otherwise = mixed_batch._replace(
        clips=clips._replace(tags_BC=clips.tags_BC + torch.tensor([[0.0], [0.0], [1.0]])),
        events_B=(mixed_batch.events_B[0],) * 3,
    )
    system.training_step(otherwise, 0)
    assert logged == pytest.approx(before)


def test_a_batch_without_a_label_teaches_agreement_alone(mixed_batch: MixedClipBatch, logged: dict[str, float]) -> None:
    nothing_B = torch.zeros(3, dtype=torch.bool)
    system = teacher()
    loss = system.training_step(mixed_batch._replace(has_tags_B=nothing_B, has_events_B=nothing_B), 0)
    loss.backward()
    assert logged["train/strong"] == logged["train/weak"] == 0.0
    assert all(parameter.grad is None for parameter in system.teacher.parameters())
    assert all(torch.isfinite(p.grad).all() for p in system.encoder.parameters() if p.grad is not None)
    assert mean_where(torch.tensor([3.0, 5.0]), torch.tensor([False, True])).item() == 5.0


def test_the_consistency_weight_ramps_up_by_epoch(
    mixed_batch: MixedClipBatch, logged: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = teacher(ramp_up_epochs=10, consistency_weight=4.0)
    for epoch, share in ((0, math.exp(-5)), (5, math.exp(-1.25)), (10, 1.0), (30, 1.0)):
        monkeypatch.setattr(MeanTeacher, "current_epoch", epoch)
        system.training_step(mixed_batch, 0)
        rest = logged["train/loss"] - logged["train/strong"] - logged["train/weak"]
        assert rest == pytest.approx(4.0 * share * logged["train/consistency"], rel=1e-3, abs=1e-6)
        assert ramp_up(epoch, epochs=10) == pytest.approx(share)


def test_the_teacher_is_an_average_and_hears_of_a_step_once(monkeypatch: pytest.MonkeyPatch) -> None:
    system = teacher(ema_decay=0.9)
    student, before = system.classifier.weight.detach().clone(), system.teacher["classifier"].weight.clone()
    for step, decay in ((1, 0.5), (1, None), (5, 1 - 1 / 6), (500, 0.9)):
        monkeypatch.setattr(MeanTeacher, "global_step", step)
        system.on_train_batch_end()
        if decay is not None:
            before = decay * before + (1 - decay) * student
        torch.testing.assert_close(system.teacher["classifier"].weight, before)
    statistics = [name for name, _ in system.encoder.named_buffers()]
    assert statistics
    for own, kept in zip(system.encoder.buffers(), system.teacher["encoder"].buffers(), strict=True):
        assert torch.equal(own, kept)
    assert torch.equal(system.classifier.weight, student)


@torch.no_grad()
@pytest.mark.parametrize("predicts", ["student", "teacher"])
def test_the_one_that_is_named_predicts_and_both_come_back(batch: ClipBatch, predicts: str) -> None:
    system = teacher(predicts=predicts).eval()
    file = io.BytesIO()
    torch.save(system.state_dict(), file)
    file.seek(0)
    before = system.predict_step(batch, 0)
    own = system.detect_in(system.log_mel(batch.waveforms_BS, batch.num_samples_B), torch.tensor([25, 16, 20]))
    taught = system.teacher_detects(system.log_mel(batch.waveforms_BS, batch.num_samples_B), torch.tensor([25, 16, 20]))
    same = torch.allclose(own.clip_probabilities_BC, taught.clip_probabilities_BC)
    assert same == (predicts == "teacher")
    for parameter in system.parameters():
        parameter.zero_()
    system.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(system.predict_step(batch, 0).clip_probabilities_BC, before.clip_probabilities_BC)
    assert not system.train().teacher.training


def test_training_lowers_the_loss(mixed_batch: MixedClipBatch) -> None:
    system = teacher()
    optimizer = torch.optim.Adam(system.parameters(), lr=5e-3)
    losses = []
    for _ in range(15):
        loss = system.training_step(mixed_batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        system.average(0.5)
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_batches_of_another_kind_are_refused_by_name(
    batch: ClipBatch, strong_batch: StrongClipBatch, mixed_batch: MixedClipBatch, weak_system: SoundEventDetector
) -> None:
    system = teacher()
    for other in (batch, strong_batch):
        with pytest.raises(TypeError, match=r"takes a MixedClipBatch, not \w+ \(data.train_labels must be mixed\)"):
            system.training_step(other, 0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"takes a ClipBatch, not MixedClipBatch \(data.train_labels must be weak\)"):
        weak_system.training_step(mixed_batch, 0)
    strong = StrongLabels(encoder=demo_crnn(), **SHARED)
    with pytest.raises(TypeError, match=r"StrongClipBatch, not MixedClipBatch \(data.train_labels must be strong\)"):
        strong.training_step(mixed_batch, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"ema_decay": 1.0}, {"consistency_weight": -1.0}, {"ramp_up_epochs": -1}])
def test_settings_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must hold"):
        MeanTeacher(encoder=demo_crnn(), **SHARED, **changes)
