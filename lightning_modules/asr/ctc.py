"""CTC speech recognition: log-mel -> encoder -> one linear layer -> a distribution over symbols and blank each frame.

Trained on ``-log P(Y | X)`` (Graves et al. 2006; Graves & Jaitly 2014). Validation decodes greedily; what stays of a
run is its posteriors, which every decoder of the ladder reads. Rebuilding takes its configuration and a state_dict.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric

from datamodules.batches import UtteranceBatch
from lightning_modules.asr.feasibility import check_alignable
from lightning_modules.asr.gathering import PredictedPosteriors, gather_posteriors
from lightning_modules.decoding.greedy import greedy
from lightning_modules.decoding.texts import spell
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import SpeechFeatures
from lightning_modules.losses.ctc import ctc_loss
from lightning_modules.metrics.word_error import WordError

SPEECH_FEATURES = LogMelSettings(hop_seconds=0.01, window_seconds=0.025, num_mels=40)  # Graves & Jaitly 2014 and on


class Posteriors(NamedTuple):
    """Natural-log posteriors of each encoded frame; those past ``num_frames_B`` mean nothing."""

    log_probs_BTV: Tensor  # float32
    num_frames_B: Tensor


class CTC(pl.LightningModule):
    """The recogniser.

    ``symbols`` and ``sample_rate_hz`` come from the data module. ``scheduler_interval`` says whether the schedule is
    stepped after every epoch or every optimiser step.
    Raises ``ValueError`` where features and encoder do not fit, and before training where an utterance of training or
    validation has fewer frames than its text needs.
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
        if encoder.num_mels != features.num_mels:
            raise ValueError(
                f"features.num_mels is {features.num_mels} but encoder.num_mels is {encoder.num_mels}: make them equal"
            )
        self.symbols = tuple(symbols)
        self.features = SpeechFeatures(sample_rate_hz=sample_rate_hz, settings=features, spec_augment=spec_augment)
        self.encoder = encoder
        self.classifier = nn.Linear(encoder.num_outputs, len(self.symbols))
        self._make_optimizer = optimizer
        self._make_scheduler = scheduler
        self._scheduler_interval = scheduler_interval
        self.validation_loss = MeanMetric()
        self.validation_error = WordError()

    @property
    def hop_seconds(self) -> float:
        """Distance of two frames of the posteriors."""
        return self.features.hop_seconds * self.encoder.time_pooling

    def encoded_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames that the encoder leaves of each utterance: (B,) -> (B,)."""
        return self.encoder.pooled_frames(self.features.num_frames(num_samples_B))

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Posteriors:
        """Waveforms -> posteriors."""
        return self._recognise(self.features(waveforms_BS, num_samples_B), num_samples_B)

    def _recognise(self, features_BTM: Tensor, num_samples_B: Tensor) -> Posteriors:
        hidden_BTH = self.encoder(features_BTM, self.features.num_frames(num_samples_B))
        log_probs_BTV = self.classifier(hidden_BTH).float().log_softmax(-1)
        return Posteriors(log_probs_BTV, self.encoded_frames(num_samples_B))

    def on_fit_start(self) -> None:
        """Check every training and validation utterance; one epoch would find the same, in its course."""
        data: Any = getattr(self.trainer, "datamodule", None)
        if data is not None:  # bare loaders know no lengths; the loss refuses such an utterance when it comes
            splits = {split: data.lengths(split) for split in ("train", "validation")}
            check_alignable(splits, encoded_frames=self.encoded_frames)

    def training_step(self, batch: UtteranceBatch, batch_idx: int) -> Tensor:
        """``-log P(Y | X)``, averaged over the utterances of the global batch."""
        features_BTM = self.features.masked(
            self.features(batch.waveforms_BS, batch.num_samples_B),
            batch.num_samples_B,
            utterance_ids=batch.utterance_ids,
            seed=torch.initial_seed(),
            epoch=self.current_epoch,
        )
        loss_B = self._loss(self._recognise(features_BTM, batch.num_samples_B), batch)
        count = len(batch.utterance_ids)
        self.log("train/loss", loss_B.mean(), on_step=False, on_epoch=True, sync_dist=True, batch_size=count)
        return loss_B.sum() / _mean_over_ranks(count, device=loss_B.device)

    def _loss(self, posteriors: Posteriors, batch: UtteranceBatch) -> Tensor:
        """The loss of each utterance, (B,). Raises ``ValueError`` naming those whose loss is no number."""
        loss_B = ctc_loss(*posteriors, batch.tokens_BU, batch.num_tokens_B)
        if not bool(torch.isfinite(loss_B).all()):
            wrong = [name for name, loss in zip(batch.utterance_ids, loss_B.tolist(), strict=True) if loss - loss != 0]
            raise ValueError(
                f"epoch {self.current_epoch}: the loss of {len(wrong)} of {len(loss_B)} utterances is no number: "
                f"{', '.join(wrong[:3])}; lower model.optimizer.lr or set trainer.gradient_clip_val"
            )
        return loss_B

    def validation_step(self, batch: UtteranceBatch, batch_idx: int) -> None:
        """Loss and greedy error rates; exact on several processes, since each utterance is seen once."""
        posteriors = self(batch.waveforms_BS, batch.num_samples_B)
        loss_B = self._loss(posteriors, batch)
        self.validation_loss.update(loss_B)
        self.validation_error.update(
            batch.texts, [spell(hypothesis.tokens, self.symbols) for hypothesis in greedy(*posteriors)]
        )

    def on_validation_epoch_end(self) -> None:
        """Log ``validation/{loss,wer,cer}``."""
        self.log("validation/loss", self.validation_loss.compute(), prog_bar=True)
        self.log_dict({f"validation/{name}": rate for name, rate in self.validation_error.compute().items()})
        self.validation_loss.reset()
        self.validation_error.reset()

    def predict_step(self, batch: UtteranceBatch, batch_idx: int) -> PredictedPosteriors:
        """Posteriors of a batch by utterance id, on the CPU, with the time that they took."""
        started = time.perf_counter()
        posteriors = self(batch.waveforms_BS, batch.num_samples_B)
        log_probs_BTV, num_frames_B = (tensor.cpu() for tensor in posteriors)  # waits for a device to finish
        return PredictedPosteriors(batch.utterance_ids, log_probs_BTV, num_frames_B, time.perf_counter() - started)

    def write_predictions(
        self, batches: Iterable[PredictedPosteriors], *, clip_ids: Collection[str], path: Path
    ) -> None:
        """Gather what every rank predicted of a split; rank 0 writes ``path`` + ``.npz``. Every rank must call it.

        ``path`` has no suffix; ``clip_ids`` are the split's own, and any difference raises ``RuntimeError``.
        """
        gathered = gather_posteriors(
            batches, symbols=self.symbols, hop_seconds=self.hop_seconds, utterance_ids=clip_ids
        )
        if gathered is not None:
            gathered.save(path.with_name(f"{path.name}.npz"))

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
