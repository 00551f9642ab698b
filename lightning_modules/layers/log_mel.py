"""Log-mel spectrograms, computed on the device inside the system.

Differs from the textbook's centred STFT in two ways, both for exactness: frame ``k`` is centred on the middle of
``[k * hop, (k + 1) * hop)``, the interval that ``FrameGrid`` says it covers, and the edges are padded with zeros, not
by reflection, so a clip's frames are the same alone and zero-padded in a batch.
Mel filters are librosa's (Slaney's scale and area norm).
"""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import torch
from torch import Tensor, nn
from torch.nn import functional as F

POWER_FLOOR = 1e-10  # -100 dB: below the rounding noise of 16-bit audio
DECIBELS_PER_UNIT = 20.0  # features then spread over about [-2, 2]: what a network's initialisation expects


@dataclass(frozen=True, kw_only=True)
class LogMelSettings:
    """Everything of a log-mel but the sample rate, which comes from the data.

    The defaults are those of Pellegrini & Cances (arXiv 1901.03146): 64 bands, 431 frames in 10 s, windows as long as
    2048 samples at 22.05 kHz (1486 at 16 kHz, where a hop is 372).
    ``f_max_hz`` None means half of the sample rate.
    """

    hop_seconds: float = 0.02325
    window_seconds: float = 0.0929
    num_mels: int = 64
    f_min_hz: float = 0.0
    f_max_hz: float | None = None


def frame_mask(num_frames_B: Tensor, *, num_frames: int) -> Tensor:
    """True where a frame is of the clip, False where it is padding: (B,) -> bool (B, T).

    >>> frame_mask(torch.tensor([1, 3]), num_frames=3)
    tensor([[ True, False, False],
            [ True,  True,  True]])
    """
    return torch.arange(num_frames, device=num_frames_B.device) < num_frames_B.unsqueeze(1)


class LogMel(nn.Module):
    """Waveforms -> log-mel features, one vector a hop.

    ``hop_seconds`` and ``window_seconds`` are rounded to whole samples; the property ``hop_seconds`` is the exact one.
    Raises ``ValueError`` where the settings make no filter bank.
    """

    def __init__(
        self,
        *,
        sample_rate_hz: int,
        hop_seconds: float = LogMelSettings.hop_seconds,
        window_seconds: float = LogMelSettings.window_seconds,
        num_mels: int = LogMelSettings.num_mels,
        f_min_hz: float = LogMelSettings.f_min_hz,
        f_max_hz: float | None = LogMelSettings.f_max_hz,
    ) -> None:
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.num_mels = num_mels
        self.hop_samples = round(hop_seconds * sample_rate_hz)
        self.window_samples = round(window_seconds * sample_rate_hz)
        top_hz = sample_rate_hz / 2 if f_max_hz is None else f_max_hz
        if not 0 < self.hop_samples <= self.window_samples:
            raise ValueError(
                f"hop_seconds {hop_seconds} must be at least one sample and at most window_seconds {window_seconds}"
            )
        if not 0 <= f_min_hz < top_hz <= sample_rate_hz / 2:
            raise ValueError(f"f_min_hz {f_min_hz} < f_max_hz {f_max_hz} must lie within 0 and {sample_rate_hz / 2} Hz")
        filters_MK = librosa.filters.mel(
            sr=sample_rate_hz, n_fft=self.window_samples, n_mels=num_mels, fmin=f_min_hz, fmax=top_hz
        )
        if not filters_MK.any(axis=1).all():
            raise ValueError(
                f"num_mels {num_mels} leaves bands without a frequency bin at window_seconds {window_seconds}: "
                "take fewer bands or a longer window"
            )
        # Not persistent: they follow from the settings, and a checkpoint holds what was learnt.
        self.register_buffer("filters_KM", torch.from_numpy(filters_MK.T.copy()), persistent=False)
        self.register_buffer("window", torch.hann_window(self.window_samples), persistent=False)

    @property
    def hop_seconds(self) -> float:
        """Distance of two frames, exactly."""
        return self.hop_samples / self.sample_rate_hz

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames that cover each clip, the last one perhaps partly: (B,) -> (B,), int64."""
        return -(-num_samples_B // self.hop_samples)

    def decibels(self, waveforms_BS: Tensor) -> Tensor:
        """Mel power in dB re full scale, floored at -100: (B, S) -> (B, T, M), T = ceil(S / hop)."""
        num_frames = -(-waveforms_BS.shape[1] // self.hop_samples)
        left = (self.window_samples - self.hop_samples) // 2
        right = (num_frames - 1) * self.hop_samples + self.window_samples - left - waveforms_BS.shape[1]
        spectrum_BKT = torch.stft(
            F.pad(waveforms_BS.float(), (left, max(right, 0))),
            n_fft=self.window_samples,
            hop_length=self.hop_samples,
            window=self.get_buffer("window"),
            center=False,
            return_complex=True,
        )
        power_BTK = (spectrum_BKT.real.square() + spectrum_BKT.imag.square()).transpose(1, 2)
        return 10.0 * torch.log10((power_BTK @ self.get_buffer("filters_KM")).clamp_min(POWER_FLOOR))

    @torch.no_grad()  # nothing below is learnt
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, S), (B,) -> (B, T, M): dB less the clip's own mean over its frames and bands, scaled; padding 0.

        The mean takes the recording level away, and nothing else: a sound that fills the clip keeps its spectrum.
        """
        with torch.autocast(waveforms_BS.device.type, enabled=False):
            decibels_BTM = self.decibels(waveforms_BS)
            num_frames_B = self.num_frames(num_samples_B)
            mask_BT1 = frame_mask(num_frames_B, num_frames=decibels_BTM.shape[1]).unsqueeze(-1)
            total_B11 = (decibels_BTM * mask_BT1).sum((1, 2), keepdim=True)
            mean_B11 = total_B11 / (num_frames_B * self.num_mels).view(-1, 1, 1)
            return (decibels_BTM - mean_B11) / DECIBELS_PER_UNIT * mask_BT1
