"""Whisper's encoder as a recogniser's (Radford et al. 2022, arXiv 2212.04356); its decoder stays unused.

Log-mel of a window of fixed length (30 s), two convolutions and a transformer, a hidden vector every 20 ms, as
transformers' ``WhisperEncoder`` computes them. The model hears the silence after an utterance and was trained so: every
utterance is completed to the whole window, whatever the batch, and only its own frames are handed on. A window's cost
is the same for a short utterance.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_modules.layers.conv_subsampling import halved
from lightning_modules.layers.log_mel import POWER_FLOOR, LogMel, LogMelSettings
from lightning_modules.layers.pretrained_model import SAMPLE_RATE_HZ, check_settings, load_pretrained
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd

HOP_SECONDS, WINDOW_SECONDS = 0.01, 0.025  # section 2.2 of the paper
RANGE_BELS = 8.0  # under the loudest point; the feature is (bels + 4) / 4


class WhisperLogMel(FrontEnd):
    """Whisper's log-mel of ``max_frames`` frames, zero samples after the utterance: (B, S) -> (B, ``max_frames``, M).

    Other than ``LogMel`` it centres frame ``k`` on sample ``k * hop`` and mirrors the beginning, as the model's own
    does. ``num_frames`` raises ``ValueError`` for an utterance that is longer than the window.
    """

    hop_seconds = HOP_SECONDS

    def __init__(self, *, num_mels: int, max_frames: int, spec_augment: SpecAugment | None) -> None:
        super().__init__(spec_augment=spec_augment)
        self.log_mel = LogMel(  # for its filters and window
            sample_rate_hz=SAMPLE_RATE_HZ, hop_seconds=HOP_SECONDS, window_seconds=WINDOW_SECONDS, num_mels=num_mels
        )
        self.max_samples = max_frames * self.log_mel.hop_samples

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """``ceil(samples / hop)``."""
        longest = int(num_samples_B.max())
        if longest > self.max_samples:
            allowed_seconds = self.max_samples / SAMPLE_RATE_HZ
            raise ValueError(
                f"an utterance of {longest / SAMPLE_RATE_HZ:.2f} s is longer than the {allowed_seconds:g} s that the "
                f"whisper encoder hears: set data.max_seconds {allowed_seconds:g} for those of training (less with "
                "data.speed_factors below 1), and drop those of validation and test from the corpus"
            )
        return self.log_mel.num_frames(num_samples_B)

    @torch.no_grad()  # nothing below is learnt
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, ``max_frames``, M)."""
        self.num_frames(num_samples_B)
        with torch.autocast(waveforms_BS.device.type, enabled=False):
            spectrum_BKT = torch.stft(
                F.pad(waveforms_BS.float(), (0, self.max_samples - waveforms_BS.shape[1])),
                n_fft=self.log_mel.window_samples,
                hop_length=self.log_mel.hop_samples,
                window=self.log_mel.get_buffer("window"),
                return_complex=True,
            )[..., :-1]  # the last is centred past the window's end
            power_BTK = (spectrum_BKT.real.square() + spectrum_BKT.imag.square()).transpose(1, 2)
            bels_BTM = (power_BTK @ self.log_mel.get_buffer("filters_KM")).clamp_min(POWER_FLOOR).log10()
            return (bels_BTM.maximum(bels_BTM.amax((1, 2), keepdim=True) - RANGE_BELS) + 4) / 4


class WhisperEncoder(SpeechEncoder):
    """The encoder of a local folder with ``model_type: whisper``. Raises ``ValueError`` for one that cannot be used."""

    time_pooling = 2

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.model = load_pretrained(folder, model_type="whisper", encoder_layerdrop=0.0).encoder
        self.model.embed_positions.requires_grad_(False)  # sinusoids; transformers fixes them, but not when it loads
        self.num_mels = self.model.config.num_mel_bins
        self.num_outputs = self.model.config.d_model
        self.max_frames = self.time_pooling * self.model.config.max_source_positions

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """``WhisperLogMel``. Raises ``ValueError`` for another sample rate and for log-mel settings."""
        check_settings("whisper", sample_rate_hz=sample_rate_hz, settings=settings)
        return WhisperLogMel(num_mels=self.num_mels, max_frames=self.max_frames, spec_augment=spec_augment)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """``ceil(T / 2)``."""
        return halved(num_frames_B, times=1)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, ``max_frames``, M); T' is the longest utterance's own."""
        hidden_BTH: Tensor = self.model(features_BTM.transpose(1, 2)).last_hidden_state
        return hidden_BTH[:, : int(self.pooled_frames(num_frames_B).max())]
