"""What every sound event detection system shares: features, encoder, validation on tags, prediction, optimiser.

A system adds ``detect`` (hidden vectors -> probabilities) and, where it is not plain tagging cross-entropy of the clip
probabilities, ``loss``. Validation sees tags only, for every system. Rebuilding one takes its configuration and a
state_dict; nothing is saved as hyper-parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric

from datamodules.annotations import Event, FrameGrid
from datamodules.batches import ClipBatch
from lightning_modules.layers.augmentation import Augmentation
from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.kept_features import KeptFeatures
from lightning_modules.layers.labelled_features import LabelledFeatures
from lightning_modules.layers.log_mel import LogMel, LogMelSettings, frame_mask
from lightning_modules.losses.finite import check_finite
from lightning_modules.losses.tagging import tagging_loss
from lightning_modules.metrics.average_precision import TaggingAveragePrecision
from lightning_modules.metrics.tagging import TaggingF1
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.gathering import PredictedBatch, gather_predictions


class SoundEventDetector(pl.LightningModule, ABC):
    """Base of the systems.

    ``classes`` and ``sample_rate_hz`` come from the data module. ``initial_probability`` is what the output layer says
    of every class before training: events are rare, and a maximum over many frames that start at one half would start
    at certainty (the prior of Lin et al., arXiv 1708.02002, section 3.3). ``augmentation`` changes what training hears,
    and nothing else; None is none. ``kept_features`` computes a clip's features once and reads them from then on
    (``KeptFeatures``): less time on a CPU, and where clips differ in length figures that differ by about 1e-6.
    Raises ``ValueError`` where features and encoder do not fit.
    """

    def __init__(
        self,
        *,
        classes: Sequence[str],
        sample_rate_hz: int,
        encoder: FrameEncoder,
        features: LogMelSettings = LogMelSettings(),  # noqa: B008 - frozen
        optimizer: OptimizerCallable = lambda params: torch.optim.Adam(params, lr=1e-3),
        scheduler: LRSchedulerCallable | None = None,
        initial_probability: float = 0.1,
        augmentation: Augmentation | None = None,
        kept_features: bool = False,
    ) -> None:
        super().__init__()
        if not 0 < initial_probability < 1:
            raise ValueError(f"initial_probability must lie between 0 and 1, got {initial_probability}")
        self.augmentation = augmentation
        self.classes = tuple(classes)
        self.heard_through = {"sample_rate_hz": sample_rate_hz, **asdict(features)}
        self.log_mel = encoder.front_end(sample_rate_hz=sample_rate_hz, settings=features)
        if augmentation is not None:
            if not isinstance(self.log_mel, LogMel):
                raise ValueError(
                    "augmentation is of log-mel, and a pretrained encoder brings features of its own; unset it"
                )
            frame_seconds = self.log_mel.hop_seconds * encoder.time_pooling
            augmentation.check(num_mels=features.num_mels, frame_seconds=frame_seconds)
        if kept_features:
            if not isinstance(self.log_mel, LogMel):
                raise ValueError(
                    "kept_features is of log-mel, and a pretrained encoder brings features of its own, which it keeps "
                    "where it is frozen (cache_mb); unset it"
                )
            self.log_mel = KeptFeatures(self.log_mel)
        self.encoder = encoder
        self.classifier = nn.Linear(encoder.num_outputs, len(self.classes))
        nn.init.constant_(self.classifier.bias, torch.logit(torch.tensor(initial_probability)).item())
        self._make_optimizer = optimizer
        self._make_scheduler = scheduler
        self.validation_loss = MeanMetric()
        self.validation_tagging = TaggingF1(num_classes=len(self.classes))
        self.validation_ranking = TaggingAveragePrecision()

    @property
    def hop_seconds(self) -> float:
        """Length of one frame of the curves."""
        return self.log_mel.hop_seconds * self.encoder.time_pooling

    def keep_features_in(self, folder: Path) -> None:
        """Where ``kept_features`` has its files, which runs share; without a folder they are in memory alone."""
        if isinstance(self.log_mel, KeptFeatures):
            self.log_mel.folder = folder

    @abstractmethod
    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Probabilities of encoded frames."""

    def loss(self, detection: Detection, tags_BC: Tensor) -> Tensor:
        """Loss of a batch against its weak labels, a scalar."""
        return tagging_loss(detection.clip_probabilities_BC, tags_BC)

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Detection:
        """Waveforms -> probabilities."""
        return self.detect_in(self.log_mel(waveforms_BS, num_samples_B), self.log_mel.num_frames(num_samples_B))

    def detect_in(self, features_BTM: Tensor, num_frames_B: Tensor) -> Detection:
        """Features -> probabilities."""
        hidden_BTH = self.encoder(features_BTM, num_frames_B)
        mask_BT = frame_mask(self.encoder.pooled_frames(num_frames_B), num_frames=hidden_BTH.shape[1])
        return self.detect(hidden_BTH, mask_BT)

    def finite(self, detection: Detection, clip_ids: Sequence[str]) -> Detection:
        """The probabilities of a batch whose loss is asked for next, as they are.

        Raises ``DivergedError`` naming the clips of which some are no numbers: torch's cross-entropy would refuse them
        without a name, and on a GPU in a way that nothing after it can run.
        """
        loss = "train/loss" if self.training else "validation/loss"
        for figures in (detection.clip_probabilities_BC, detection.frame_probabilities_BTC):
            if figures is not None:
                check_finite(figures, names=clip_ids, what="clips", loss=loss, epoch=self.current_epoch,
                             step=self.global_step)  # fmt: skip
        return detection

    def labelled(
        self,
        batch: ClipBatch,
        events_B: Sequence[Sequence[Event]] | None = None,
        *,
        has_tags_B: Tensor | None = None,
        has_events_B: Tensor | None = None,
    ) -> LabelledFeatures:
        """What training hears of a batch: features with their tags and, where they are given, their events; augmented.

        Without the masks every clip has tags, and all or none have events.
        """
        features_BTM = self.log_mel(batch.waveforms_BS, batch.num_samples_B)
        num_frames_B = self.log_mel.num_frames(batch.num_samples_B)
        num_frames = self.encoder.curve_frames(features_BTM, num_frames_B)
        every_B = torch.ones(len(batch.clip_ids), dtype=torch.bool, device=batch.tags_BC.device)
        labelled = LabelledFeatures(
            clip_ids=batch.clip_ids,
            features_BTM=features_BTM,
            num_frames_B=num_frames_B,
            tags_BC=batch.tags_BC,
            activity_BTC=None if events_B is None else self._activity(events_B, num_frames=num_frames),
            has_tags_B=every_B if has_tags_B is None else has_tags_B,
            has_events_B=every_B & (events_B is not None) if has_events_B is None else has_events_B,
        )
        if self.augmentation is None:
            return labelled
        heard: LabelledFeatures = self.augmentation(
            labelled, seed=torch.initial_seed(), epoch=self.current_epoch, hop_seconds=self.log_mel.hop_seconds,
            time_pooling=self.encoder.time_pooling,
        )  # fmt: skip
        return heard

    def detect_labelled(self, labelled: LabelledFeatures) -> Detection:
        """Finite probabilities of what training hears. Raises ``DivergedError``."""
        return self.finite(self.detect_in(labelled.features_BTM, labelled.num_frames_B), labelled.clip_ids)

    def _activity(self, events_B: Sequence[Sequence[Event]], *, num_frames: int) -> Tensor:
        """Strong labels on the curves' grid: (B, T, C)."""
        grid = FrameGrid(self.hop_seconds)
        activity_BTC = [grid.activity(events, classes=self.classes, num_frames=num_frames) for events in events_B]
        return torch.from_numpy(np.stack(activity_BTC)).to(self.device)

    def frame_probabilities(self, hidden_BTH: Tensor) -> Tensor:
        """Sigmoid of the output layer, in float32 whatever the precision: (B, T, C)."""
        return torch.sigmoid(self.classifier(hidden_BTH).float())

    def validation_step(self, batch: ClipBatch, batch_idx: int) -> None:
        """Loss and tagging scores against the tags; exact on several processes, since each clip is seen once."""
        detection = self.finite(self(batch.waveforms_BS, batch.num_samples_B), batch.clip_ids)
        self.validation_loss.update(self.loss(detection, batch.tags_BC), weight=len(batch.clip_ids))
        self.validate_tags(detection, batch)

    def validate_tags(self, detection: Detection, batch: ClipBatch) -> None:
        """Count a validation batch towards the epoch's tagging scores."""
        self.validation_tagging.update(detection.clip_probabilities_BC, batch.tags_BC)
        self.validation_ranking.update(detection.clip_probabilities_BC, batch.tags_BC)

    def on_validation_epoch_end(self) -> None:
        """Log ``validation/{loss,tagging_map}`` and ``validation/tagging_f1_{macro,micro}`` (threshold 0.5)."""
        f1: Mapping[str, Tensor] = self.validation_tagging.compute()
        self.log("validation/loss", self.validation_loss.compute(), prog_bar=True)
        self.log_dict({f"validation/tagging_f1_{mean}": value for mean, value in f1.items()}, prog_bar=True)
        self.log("validation/tagging_map", self.validation_ranking.compute(), prog_bar=True)
        for metric in (self.validation_loss, self.validation_tagging, self.validation_ranking):
            metric.reset()

    def predict_step(self, batch: ClipBatch, batch_idx: int) -> PredictedBatch:
        """Probabilities of a batch by clip id, on the CPU."""
        detection = self(batch.waveforms_BS, batch.num_samples_B)
        curves_BTC = detection.frame_probabilities_BTC
        return PredictedBatch(
            clip_ids=batch.clip_ids,
            clip_probabilities_BC=detection.clip_probabilities_BC.cpu(),
            frame_probabilities_BTC=None if curves_BTC is None else curves_BTC.cpu(),
            num_frames_B=detection.mask_BT.sum(1).cpu(),
        )

    def write_predictions(self, batches: Iterable[PredictedBatch], *, clip_ids: Collection[str], path: Path) -> None:
        """Gather what every rank predicted of a split; rank 0 writes ``path`` + ``.npz``. Every rank must call it.

        ``path`` has no suffix; ``clip_ids`` are the split's own, and any difference raises ``RuntimeError``.
        """
        gathered = gather_predictions(batches, classes=self.classes, hop_seconds=self.hop_seconds, clip_ids=clip_ids)
        if gathered is not None:
            gathered.save(path.with_name(f"{path.name}.npz"))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser, and the schedule by epoch where there is one."""
        optimizer = self._make_optimizer(self._optimised())
        if self._make_scheduler is None:
            return optimizer
        scheduler: Any = self._make_scheduler(optimizer)  # Lightning's union has no name for "some schedule"
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "validation/loss"}}

    def _optimised(self) -> Any:
        """What the optimiser takes: all parameters, those of an encoder with its own learning rate as a group apart."""
        if self.encoder.learning_rate is None:
            return self.parameters()
        own = list(self.encoder.own_rate_parameters())
        ids = {id(parameter) for parameter in own}
        others = [parameter for parameter in self.parameters() if id(parameter) not in ids]
        return [{"params": others}, {"params": own, "lr": self.encoder.learning_rate}]
