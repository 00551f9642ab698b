"""What every recogniser shares: features, encoder, training on a loss an utterance, greedy validation, predictions.

A system adds ``loss`` (encoded utterances -> a loss each), ``greedy`` (-> hypotheses) and what stays of a run for
decoding. Rebuilding one takes its configuration and a state_dict; nothing is saved as hyper-parameters, but a
checkpoint knows its symbols, so that one of another tokenizer is refused by name.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric

from datamodules.annotations import Hypothesis
from datamodules.batches import UtteranceBatch
from lightning_modules.asr.gathering import GatheredFrames, PredictedFrames, gather_frames
from lightning_modules.asr.predictions import EncodedPredictions, FramePredictions
from lightning_modules.decoding.texts import spell
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import SPEECH_FEATURES
from lightning_modules.losses.finite import check_finite
from lightning_modules.metrics.word_error import WordError


class Encoded(NamedTuple):
    """Encoded utterances; frames past ``num_frames_B`` mean nothing."""

    hidden_BTH: Tensor
    num_frames_B: Tensor


class Recogniser(pl.LightningModule, ABC):
    """Base of the systems.

    ``symbols`` and ``sample_rate_hz`` come from the data module. ``scheduler_interval`` says whether the schedule is
    stepped after every epoch or every optimiser step.
    Raises ``ValueError`` where features and encoder do not fit.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        sample_rate_hz: int,
        encoder: SpeechEncoder,
        features: LogMelSettings = SPEECH_FEATURES,
        spec_augment: SpecAugment | None = None,
        optimizer: OptimizerCallable = lambda params: torch.optim.Adam(params, lr=1e-3),
        scheduler: LRSchedulerCallable | None = None,
        scheduler_interval: Literal["epoch", "step"] = "epoch",
    ) -> None:
        super().__init__()
        self.symbols = tuple(symbols)
        self.features = encoder.front_end(sample_rate_hz=sample_rate_hz, settings=features, spec_augment=spec_augment)
        self.encoder = encoder
        self._make_optimizer = optimizer
        self._make_scheduler = scheduler
        self._scheduler_interval = scheduler_interval
        self.validation_loss = MeanMetric()
        self.validation_error = WordError()

    @abstractmethod
    def loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """The loss of each utterance, (B,): of training or, in eval mode, of validation."""

    @abstractmethod
    def greedy(self, encoded: Encoded) -> list[Hypothesis]:
        """The reading of each utterance that validation scores: quick, since it comes every epoch."""

    @abstractmethod
    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """Modules by the names that a fine-tuning plan has for them; together they hold every parameter once."""

    @abstractmethod
    def symbol_parameters(self) -> Collection[str]:
        """Names (of the state_dict) of the parameters whose rows are symbols."""

    def with_loss(self, encoded: Encoded, batch: UtteranceBatch) -> tuple[Encoded, UtteranceBatch]:
        """The utterances of validation that have a loss: here all."""
        return encoded, batch

    def frames(self, encoded: Encoded) -> tuple[Tensor, ...]:
        """What is kept of each frame for decoding: here the hidden vectors; ``stored`` gets it back."""
        return (encoded.hidden_BTH,)

    def stored(self, gathered: GatheredFrames) -> Sequence[FramePredictions]:
        """The files that a split's ``frames`` become."""
        return (EncodedPredictions(encoded_FH=gathered.frames[0], **self._facts(gathered)),)

    def save_decoder(self, folder: Path) -> None:
        """Store beside the predictions what reads them, where something does."""

    @property
    def hop_seconds(self) -> float:
        """Distance of two encoded frames."""
        return self.features.hop_seconds * self.encoder.time_pooling

    def encoded_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames that the encoder leaves of each utterance: (B,) -> (B,)."""
        return self.encoder.pooled_frames(self.features.num_frames(num_samples_B))

    def encode(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Encoded:
        """Waveforms -> hidden vectors, without SpecAugment."""
        return self._encode(self.features(waveforms_BS, num_samples_B), num_samples_B)

    def _encode(self, features_BTM: Tensor, num_samples_B: Tensor) -> Encoded:
        hidden_BTH = self.encoder(features_BTM, self.features.num_frames(num_samples_B))
        return Encoded(hidden_BTH, self.encoded_frames(num_samples_B))

    def training_step(self, batch: UtteranceBatch, batch_idx: int) -> Tensor:
        """The loss, averaged over the utterances of the global batch."""
        features_BTM = self.features.masked(
            self.features(batch.waveforms_BS, batch.num_samples_B),
            batch.num_samples_B,
            utterance_ids=batch.utterance_ids,
            seed=torch.initial_seed(),
            epoch=self.current_epoch,
        )
        loss_B = self._checked_loss(self._encode(features_BTM, batch.num_samples_B), batch)
        count = len(batch.utterance_ids)
        self.log("train/loss", loss_B.mean(), on_step=False, on_epoch=True, sync_dist=True, batch_size=count)
        return loss_B.sum() / _mean_over_ranks(count, device=loss_B.device)

    def _checked_loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """Raises ``DivergedError`` naming the utterances whose loss is no number."""
        loss_B = self.loss(encoded, batch)
        loss = "train/loss" if self.training else "validation/loss"
        check_finite(loss_B, names=batch.utterance_ids, what="utterances", loss=loss, epoch=self.current_epoch,
                     step=self.global_step)  # fmt: skip
        return loss_B

    def validation_step(self, batch: UtteranceBatch, batch_idx: int) -> None:
        """Loss and greedy error rates; exact on several processes, since each utterance is seen once."""
        encoded = self.encode(batch.waveforms_BS, batch.num_samples_B)
        self.validation_loss.update(self._checked_loss(*self.with_loss(encoded, batch)))
        texts = [spell(hypothesis.tokens, self.symbols) for hypothesis in self.greedy(encoded)]
        self.validation_error.update(batch.texts, texts)

    def on_validation_epoch_end(self) -> None:
        """Log ``validation/{loss,wer,cer}``."""
        self.log("validation/loss", self.validation_loss.compute(), prog_bar=True)
        self.log_dict({f"validation/{name}": rate for name, rate in self.validation_error.compute().items()})
        self.validation_loss.reset()
        self.validation_error.reset()

    def predict_step(self, batch: UtteranceBatch, batch_idx: int) -> PredictedFrames:
        """``frames`` of a batch by utterance id, on the CPU, with the time that they took."""
        started = time.perf_counter()
        encoded = self.encode(batch.waveforms_BS, batch.num_samples_B)
        frames = tuple(kind_BTD.cpu() for kind_BTD in self.frames(encoded))  # waits for a device to finish
        num_frames_B = encoded.num_frames_B.cpu()
        return PredictedFrames(batch.utterance_ids, frames, num_frames_B, time.perf_counter() - started)

    def write_predictions(self, batches: Iterable[PredictedFrames], *, clip_ids: Collection[str], path: Path) -> None:
        """Gather what every rank predicted of a split; rank 0 writes files and decoder. Every rank must call it.

        ``path`` has no suffix; ``clip_ids`` are the split's own, and any difference raises ``RuntimeError``.
        """
        gathered = gather_frames(batches, utterance_ids=clip_ids)
        if gathered is not None:
            for predictions in self.stored(gathered):
                predictions.save(path.with_name(f"{path.name}{predictions.SUFFIX}"))
            self.save_decoder(path.parent)

    def _facts(self, gathered: GatheredFrames) -> dict[str, Any]:
        return {
            "symbols": self.symbols,
            "utterance_ids": gathered.utterance_ids,
            "num_frames_N": gathered.num_frames_N,
            "hop_seconds": self.hop_seconds,
            "encoding_seconds": gathered.seconds,
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the symbols."""
        checkpoint["symbols"] = list(self.symbols)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raise ``ValueError`` for a checkpoint of other symbols: its rows would be taken for other characters."""
        stored = checkpoint.get("symbols", list(self.symbols))
        if tuple(stored) != self.symbols:
            lacking = [symbol for symbol in self.symbols if symbol not in stored]
            surplus = [symbol for symbol in stored if symbol not in self.symbols]
            raise ValueError(
                f"the checkpoint is of another tokenizer: it has {len(stored)} symbols, this corpus "
                f"{len(self.symbols)} (it lacks {lacking[:5]}, the corpus lacks {surplus[:5]}); start anew, "
                "or give its run as from.seed"
            )

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser, and the schedule where there is one."""
        optimizer = self._make_optimizer(self.parameters())
        if self._make_scheduler is None:
            return optimizer
        scheduler: Any = self._make_scheduler(optimizer)  # Lightning's union has no name for "some schedule"
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": scheduler,
                "interval": self._scheduler_interval,
                "monitor": "validation/loss",
            },
        }


def _mean_over_ranks(count: int, *, device: torch.device) -> float:
    """A rank's mean share of the global batch.

    Dividing by it, and not by the rank's own share, makes the mean of the ranks' gradients the global batch's.
    """
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        total = torch.tensor(float(count), device=device)
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()
    return float(count)
