"""Early stopping of a run that was interrupted after it, or while ``min_epochs`` held it up, through the runner."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as lightning
import torch

from experiments.configuration.schema import build
from experiments.runs.journal import Journal
from experiments.table_files.merge import normalise
from experiments.table_files.yaml_files import read_yaml
from experiments.training.train import _trainer

TINY = read_yaml(Path(__file__).parents[1] / "tiny.yaml")["base"]


class Interrupted(Exception):
    """Raised where an epoch would begin."""


class Epochs(lightning.Callback):
    """The epochs that were trained; the one of number ``until`` is not begun."""

    def __init__(self, until: int | None) -> None:
        self.seen: list[int] = []
        self._until = until

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch == self._until:
            raise Interrupted
        self.seen.append(trainer.current_epoch)


def train(
    folder: Path, *, until: int | None = None, min_epochs: int | None = None
) -> tuple[list[int], int, dict[str, torch.Tensor]]:
    """Train from the folder's last checkpoint, where there is one: (epochs, step, weights)."""
    lightning.seed_everything(0, verbose=False)
    config = normalise(TINY)
    config["trainer"] = {"max_epochs": 6} | ({"min_epochs": min_epochs} if min_epochs else {})
    # The loss falls, so that the first epoch has the highest, and the second uses the patience up.
    config["checkpoint"] = {"monitor": "validation/loss", "mode": "max", "patience_epochs": 1}
    parts = build(config, stage="fit", seed=0, where="F")
    assert isinstance(parts.model, lightning.LightningModule)
    assert isinstance(parts.data, lightning.LightningDataModule)
    folder.mkdir(exist_ok=True)
    trainer = _trainer(parts, folder, Journal(folder), {"accelerator": "cpu"})
    epochs = Epochs(until)
    trainer.callbacks.insert(0, epochs)  # type: ignore[attr-defined]
    last = folder / "checkpoints" / "last.ckpt"
    resume = last if last.exists() else None
    with contextlib.suppress(Interrupted):
        trainer.fit(parts.model, datamodule=parts.data, ckpt_path=resume, weights_only=True)
    return epochs.seen, trainer.global_step, parts.model.state_dict()


def test_a_run_interrupted_after_early_stopping_trains_no_further_epoch(tiny_tones: Path, tmp_path: Path) -> None:
    epochs, step, weights = train(tmp_path / "run")
    assert epochs == [0, 1]
    for _ in range(2):
        resumed, same_step, same = train(tmp_path / "run")  # while it predicted, say
        assert resumed == []
        assert same_step == step
        torch.testing.assert_close(same, weights, atol=0.0, rtol=0.0)


@pytest.mark.parametrize("until", [2, 3])
def test_epochs_that_must_be_are_trained_all_the_same(tiny_tones: Path, tmp_path: Path, until: int) -> None:
    epochs, _, weights = train(tmp_path / "whole", min_epochs=4)
    assert epochs == [0, 1, 2, 3]
    train(tmp_path / "run", min_epochs=4, until=until)
    resumed, _, same = train(tmp_path / "run", min_epochs=4)
    assert resumed == list(range(until, 4))
    torch.testing.assert_close(same, weights, atol=0.0, rtol=0.0)
