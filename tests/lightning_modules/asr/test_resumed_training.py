"""A training that was interrupted after an epoch ends with the weights of one that was not."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from datamodules.asr import SpeechDataModule
from experiments.training.random_state import RandomState
from experiments.training.resumed_order import ResumedOrder
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import demo_encoder
from lightning_modules.layers.spec_augment import SpecAugment


def train(folder: Path, *, epochs: int, resume: Path | None = None) -> tuple[dict[str, torch.Tensor], Path]:
    pl.seed_everything(0, verbose=False)
    data = SpeechDataModule(corpus="spoken_tones/tiny", batch_seconds=6.0, speed_factors=(0.9, 1.0, 1.1))
    model = CTC(
        symbols=data.symbols,
        sample_rate_hz=data.sample_rate_hz,
        encoder=demo_encoder(cell="gru", dropout=0.3),
        features=LogMelSettings(hop_seconds=0.01, window_seconds=0.032, num_mels=40),
        spec_augment=SpecAugment(),
        scheduler=lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=3),
    )
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[RandomState(), ResumedOrder()], default_root_dir=folder,
        enable_checkpointing=False, use_distributed_sampler=False, limit_val_batches=0,
    )  # fmt: skip
    trainer.fit(model, datamodule=data, ckpt_path=resume, weights_only=True)
    last = folder / f"{epochs}.ckpt"
    trainer.save_checkpoint(last)
    return model.state_dict(), last


@pytest.mark.integration
def test_a_resumed_training_equals_an_uninterrupted_one(tiny_speech: Path, tmp_path: Path) -> None:
    whole, _ = train(tmp_path, epochs=3)
    _, last = train(tmp_path, epochs=1)
    resumed, _ = train(tmp_path, epochs=3, resume=last)
    torch.testing.assert_close(resumed, whole, atol=0.0, rtol=0.0)
