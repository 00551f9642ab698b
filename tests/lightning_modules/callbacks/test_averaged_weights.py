"""Averaged weights through the runner's trainer: means by hand, what is stored, and a resume that changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as lightning
import torch
from torch import Tensor

from experiments.configuration.schema import build
from experiments.errors import UserError
from experiments.runs.journal import Journal
from experiments.table_files.merge import Config, normalise
from experiments.table_files.yaml_files import read_yaml
from experiments.training.train import _trainer

TINY = read_yaml(Path(__file__).parents[2] / "experiments" / "tiny.yaml")["base"]
Weights = Mapping[str, Tensor]


class Interrupted(Exception):
    """Raised where an epoch would begin."""


class Watch(lightning.Callback):
    """Copies of the weights after every step and at every validation; the epoch of number ``until`` is not begun."""

    def __init__(self, until: int | None) -> None:
        self._until = until
        self.steps: list[list[Weights]] = []
        self.validated: list[Weights] = []

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch == self._until:
            raise Interrupted
        self.steps.append([])

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *_: Any) -> None:
        self.steps[-1].append({name: value.clone() for name, value in pl_module.state_dict().items()})

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self.validated.append({name: value.clone() for name, value in pl_module.state_dict().items()})


def config(average: dict[str, Any] | None, *, epochs: int = 4) -> Config:
    table = normalise(TINY)
    table["trainer"] = {"max_epochs": epochs}
    table["checkpoint"] = {"monitor": "validation/loss", "mode": "min", "average": average}
    return table


def train(folder: Path, average: dict[str, Any] | None, *, until: int | None = None) -> Watch:
    """Train from the folder's last checkpoint, where there is one."""
    lightning.seed_everything(0, verbose=False)
    parts = build(config(average), stage="fit", seed=0, where="F")
    assert isinstance(parts.model, lightning.LightningModule)
    assert isinstance(parts.data, lightning.LightningDataModule)
    folder.mkdir(exist_ok=True)
    trainer = _trainer(parts, folder, Journal(folder), {"accelerator": "cpu"})
    watch = Watch(until)
    trainer.callbacks.append(watch)  # type: ignore[attr-defined]
    last = folder / "checkpoints" / "last.ckpt"
    with contextlib.suppress(Interrupted):
        resume = last if last.exists() else None
        trainer.fit(parts.model, datamodule=parts.data, ckpt_path=resume, weights_only=True)
    return watch


def stored(folder: Path, name: str) -> Weights:
    weights: Weights = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
    return weights


def assert_equal(found: Weights, expected: Weights, *, tolerance: float = 1e-6) -> None:
    assert found.keys() == expected.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], atol=tolerance, rtol=0 if tolerance == 0 else 1e-5)


def mean(weights: list[Weights]) -> Weights:
    last = weights[-1]
    return {
        name: torch.stack([one[name] for one in weights]).mean(0) if value.is_floating_point() else value
        for name, value in last.items()
    }


@pytest.mark.usefixtures("tiny_tones")
def test_the_mean_of_epochs_is_validated_and_kept_and_training_goes_its_own_way(tmp_path: Path) -> None:
    plain, averaged = train(tmp_path / "plain", None), train(tmp_path / "averaged", {"from_epoch": 2})
    ends = [steps[-1] for steps in plain.steps]
    for one, other in zip(plain.steps, averaged.steps, strict=True):
        for found, expected in zip(other, one, strict=True):
            assert_equal(found, expected, tolerance=0)
    expected = [ends[0], ends[1], ends[2], mean(ends[2:])]
    for found, wanted in zip(averaged.validated, expected, strict=True):
        assert_equal(found, wanted)
    assert_equal(stored(tmp_path / "averaged", "last"), ends[-1], tolerance=0)
    best = stored(tmp_path / "averaged", "best")
    assert any(all(torch.equal(best[name], value[name]) for name in best) for value in averaged.validated)


@pytest.mark.usefixtures("tiny_tones")
def test_a_moving_average_is_torchs(tmp_path: Path) -> None:
    plain, averaged = train(tmp_path / "plain", None), train(tmp_path / "a", {"from_epoch": 1, "decay": 0.7})
    model = build(config(None), stage="fit", seed=0, where="F").model
    assert model is not None
    ema = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.7), use_buffers=True
    )
    for epoch, steps in enumerate(plain.steps):
        for weights in steps if epoch >= 1 else []:
            model.load_state_dict(weights)
            ema.update_parameters(model)
        wanted = ema.module.state_dict() if epoch >= 1 else plain.steps[0][-1]
        parameters = {name for name, _ in model.named_parameters()}
        for name in parameters:
            torch.testing.assert_close(averaged.validated[epoch][name], wanted[name], atol=1e-6, rtol=1e-5)


@pytest.mark.usefixtures("tiny_tones")
@pytest.mark.parametrize("average", [{"from_epoch": 1}, {"from_epoch": 0, "decay": 0.9}])
def test_a_resumed_training_has_the_average_of_an_uninterrupted_one(tmp_path: Path, average: dict[str, Any]) -> None:
    whole = train(tmp_path / "whole", average)
    train(tmp_path / "resumed", average, until=2)
    resumed = train(tmp_path / "resumed", average)
    for found, expected in zip(resumed.validated, whole.validated[2:], strict=True):
        assert_equal(found, expected, tolerance=0)
    for name in ("best", "last"):
        assert_equal(stored(tmp_path / "resumed", name), stored(tmp_path / "whole", name), tolerance=0)


@pytest.mark.usefixtures("tiny_tones")
@pytest.mark.parametrize(
    ("average", "says"),
    [
        ({"from_epoch": 4}, r"checkpoint.average.from_epoch: 4, allowed: from 0 to 3, since trainer.max_epochs is 4"),
        ({"from_epoch": -1}, r"checkpoint.average.from_epoch must be 0 or more, got -1"),
        ({"from_epoch": 0, "decay": 1.0}, r"checkpoint.average.decay must lie between 0 and 1, got 1.0"),
    ],
)
def test_an_average_that_cannot_be_is_one_line(average: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        build(config(average), stage="fit", seed=0, where="F")
