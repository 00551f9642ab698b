"""A misspelt monitor and a diverged training end a run early, in one line."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from datamodules.run_warning import RunWarning
from experiments.errors import UserError
from experiments.training.divergence import FiniteFigures
from experiments.training.monitor_name import KnownMonitor
from lightning_modules.losses.finite import DivergedError


class Line(lightning.LightningModule):
    """Learns one number; what it logs of validation is given. A learning rate of 1e30 makes it diverge."""

    def __init__(self, *, lr: float = 0.1, validate: Callable[[int], float] = lambda _: 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.lr, self.validate = lr, validate

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss = (self.weight * batch).square().mean()
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("validation/loss", self.validate(self.current_epoch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def _fit(
    folder: Path, callback: lightning.Callback, model: Line, *others: lightning.Callback, max_epochs: int = 2
) -> lightning.Trainer:
    loader: Any = DataLoader(torch.ones(4, 1), batch_size=1)
    trainer = lightning.Trainer(
        max_epochs=max_epochs, accelerator="cpu", logger=False, enable_checkpointing=bool(others),
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder, callbacks=[callback, *others],
    )  # fmt: skip
    trainer.fit(model, loader, loader)
    return trainer


@pytest.mark.parametrize("monitor", ["validation/los", "validaton/loss"])
def test_a_misspelt_monitor_ends_before_the_first_step(tmp_path: Path, monitor: str) -> None:
    model = Line()
    with pytest.raises(UserError, match=f"checkpoint.monitor: unknown metric '{monitor}'.*allowed: validation/loss"):
        _fit(tmp_path, KnownMonitor(monitor), model)
    assert model.weight.item() == 1.0


@pytest.mark.parametrize("monitor", ["validation/loss", "train/loss", "their_own", "validation/f1"])
def test_a_monitor_that_training_may_log_is_left_alone(tmp_path: Path, monitor: str) -> None:
    assert _fit(tmp_path, KnownMonitor(monitor), Line()).global_step == 8


@pytest.mark.parametrize(("best", "says"), [(0, "epoch 1 of 10"), (1, "epoch 2 of 10"), (2, ""), (9, "")])
def test_weights_of_an_early_epoch_are_said(tmp_path: Path, best: int, says: str) -> None:
    chosen = ModelCheckpoint(tmp_path, filename="best", monitor="validation/loss", save_weights_only=True)
    model = Line(validate=lambda epoch: float(abs(epoch - best)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _fit(tmp_path, KnownMonitor("validation/loss"), model, chosen, max_epochs=10)
    lines = [str(one.message) for one in caught if issubclass(one.category, RunWarning)]
    assert lines == (
        [f"kept are the weights of {says}: no later one had a better validation/loss; look at the learning curves"]
        if says
        else []
    )


def test_a_loss_that_is_no_number_names_epoch_and_step(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"epoch 0, step 1: the training loss is inf; lower model\.optimizer\.lr"):
        _fit(tmp_path, FiniteFigures("validation/loss"), Line(lr=1e30))


def test_a_figure_that_chooses_the_epoch_and_is_no_number_ends_the_run(tmp_path: Path) -> None:
    model = Line(validate=lambda epoch: math.nan if epoch else 1.0)
    with pytest.raises(DivergedError, match="epoch 1, step 8: validation/loss, which chooses the epoch, is NaN"):
        _fit(tmp_path, FiniteFigures("validation/loss"), model)


def test_infinity_and_numbers_are_figures(tmp_path: Path) -> None:
    model = Line(validate=lambda epoch: math.inf)
    assert _fit(tmp_path, FiniteFigures("validation/loss"), model).global_step == 8
