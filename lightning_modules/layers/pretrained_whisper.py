"""Whisper's encoder as a recogniser's (Radford et al. 2022, arXiv 2212.04356); its decoder stays unused.

Log-mel of a window of fixed length (30 s), two convolutions and a transformer, a hidden vector every 20 ms, as
transformers' ``WhisperEncoder`` computes them. The model hears the silence after an utterance and was trained so: every
utterance is completed to the whole window, whatever the batch, and only its own frames are handed on. A window's cost
is the same for a short utterance. With ``silence_seconds`` windows are cut: each utterance is completed by so much
silence, up to a full second, and has the first of the position embeddings. Windows of one length go through the network
together, so that the batch does not matter then either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
FRAMES_PER_SECOND = 100
RANGE_BELS = 8.0  # under the loudest point; the feature is (bels + 4) / 4


@dataclass(frozen=True)
class Windows:
    """How much an utterance is completed to: ``max_frames``, or so much silence more and up to a full second."""

    max_frames: int
    silence_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.silence_seconds is not None and not self.silence_seconds >= WINDOW_SECONDS:
            raise ValueError(f"silence_seconds {self.silence_seconds}, allowed: {WINDOW_SECONDS} or more (unset: 30 s)")

    def num_frames(self, num_frames_B: Tensor) -> Tensor:
        """Frames of each utterance's window: (B,) -> (B,), ``max_frames`` at most."""
        if self.silence_seconds is None:
            return torch.full_like(num_frames_B, self.max_frames)
        heard_B = num_frames_B + math.ceil(self.silence_seconds / HOP_SECONDS)
        seconds_B = (heard_B + FRAMES_PER_SECOND - 1) // FRAMES_PER_SECOND
        return (seconds_B * FRAMES_PER_SECOND).clamp(max=self.max_frames)


class WhisperLogMel(FrontEnd):
    """Whisper's log-mel of the longest window's frames T, zero samples after the utterance: (B, S) -> (B, T, M).

    Other than ``LogMel`` it centres frame ``k`` on sample ``k * hop`` and mirrors the beginning, as the model's own
    does. ``num_frames`` raises ``ValueError`` for an utterance that is longer than the longest window.
    """

    hop_seconds = HOP_SECONDS

    def __init__(
        self, *, num_mels: int, max_frames: int, spec_augment: SpecAugment | None, silence_seconds: float | None = None
    ) -> None:
        super().__init__(spec_augment=spec_augment)
        self.windows = Windows(max_frames, silence_seconds)
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
        """Features (B, T, M)."""
        num_samples = int(self.windows.num_frames(self.num_frames(num_samples_B)).max()) * self.log_mel.hop_samples
        with torch.autocast(waveforms_BS.device.type, enabled=False):
            spectrum_BKT = torch.stft(
                F.pad(waveforms_BS.float(), (0, num_samples - waveforms_BS.shape[1])),
                n_fft=self.log_mel.window_samples,
                hop_length=self.log_mel.hop_samples,
                window=self.log_mel.get_buffer("window"),
                return_complex=True,
            )[..., :-1]  # the last is centred past the window's end
            power_BTK = (spectrum_BKT.real.square() + spectrum_BKT.imag.square()).transpose(1, 2)
            bels_BTM = (power_BTK @ self.log_mel.get_buffer("filters_KM")).clamp_min(POWER_FLOOR).log10()
            return (bels_BTM.maximum(bels_BTM.amax((1, 2), keepdim=True) - RANGE_BELS) + 4) / 4


class WhisperEncoder(SpeechEncoder):
    """The encoder of a local folder with ``model_type: whisper``; ``silence_seconds`` cuts windows (None: whole ones).

    Raises ``ValueError`` for a folder that cannot be used and for too little silence.
    """

    time_pooling = 2

    def __init__(self, *, folder: str, silence_seconds: float | None = None) -> None:
        super().__init__()
        self.folder = folder
        self.model = load_pretrained(folder, model_type="whisper", encoder_layerdrop=0.0).encoder
        self.model.embed_positions.requires_grad_(False)  # sinusoids; transformers fixes them, but not when it loads
        self.num_mels = self.model.config.num_mel_bins
        self.num_outputs = self.model.config.d_model
        self.max_frames = self.time_pooling * self.model.config.max_source_positions
        self.windows = Windows(self.max_frames, silence_seconds)

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """``WhisperLogMel``. Raises ``ValueError`` for another sample rate and for log-mel settings."""
        check_settings("whisper", sample_rate_hz=sample_rate_hz, settings=settings)
        return WhisperLogMel(
            num_mels=self.num_mels,
            max_frames=self.max_frames,
            silence_seconds=self.windows.silence_seconds,
            spec_augment=spec_augment,
        )

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """``ceil(T / 2)``."""
        return halved(num_frames_B, times=1)

    def window_frames(self, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors of each utterance's whole window."""
        return self.windows.num_frames(num_frames_B) // self.time_pooling

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features; T' is the longest utterance's own."""
        hidden_BTH = self.encode_windows(features_BTM, num_frames_B)
        return hidden_BTH[:, : int(self.pooled_frames(num_frames_B).max())]

    def encode_windows(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors of whole windows, those of silence too; zeros past ``window_frames``."""
        lengths_B = self.windows.num_frames(num_frames_B)
        pieces, rows = [], []
        for length in sorted(set(lengths_B.tolist())):
            rows_b = (lengths_B == length).nonzero().squeeze(1)
            hidden_bTH = self._encoded(features_BTM[rows_b, :length])
            pieces.append(F.pad(hidden_bTH, (0, 0, 0, (features_BTM.shape[1] - length) // self.time_pooling)))
            rows.append(rows_b)
        return torch.cat(pieces)[torch.cat(rows).argsort()]

    def _encoded(self, features_bTM: Tensor) -> Tensor:
        """As transformers' own ``forward``, which refuses windows that are cut."""
        model = self.model
        hidden_bHT = F.gelu(model.conv2(F.gelu(model.conv1(features_bTM.transpose(1, 2)))))
        hidden_bTH = hidden_bHT.transpose(1, 2) + model.embed_positions.weight[: hidden_bHT.shape[2]]
        hidden_bTH = F.dropout(hidden_bTH, p=model.dropout, training=self.training)
        for layer in model.layers:
            hidden_bTH = layer(hidden_bTH, None)
        normed_bTH: Tensor = model.layer_norm(hidden_bTH)
        return normed_bTH
