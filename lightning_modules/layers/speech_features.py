"""What a recogniser hears: log-mel features, each band normalised, and while training masked by SpecAugment.

Each band has a batch norm of its own, so that quiet high bands count from the first step on, and zero, which masks are
filled with, is about every band's mean. Everything runs on the waveforms' device. A pretrained encoder has a
``FrontEnd`` of its own: what it was trained on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict

from torch import Tensor, nn

from lightning_modules.layers.frame_norm import FrameBatchNorm
from lightning_modules.layers.log_mel import LogMel, LogMelSettings, frame_mask
from lightning_modules.layers.spec_augment import SpecAugment, drawn_uniforms

SPEECH_FEATURES = LogMelSettings(hop_seconds=0.01, window_seconds=0.025, num_mels=40)  # Graves & Jaitly 2014 and on


class FrontEnd(nn.Module, ABC):
    """What an encoder hears of a waveform: frames (B, T, M). ``spec_augment`` None masks nothing."""

    def __init__(self, *, spec_augment: SpecAugment | None) -> None:
        super().__init__()
        self.spec_augment = spec_augment

    @property
    @abstractmethod
    def hop_seconds(self) -> float:
        """Distance of two frames, exactly."""

    @abstractmethod
    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames of each utterance: (B,) -> (B,)."""

    @abstractmethod
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, T, M) without masks."""

    def masked(
        self, features_BTM: Tensor, num_samples_B: Tensor, *, utterance_ids: Sequence[str], seed: int, epoch: int
    ) -> Tensor:
        """Features with SpecAugment's masks (none without it), a pure function of (seed, epoch, utterance id)."""
        if self.spec_augment is None:
            return features_BTM
        uniforms_BK = drawn_uniforms(utterance_ids, seed=seed, epoch=epoch, count=self.spec_augment.num_uniforms)
        masked_BTM: Tensor = self.spec_augment(
            features_BTM, self.num_frames(num_samples_B), uniforms_BK, hop_seconds=self.hop_seconds
        )
        return masked_BTM


class SpeechFeatures(FrontEnd):
    """Waveforms -> normalised log-mel features (B, T, M), zeros on padding."""

    def __init__(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> None:
        super().__init__(spec_augment=spec_augment)
        self.log_mel = LogMel(sample_rate_hz=sample_rate_hz, **asdict(settings))
        self.band_norm = FrameBatchNorm(settings.num_mels)

    @property
    def hop_seconds(self) -> float:
        """Distance of two frames, exactly."""
        return self.log_mel.hop_seconds

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames of each utterance: (B,) -> (B,)."""
        return self.log_mel.num_frames(num_samples_B)

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, T, M) without masks."""
        features_BTM = self.log_mel(waveforms_BS, num_samples_B)
        mask_BT = frame_mask(self.num_frames(num_samples_B), num_frames=features_BTM.shape[1])
        bands_BMT1 = self.band_norm(features_BTM.transpose(1, 2).unsqueeze(-1), mask_BT)
        normalised_BTM: Tensor = bands_BMT1.squeeze(-1).transpose(1, 2) * mask_BT.unsqueeze(-1)
        return normalised_BTM
