"""A system of three groups with BatchNorm, dropout, a recurrent layer and symbols, and its training; also one of two.

python tiny_system.py OUTPUT_FILE NUM_PROCESSES
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from experiments.training.random_state import RandomState
from lightning_modules.callbacks.fine_tuning import FineTuningPlan, Freezing, GroupPlan

SYMBOLS = ("<blank>", "a", "b", "c")


class TinySystem(pl.LightningModule):
    def __init__(self, symbols: Sequence[str] = SYMBOLS, *, hidden_units: int = 5, dropout: float = 0.3) -> None:
        super().__init__()
        self.symbols = tuple(symbols)
        self.encoder = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(dropout))
        self.embedding = nn.Embedding(len(self.symbols), 5)
        self.speller = nn.LSTM(5, hidden_units, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden_units, len(self.symbols))

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        return {
            "encoder": [self.encoder],
            "decoder": [self.embedding, self.speller, self.dropout],
            "outputs": [self.classifier],
        }

    def symbol_parameters(self) -> Collection[str]:
        return ("embedding.weight", "classifier.weight", "classifier.bias")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["symbols"] = list(self.symbols)

    def forward(self, inputs_BI: Tensor, tokens_B: Tensor) -> Tensor:
        hidden_BH = self.speller((self.encoder(inputs_BI) + self.embedding(tokens_B)).unsqueeze(1))[0].squeeze(1)
        logits_BV: Tensor = self.classifier(self.dropout(hidden_BH))
        return logits_BV

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        inputs_BI, tokens_B, targets_B = batch
        return nn.functional.cross_entropy(self(inputs_BI, tokens_B), targets_B)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.training_step(batch, batch_idx)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.05, weight_decay=0.5)


def loader() -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(1)
    data = TensorDataset(
        torch.randn(12, 4, generator=generator),
        torch.randint(4, (12,), generator=generator),
        torch.randint(4, (12,), generator=generator),
    )
    return DataLoader(data, batch_size=4, generator=generator)  # its own generator: iterating draws from it


def plan(encoder: int | None, decoder: int | None = 0) -> FineTuningPlan:
    return FineTuningPlan(
        {
            "encoder": GroupPlan("seed", encoder),
            "decoder": GroupPlan("seed", decoder),
            "outputs": GroupPlan("fresh"),
        }
    )


def train(
    system: pl.LightningModule, plan: FineTuningPlan, *, epochs: int, resume: Path | None = None, **settings: Any
) -> pl.Trainer:
    trainer = pl.Trainer(
        **{
            "max_epochs": epochs, "accelerator": "cpu", "devices": 1, "logger": False, "enable_progress_bar": False,
            "enable_model_summary": False, "enable_checkpointing": False, "use_distributed_sampler": False,
            "gradient_clip_val": 0.5, "callbacks": [RandomState(), Freezing(plan)], **settings,
        }
    )  # fmt: skip
    trainer.fit(system, loader(), loader(), ckpt_path=resume, weights_only=True)
    return trainer


def main(output: Path, processes: int) -> None:
    pl.seed_everything(0, verbose=False)
    system = TinySystem(dropout=0.0)  # Lightning seeds several processes anew: they would drop others
    strategy: Any = DDPStrategy(process_group_backend="gloo") if processes > 1 else "auto"
    trainer = train(system, plan(2, None), epochs=4, devices=processes, strategy=strategy)
    if trainer.is_global_zero:
        torch.save(system.state_dict(), output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
