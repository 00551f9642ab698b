"""What the tests of recognisers share: synthetic speech in small batches, a small encoder, a quiet trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from datamodules.asr import SpeechDataModule
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import RecurrentEncoder

FEATURES = LogMelSettings(hop_seconds=0.016, window_seconds=0.032, num_mels=40)


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 6.0, **settings})


def small_encoder(*, num_halvings: int = 1) -> RecurrentEncoder:
    return RecurrentEncoder(
        num_mels=40, conv_channels=8, num_halvings=num_halvings, cell="gru", hidden_units=32, num_layers=1,
        bidirectional=True, dropout=0.0,
    )  # fmt: skip


def common(data: SpeechDataModule) -> dict[str, Any]:
    """What every recogniser is given, whatever it is; its own settings come over these."""
    return {
        "symbols": data.symbols,
        "sample_rate_hz": data.sample_rate_hz,
        "features": FEATURES,
        "optimizer": lambda params: torch.optim.Adam(params, lr=0.01),
    }


def recogniser(data: SpeechDataModule, *, num_halvings: int = 1, **settings: Any) -> CTC:
    torch.manual_seed(0)
    return CTC(**{**common(data), "encoder": small_encoder(num_halvings=num_halvings), **settings})


def trainer(**settings: Any) -> pl.Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return pl.Trainer(
        **{
            "max_epochs": 1, "accelerator": "cpu", "devices": 1, "enable_model_summary": False,
            "use_distributed_sampler": False, "gradient_clip_val": 5.0, **quiet, **settings,
        }
    )  # fmt: skip


def predict(model: Recogniser, data: SpeechDataModule, folder: Path, split: str = "validation") -> None:
    """Predictions of one split, written into a new folder."""
    folder.mkdir()
    batches = trainer().predict(model, dataloaders=data.evaluation_dataloader(split))
    model.write_predictions(batches or [], clip_ids=data.clip_ids(split), path=folder / split)
