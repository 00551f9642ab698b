"""One process of the distributed tests: trains, then evaluates a given checkpoint, and rank 0 writes what it found.

python worker_of_two.py SYSTEM OUTPUT_FOLDER NUM_PROCESSES [CHECKPOINT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy

from datamodules.asr import SpeechDataModule
from datamodules.sed import SoundEventClips
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.layers.crnn import demo_gated_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import demo_encoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.sed.mil import MIL


def detector() -> tuple[Any, Any, dict[str, Any]]:
    data = SoundEventClips(corpus="tones/tiny", batch_size=4)
    model = MIL(
        classes=data.classes,
        sample_rate_hz=data.sample_rate_hz,
        encoder=demo_gated_crnn(),
        features=LogMelSettings(hop_seconds=0.04, num_mels=40),
        optimizer=lambda params: torch.optim.SGD(params, lr=0.1),
        penalty_alpha=0.1,
    )
    return data, model, {}


def recogniser() -> tuple[Any, Any, dict[str, Any]]:
    data = SpeechDataModule(corpus="spoken_tones/tiny", batch_seconds=8.0, speed_factors=(0.9, 1.0, 1.1))
    model = CTC(
        symbols=data.symbols,
        sample_rate_hz=data.sample_rate_hz,
        encoder=demo_encoder(cell="gru", dropout=0.0),
        features=LogMelSettings(hop_seconds=0.01, window_seconds=0.032, num_mels=40),
        spec_augment=SpecAugment(),
        optimizer=lambda params: torch.optim.SGD(params, lr=1e-3),
    )
    return data, model, {"gradient_clip_val": 5.0}


SYSTEMS = {"detector": detector, "recogniser": recogniser}


def main(system: str, output: Path, processes: int, checkpoint: Path | None) -> None:
    pl.seed_everything(0, verbose=False)
    data, model, settings = SYSTEMS[system]()
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=processes,
        strategy=DDPStrategy(process_group_backend="gloo") if processes > 1 else "auto",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **settings,
    )
    trainer.fit(model, datamodule=data)
    train_loss = float(trainer.callback_metrics["train/loss"])
    if trainer.is_global_zero:
        torch.save(model.state_dict(), output / "trained.pt")
    if checkpoint is not None:
        model.load_state_dict(torch.load(checkpoint, weights_only=True))
    metrics = trainer.validate(model, dataloaders=data.evaluation_dataloader("validation"), verbose=False)[0]
    batches = trainer.predict(model, dataloaders=data.evaluation_dataloader("test")) or []
    model.write_predictions(batches, clip_ids=data.clip_ids("test"), path=output / "test")
    if trainer.is_global_zero:
        (output / "metrics.json").write_text(json.dumps({"train/loss": train_loss, **metrics}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
