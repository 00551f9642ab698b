from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as lightning

from experiments.configuration.schema import build
from experiments.table_files.merge import normalise
from experiments.table_files.yaml_files import read_yaml
from experiments.training.resumed_order import ResumedOrder

TINY = read_yaml(Path(__file__).parents[1] / "tiny.yaml")["base"]


class Recorder(lightning.Callback):
    """Clip ids of every training batch, by epoch."""

    def __init__(self) -> None:
        self.seen: dict[int, list[tuple[str, ...]]] = {}

    def on_train_batch_start(self, trainer: lightning.Trainer, module: Any, batch: Any, index: int) -> None:
        self.seen.setdefault(trainer.current_epoch, []).append(batch.clip_ids)


def train(folder: Path, *, epochs: int, resume: Path | None = None) -> tuple[Recorder, Path]:
    parts = build(normalise(TINY), stage="fit", seed=0, where="F")
    recorder, last = Recorder(), folder / "last.ckpt"
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[recorder, ResumedOrder()], default_root_dir=folder,
        enable_checkpointing=False, use_distributed_sampler=False, limit_val_batches=0,
    )  # fmt: skip
    assert isinstance(parts.model, lightning.LightningModule)
    assert isinstance(parts.data, lightning.LightningDataModule)
    trainer.fit(parts.model, datamodule=parts.data, ckpt_path=resume, weights_only=True)
    trainer.save_checkpoint(last)
    return recorder, last


def test_a_resumed_run_sees_the_batches_of_an_uninterrupted_one(tiny_tones: Path, tmp_path: Path) -> None:
    whole, _ = train(tmp_path, epochs=5)
    first, last = train(tmp_path, epochs=2)
    second, _ = train(tmp_path, epochs=5, resume=last)
    assert set(second.seen) == {2, 3, 4}
    assert first.seen | second.seen == whole.seen
    assert len({tuple(batches) for batches in whole.seen.values()}) == 5  # so that the comparison can fail


@pytest.mark.parametrize("epochs", [1])
def test_a_fresh_run_is_left_alone(tiny_tones: Path, tmp_path: Path, epochs: int) -> None:
    recorder, _ = train(tmp_path, epochs=epochs)
    assert [len(batches) for batches in recorder.seen.values()] == [2]
