"""What every system must do: learn, keep strong labels out, ignore padding and the rest of the batch, come back."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Tensor

from datamodules.batches import ClipBatch, StrongClipBatch
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.losses.finite import DivergedError
from lightning_modules.losses.mil import similarity_penalty
from lightning_modules.losses.tagging import tagging_loss
from lightning_modules.sed.detector import SoundEventDetector
from lightning_modules.sed.mil import MIL
from lightning_modules.sed.strong_labels import StrongLabels
from lightning_modules.sed.tagger import Tagger


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What a system logs, without a trainer."""
    values: dict[str, float] = {}

    def log(_: SoundEventDetector, name: str, value: Tensor, **_options: Any) -> None:
        values[name] = float(value)

    monkeypatch.setattr(SoundEventDetector, "log", log)
    monkeypatch.setattr(
        SoundEventDetector, "log_dict", lambda self, metrics, **_: [log(self, *item) for item in metrics.items()]
    )
    return values


def test_training_lowers_the_loss(
    system: SoundEventDetector, batch: ClipBatch, strong_batch: StrongClipBatch, logged: dict[str, float]
) -> None:
    optimizer = torch.optim.Adam(system.parameters(), lr=5e-3)
    labels = strong_batch if isinstance(system, StrongLabels) else batch
    losses = []
    for _ in range(15):
        loss = system.training_step(labels, 0)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in system.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert logged["train/loss"] == losses[-1]
    assert ("train/penalty" in logged) == isinstance(system, MIL)


@pytest.mark.parametrize("training", [True, False])
def test_probabilities_that_are_no_numbers_name_epoch_step_loss_and_clips(
    system: SoundEventDetector, batch: ClipBatch, strong_batch: StrongClipBatch, training: bool
) -> None:
    torch.nn.init.constant_(system.classifier.bias, float("nan"))
    loss = "train/loss" if training else "validation/loss"
    says = rf"^epoch 0, step 0: {loss} is no number for 3 of 3 clips: .*; lower model\.optimizer\.lr"
    labels = strong_batch if training and isinstance(system, StrongLabels) else batch
    step = system.training_step if training else system.eval().validation_step
    with pytest.raises(DivergedError, match=says):
        step(labels, 0)


