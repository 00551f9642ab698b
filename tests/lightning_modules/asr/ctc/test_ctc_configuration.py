"""A configuration file builds the recogniser: class paths, symbols and sample rate from the data, schedule, masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser

from datamodules.asr import SpeechDataModule
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.layers.recurrent_encoder import RecurrentEncoder
from lightning_modules.layers.spec_augment import SpecAugment

LAYERS = "lightning_modules.layers"


def parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(SpeechDataModule, "data", required=True)
    parser.add_subclass_arguments(CTC, "model", required=True)
    for name in ("symbols", "sample_rate_hz"):
        parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
    return parser


def configuration(**model: Any) -> dict[str, Any]:
    data = {"corpus": "spoken_tones/tiny", "batch_seconds": 6, "speed_factors": [0.9, 1.0, 1.1], "languages": ["cs"]}
    return {
        "data": {"class_path": "datamodules.asr.SpeechDataModule", "init_args": data},
        "model": {
            "class_path": "lightning_modules.asr.ctc.ctc.CTC",
            "init_args": {"encoder": f"{LAYERS}.recurrent_encoder.demo_encoder", **model},
        },
    }


@pytest.mark.parametrize("encoder", ["demo_encoder", "small_encoder", "eesen_encoder", "deep_speech_encoder"])
def test_every_named_encoder_can_be_named(tiny_speech: Path, encoder: str) -> None:
    spec = {
        "class_path": f"{LAYERS}.recurrent_encoder.{encoder}",
        "init_args": {"cell": "gru", "bidirectional": False, "num_mels": 40},
    }
    with torch.device("meta"):
        built = parser().instantiate(parser().parse_object(configuration(encoder=spec)))
    assert isinstance(built.model, CTC)
    assert isinstance(built.model.encoder, RecurrentEncoder)
    assert built.model.symbols == built.data.symbols
    assert built.model.classifier.out_features == len(built.data.symbols)
    assert not any(layer.back for layer in built.model.encoder.recurrent.layers)


def test_features_masks_and_schedule_are_data(tiny_speech: Path) -> None:
    given = configuration(
        features={"hop_seconds": 0.0125, "window_seconds": 0.032, "num_mels": 40},
        spec_augment={"class_path": f"{LAYERS}.spec_augment.SpecAugment", "init_args": {"time_masks": 1}},
        optimizer={"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.003}},
        scheduler={
            "class_path": "torch.optim.lr_scheduler.OneCycleLR",
            "init_args": {"max_lr": 0.003, "total_steps": 30},
        },
        scheduler_interval="step",
    )
    built = parser().instantiate(parser().parse_object(given))
    model = built.model
    assert model.hop_seconds == pytest.approx(0.05)
    assert isinstance(model.features.spec_augment, SpecAugment)
    assert model.features.spec_augment.time_masks == 1
    made = model.configure_optimizers()
    assert isinstance(made["optimizer"], torch.optim.AdamW)
    assert made["lr_scheduler"]["interval"] == "step"
    assert made["lr_scheduler"]["scheduler"].total_steps == 30
    assert made["optimizer"].param_groups[0]["lr"] == pytest.approx(0.003 / 25)


def test_without_settings_there_is_no_schedule_and_no_mask(tiny_speech: Path) -> None:
    model = parser().instantiate(parser().parse_object(configuration())).model
    assert isinstance(model.configure_optimizers(), torch.optim.Adam)
    assert model.features.spec_augment is None
    assert model.hop_seconds == pytest.approx(0.04)
