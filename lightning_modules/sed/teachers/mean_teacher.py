"""Mean teacher: a student learns from what labels there are, and on all clips to agree with the average of its past.

``loss = strong + weak + w (frames + tags)``: cross-entropy of the frames over the clips with events, of the tags over
those with tags (a strong clip has both), and the squared differences of student and teacher over every clip, with
``w = consistency_weight · exp(-5 (1 - epoch / ramp_up_epochs)²)``. The teacher's weights are an exponential average of
the student's, ``θ' ← d θ' + (1 - d) θ``, ``d = min(1 - 1 / (step + 1), ema_decay)``, after each step.
Tarvainen & Valpola 2017 (arXiv 1703.01780), with the pooling, weight and decay of DCASE 2023 task 4's baseline, which
differs in three things: its teacher hears with dropout, its ramp goes by steps, and its strong clips are no weak ones
too.
"""

from __future__ import annotations

import copy
from typing import Any, Literal

import torch
from torch import Tensor, nn

from datamodules.batches import MixedClipBatch
from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.pooling import attention_pool
from lightning_modules.losses.mean_teacher import frame_disagreement, mean_where, ramp_up
from lightning_modules.losses.strong import frame_losses
from lightning_modules.losses.tagging import cross_entropy
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.detector import SoundEventDetector

PARTS = ("encoder", "classifier", "attention")  # what student and teacher have one each of


class MeanTeacher(SoundEventDetector):
    """Strong, weak and unlabelled clips in one batch, each by what its masks say (``data.train_labels: mixed``).

    Args:
        encoder: the student's; the teacher is a copy, kept in checkpoints and never trained.
        ema_decay: how much of the teacher stays at each step, once it has come so far.
        consistency_weight, ramp_up_epochs: w and how long it takes to rise; 0 epochs is at once.
        predicts: whose probabilities validation and predictions are.
        shared: see ``SoundEventDetector``.

    Raises:
        ValueError: a setting that is out of range.

    """

    def __init__(
        self,
        *,
        encoder: FrameEncoder,
        ema_decay: float = 0.999,
        consistency_weight: float = 2.0,
        ramp_up_epochs: int = 50,
        predicts: Literal["student", "teacher"] = "student",
        **shared: Any,
    ) -> None:
        super().__init__(encoder=encoder, **shared)
        if not (0 <= ema_decay < 1 and consistency_weight >= 0 and ramp_up_epochs >= 0):
            raise ValueError(
                f"0 <= ema_decay {ema_decay} < 1, consistency_weight {consistency_weight} >= 0 and ramp_up_epochs "
                f"{ramp_up_epochs} >= 0 must hold"
            )
        self.ema_decay, self.consistency_weight = ema_decay, consistency_weight
        self.ramp_up_epochs, self.predicts = ramp_up_epochs, predicts
        self.attention = nn.Linear(encoder.num_outputs, len(self.classes))
        self.teacher = nn.ModuleDict({part: copy.deepcopy(getattr(self, part)) for part in PARTS})
        self.teacher.eval().requires_grad_(False)
        self._averaged_at = 0  # the step whose student the teacher has heard of

    def train(self, mode: bool = True) -> MeanTeacher:
        """Of the student: the teacher never drops anything."""
        super().train(mode)
        self.teacher.eval()
        return self

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """The student's curves and their attention-weighted mean."""
        return _detection(hidden_BTH, mask_BT, classifier=self.classifier, attention=self.attention)

    def detect_in(self, features_BTM: Tensor, num_frames_B: Tensor) -> Detection:
        """Features -> probabilities: the student's in training, else those of ``predicts``."""
        if self.predicts == "teacher" and not self.training:
            return self.teacher_detects(features_BTM, num_frames_B)
        return super().detect_in(features_BTM, num_frames_B)

    @torch.no_grad()
    def teacher_detects(self, features_BTM: Tensor, num_frames_B: Tensor) -> Detection:
        """The teacher's probabilities."""
        hidden_BTH = self.teacher["encoder"](features_BTM, num_frames_B)
        mask_BT = frame_mask(self.encoder.pooled_frames(num_frames_B), num_frames=hidden_BTH.shape[1])
        parts = {part: self.teacher[part] for part in ("classifier", "attention")}
        return _detection(hidden_BTH, mask_BT, **parts)

    def training_step(self, batch: MixedClipBatch, batch_idx: int) -> Tensor:
        """The loss; logs its parts. Raises ``TypeError`` for a batch that does not say what is known of each clip."""
        if type(batch) is not MixedClipBatch:
            raise TypeError(
                f"MeanTeacher learns from labels of every kind: its training_step takes a MixedClipBatch, "
                f"not {type(batch).__name__} (data.train_labels must be mixed)"
            )
        labelled = self.labelled(
            batch.clips, batch.events_B, has_tags_B=batch.has_tags_B, has_events_B=batch.has_events_B
        )
        student = self.detect_labelled(labelled)
        teacher = self.teacher_detects(labelled.features_BTM, labelled.num_frames_B)
        curves_BTC, taught_BTC = student.frame_probabilities_BTC, teacher.frame_probabilities_BTC
        assert curves_BTC is not None
        assert taught_BTC is not None
        assert labelled.activity_BTC is not None
        strong_B = frame_losses(curves_BTC, labelled.activity_BTC, student.mask_BT)
        weak_B = cross_entropy(student.clip_probabilities_BC, labelled.tags_BC).mean(-1)
        of_tags = (student.clip_probabilities_BC - teacher.clip_probabilities_BC).square().mean()
        parts = {
            "strong": mean_where(strong_B, labelled.has_events_B),
            "weak": mean_where(weak_B, labelled.has_tags_B),
            "consistency": frame_disagreement(curves_BTC, taught_BTC, student.mask_BT) + of_tags,
        }
        weight = self.consistency_weight * ramp_up(self.current_epoch, epochs=self.ramp_up_epochs)
        loss = parts["strong"] + parts["weak"] + weight * parts["consistency"]
        for name, value in {**parts, "loss": loss}.items():
            self.log(f"train/{name}", value.detach(), on_step=False, on_epoch=True, sync_dist=True,
                     batch_size=len(labelled.clip_ids))  # fmt: skip
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """The teacher hears of each step of the optimiser once."""
        if self.global_step != self._averaged_at:
            self._averaged_at = self.global_step
            self.average(min(1.0 - 1.0 / (self.global_step + 1), self.ema_decay))

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """``θ' ← decay θ' + (1 - decay) θ``; batch statistics and other buffers are the student's."""
        for part in PARTS:
            student, teacher = getattr(self, part), self.teacher[part]
            for own, kept in zip(student.parameters(), teacher.parameters(), strict=True):
                kept.lerp_(own, 1.0 - decay)
            for statistic, copied in zip(student.buffers(), teacher.buffers(), strict=True):
                copied.copy_(statistic)


def _detection(hidden_BTH: Tensor, mask_BT: Tensor, *, classifier: nn.Module, attention: nn.Module) -> Detection:
    """Curves, and their mean under an attention that is a softmax over classes (``GLUAttention``)."""
    curves_BTC = torch.sigmoid(classifier(hidden_BTH).float())
    attention_BTC = attention(hidden_BTH).float().softmax(dim=-1)
    return Detection(attention_pool(curves_BTC, attention_BTC, mask_BT), curves_BTC, mask_BT)