def test_without_alpha_the_penalty_is_logged_and_not_learnt(
    batch: ClipBatch, logged: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    penalties = []

    def kept(*arguments: torch.Tensor) -> torch.Tensor:
        penalties.append(similarity_penalty(*arguments))
        return penalties[-1]

    monkeypatch.setattr("lightning_modules.sed.mil.similarity_penalty", kept)
    features = LogMelSettings(hop_seconds=0.04, window_seconds=0.128, num_mels=40)
    for alpha, learnt in ((0.0, False), (0.1, True)):
        system = MIL(
            encoder=demo_crnn(),
            penalty_alpha=alpha,
            classes=("bird", "door", "fire"),
            sample_rate_hz=8000,
            features=features,
        )
        detection = system(batch.waveforms_BS, batch.num_samples_B)
        loss = system.loss(detection, batch.tags_BC)
        assert penalties[-1].requires_grad == learnt
        assert logged["train/penalty"] == penalties[-1].item()
        assert logged["train/penalty"] > 0
        tagging = tagging_loss(detection.clip_probabilities_BC, batch.tags_BC)
        assert torch.equal(loss, tagging + alpha * penalties[-1])
        num_before = len(penalties)
        system.eval().loss(detection, batch.tags_BC)
        assert len(penalties) - num_before == learnt  # where it counts for nothing it is not computed


def test_strong_labels_cannot_reach_weak_training(
    weak_system: SoundEventDetector, strong_batch: StrongClipBatch
) -> None:
    with pytest.raises(TypeError, match=r"takes a ClipBatch, not StrongClipBatch \(data.train_labels must be weak\)"):
        weak_system.training_step(strong_batch, 0)


def test_a_batch_type_that_smuggles_strong_labels_is_refused(
    weak_system: SoundEventDetector, strong_batch: StrongClipBatch
) -> None:
    class Smuggler(ClipBatch):
        events_B = strong_batch.events_B

    with pytest.raises(TypeError, match="not Smuggler"):
        weak_system.training_step(Smuggler(*strong_batch.clips), 0)


def test_upper_bound_refuses_weak_batches(batch: ClipBatch) -> None:
    system = StrongLabels(classes=("bird", "door", "fire"), sample_rate_hz=8000, encoder=demo_crnn(num_mels=64))
    with pytest.raises(TypeError, match="train_labels must be strong"):
        system.training_step(batch, 0)  # type: ignore[arg-type]


def test_upper_bound_learns_from_events_on_its_own_grid(strong_batch: StrongClipBatch) -> None:
    features = LogMelSettings(hop_seconds=0.04, window_seconds=0.128, num_mels=40)
    system = StrongLabels(classes=("bird", "door", "fire"), sample_rate_hz=8000, encoder=demo_crnn(), features=features)
    assert system.hop_seconds == 0.08
    activity_BTC = system._activity(strong_batch.events_B, num_frames=13)
    # 0.1-0.5 s -> edges 1 and 6; 0.4-0.9 s -> edges 5 and 11.
    assert activity_BTC[0, :, 0].tolist() == [0.0] + [1.0] * 5 + [0.0] * 7
    assert activity_BTC[0, :, 1].tolist() == [0.0] * 5 + [1.0] * 6 + [0.0] * 2
    assert not activity_BTC[1].any()


@torch.no_grad()
def test_predictions_do_not_depend_on_the_batch(system: SoundEventDetector, batch: ClipBatch) -> None:
    system.eval()
    together = system.predict_step(batch, 0)
    assert together.num_frames_B.tolist() == ([4, 2, 3] if isinstance(system, Tagger) else [13, 8, 10])
    for row, length in enumerate(batch.num_samples_B.tolist()):
        alone = system.predict_step(
            ClipBatch(
                batch.clip_ids[row : row + 1],
                batch.waveforms_BS[row : row + 1, :length],
                batch.num_samples_B[row : row + 1],
                batch.tags_BC[row : row + 1],
            ),
            0,
        )
        torch.testing.assert_close(
            together.clip_probabilities_BC[row], alone.clip_probabilities_BC[0], atol=1e-5, rtol=1e-4
        )
        if together.frame_probabilities_BTC is not None and alone.frame_probabilities_BTC is not None:
            frames = int(alone.num_frames_B[0])
            torch.testing.assert_close(
                together.frame_probabilities_BTC[row, :frames], alone.frame_probabilities_BTC[0], atol=1e-5, rtol=1e-4
            )


def test_padding_does_not_change_the_training_loss(system: SoundEventDetector, strong_batch: StrongClipBatch) -> None:
    clips = strong_batch.clips
    longer = clips._replace(waveforms_BS=torch.nn.functional.pad(clips.waveforms_BS, (0, 4321)))
    losses = []
    for batch in (clips, longer):
        labels = StrongClipBatch(batch, strong_batch.events_B) if isinstance(system, StrongLabels) else batch
        losses.append(system.training_step(labels, 0).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@torch.no_grad()
def test_validation_is_of_the_whole_split_and_of_tags_only(
    system: SoundEventDetector, batch: ClipBatch, logged: dict[str, float]
) -> None:
    system.eval()
    detection = system(batch.waveforms_BS, batch.num_samples_B)
    for row in range(3):
        one = ClipBatch(*(field[row : row + 1] for field in batch))
        system.validation_step(one, row)
    system.on_validation_epoch_end()
    assert logged["validation/loss"] == pytest.approx(system.loss(detection, batch.tags_BC).item(), rel=1e-4)
    names = {"validation/tagging_f1_macro", "validation/tagging_f1_micro", "validation/tagging_map"}
    assert names <= set(logged)


@torch.no_grad()
def test_first_guess_is_the_initial_probability() -> None:
    system = MIL(
        classes=("bird", "door"), sample_rate_hz=16000, encoder=demo_crnn(num_mels=64), initial_probability=0.03
    )
    torch.nn.init.zeros_(system.classifier.weight)
    detection = system.eval()(torch.randn(1, 16000), torch.tensor([16000]))
    torch.testing.assert_close(detection.clip_probabilities_BC, torch.full((1, 2), 0.03))


@torch.no_grad()
def test_state_dict_and_settings_rebuild_the_system(system: SoundEventDetector, batch: ClipBatch) -> None:
    file = io.BytesIO()
    torch.save(system.state_dict(), file)
    file.seek(0)
    before = system.eval().predict_step(batch, 0)
    state = torch.load(file, weights_only=True)
    for parameter in system.parameters():
        parameter.zero_()
    system.load_state_dict(state)
    assert torch.equal(system.predict_step(batch, 0).clip_probabilities_BC, before.clip_probabilities_BC)
    assert not system.hparams


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": LogMelSettings(num_mels=40)}, "features.num_mels is 40 but encoder.num_mels is 64"),
        ({"initial_probability": 1.0}, "initial_probability must lie between 0 and 1, got 1.0"),
        ({"penalty_alpha": -0.1}, "penalty_alpha must be 0 or more, got -0.1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MIL(**{"classes": ("bird",), "sample_rate_hz": 16000, "encoder": demo_crnn(num_mels=64), **changes})
