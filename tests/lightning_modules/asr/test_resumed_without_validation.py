"""A training interrupted in an epoch without validation ends as one that was not, through the runner's trainer."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from experiments.configuration.schema import build
from experiments.runs.journal import Journal
from experiments.training.train import _trainer

LAYERS = "lightning_modules.layers"


def train(folder: Path, *, epochs: int) -> dict[str, torch.Tensor]:
    """Train up to so many epochs, from the folder's last checkpoint where there is one."""
    pl.seed_everything(0, verbose=False)
    config = {
        "data": {
            "class_path": "datamodules.asr.SpeechDataModule",
            "init_args": {"corpus": "spoken_tones/tiny", "batch_seconds": 6.0},
        },
        "model": {
            "class_path": "lightning_modules.asr.ctc.ctc.CTC",
            "init_args": {
                "encoder": {"class_path": f"{LAYERS}.recurrent_encoder.demo_encoder", "init_args": {"dropout": 0.3}},
                "features": {"hop_seconds": 0.01, "window_seconds": 0.032, "num_mels": 40},
            },
        },
        "scoring": {
            "class_path": "lightning_modules.asr.scoring.decoding_scoring.DecodingScoring",
            "init_args": {"decoder": "lightning_modules.asr.ctc.decoder.Greedy"},
        },
        "trainer": {"max_epochs": 4, "check_val_every_n_epoch": 2},
        "checkpoint": {"monitor": "validation/cer", "mode": "min"},
    }
    parts = build(config, stage="fit", seed=0, where="F")
    assert parts.model is not None
    folder.mkdir(exist_ok=True)
    last = folder / "checkpoints" / "last.ckpt"
    trainer = _trainer(parts, folder, Journal(folder), {"accelerator": "cpu"})
    trainer.fit_loop.max_epochs = epochs
    resume = last if last.exists() else None
    trainer.fit(parts.model, datamodule=parts.data, ckpt_path=resume, weights_only=True)  # type: ignore[arg-type]
    return parts.model.state_dict()


@pytest.mark.integration
@pytest.mark.parametrize("stop", [1, 2])
def test_it_equals_an_uninterrupted_one(tiny_speech: Path, tmp_path: Path, stop: int) -> None:
    whole = train(tmp_path / "whole", epochs=4)
    train(tmp_path / "resumed", epochs=stop)
    assert (tmp_path / "resumed" / "checkpoints" / "last.ckpt").is_file()
    torch.testing.assert_close(train(tmp_path / "resumed", epochs=4), whole, atol=0.0, rtol=0.0)
