"""Synthetic speech and a CTC system small enough for a unit test."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from datamodules import spoken_tones
from datamodules.asr import SpeechDataModule
from lightning_modules.asr.ctc import CTC
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import RecurrentEncoder

FEATURES = LogMelSettings(hop_seconds=0.016, window_seconds=0.032, num_mels=40)


@pytest.fixture(scope="session")
def whole_spoken_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("spoken_tones")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(home))
        patch.delenv("EARMARK_DATA", raising=False)
        spoken_tones.prepare("tiny")
    return home / "data" / "spoken_tones" / "tiny"


@pytest.fixture
def tiny_speech(earmark_home: Path, whole_spoken_tones: Path) -> Path:
    """The folder of ``spoken_tones/tiny``, for a test to damage."""
    return Path(shutil.copytree(whole_spoken_tones, earmark_home / "data" / "spoken_tones" / "tiny"))


def speech(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 6.0, **settings})


def recogniser(data: SpeechDataModule, *, num_halvings: int = 1, **settings: Any) -> CTC:
    torch.manual_seed(0)
    encoder = RecurrentEncoder(
        num_mels=40, conv_channels=8, num_halvings=num_halvings, cell="gru", hidden_units=32, num_layers=1,
        bidirectional=True, dropout=0.0,
    )  # fmt: skip
    given = {
        "encoder": encoder,
        "features": FEATURES,
        "optimizer": lambda params: torch.optim.Adam(params, lr=0.01),
        **settings,
    }
    return CTC(symbols=data.symbols, sample_rate_hz=data.sample_rate_hz, **given)


def trainer(**settings: Any) -> pl.Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return pl.Trainer(
        **{
            "max_epochs": 1, "accelerator": "cpu", "devices": 1, "enable_model_summary": False,
            "use_distributed_sampler": False, "gradient_clip_val": 5.0, **quiet, **settings,
        }
    )  # fmt: skip
