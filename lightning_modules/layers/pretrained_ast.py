"""The Audio Spectrogram Transformer as a frame encoder (Gong et al. 2021, arXiv 2104.01778).

A transformer over patches of a log-mel picture, 16 bands by 16 frames, one every 10 bands and 10 frames, as
transformers' ``ASTModel`` computes it; the patches of one time are averaged over frequency, which gives a hidden vector
every 100 ms. The model's positions are of a picture of fixed length (10.24 s): every clip is completed to it as its
feature extractor does, whatever the batch, and only the clip's own columns are handed on.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_modules.layers.log_mel import LogMelSettings, frame_mask
from lightning_modules.layers.pretrained_model import SAMPLE_RATE_HZ, check_settings, kaldi_filters, load_pretrained
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd

HOP_SAMPLES, WINDOW_SAMPLES, FFT_SAMPLES = 160, 400, 512  # Kaldi's, section 2.1 of the paper
PREEMPHASIS = 0.97
POWER_FLOOR = 1.192092955078125e-07  # single precision's step at 1, Kaldi's
AUDIOSET_MEAN, AUDIOSET_STD = -4.2677393, 4.5689974  # of ASTFeatureExtractor, where the folder has none


class ASTLogMel(FrontEnd):
    """Kaldi's log-mel of ``max_frames`` frames: (B, S) -> (B, ``max_frames``, M), normalised as the folder says.

    Behind a clip it is 0 before the normalisation, as ``ASTFeatureExtractor`` leaves it.
    """

    hop_seconds = HOP_SAMPLES / SAMPLE_RATE_HZ

    def __init__(self, *, num_mels: int, max_frames: int, mean: float, std: float) -> None:
        super().__init__(spec_augment=None)
        self.max_frames = max_frames
        self.max_samples = (max_frames - 1) * HOP_SAMPLES + WINDOW_SAMPLES
        self.mean, self.std = mean, std
        self.register_buffer("filters_KM", kaldi_filters(FFT_SAMPLES, num_mels), persistent=False)
        self.register_buffer("window", torch.hann_window(WINDOW_SAMPLES, periodic=False), persistent=False)

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Whole windows, at least one: a clip shorter than a window (25 ms) is completed by zeros."""
        return (1 + (num_samples_B - WINDOW_SAMPLES) // HOP_SAMPLES).clamp(1, self.max_frames)

    @torch.no_grad()  # nothing below is learnt
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, ``max_frames``, M)."""
        with torch.autocast(waveforms_BS.device.type, enabled=False):
            padded_BS = F.pad(waveforms_BS.float(), (0, max(0, self.max_samples - waveforms_BS.shape[1])))
            frames_BTW = padded_BS[:, : self.max_samples].unfold(1, WINDOW_SAMPLES, HOP_SAMPLES)
            frames_BTW = frames_BTW - frames_BTW.mean(2, keepdim=True)
            before_BTW = torch.cat([frames_BTW[..., :1], frames_BTW[..., :-1]], dim=2)
            frames_BTW = (frames_BTW - PREEMPHASIS * before_BTW) * self.get_buffer("window")
            spectrum_BTK = torch.fft.rfft(frames_BTW, n=FFT_SAMPLES)
            power_BTK = spectrum_BTK.real.square() + spectrum_BTK.imag.square()
            log_BTM = (power_BTK @ self.get_buffer("filters_KM")).clamp_min(POWER_FLOOR).log()
            mask_BT = frame_mask(self.num_frames(num_samples_B), num_frames=self.max_frames)
            features_BTM: Tensor = (log_BTM * mask_BT.unsqueeze(2) - self.mean) / (2 * self.std)
            return features_BTM


class ASTEncoder(SpeechEncoder):
    """The model of a local folder with ``model_type: audio-spectrogram-transformer``.

    Raises ``ValueError`` for a folder that cannot be used.
    """

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.model = load_pretrained(folder, model_type="audio-spectrogram-transformer")
        config = self.model.config
        self.num_mels = config.num_mel_bins
        self.num_outputs = config.hidden_size
        self.time_pooling = config.time_stride
        self.max_frames = config.max_length
        self.num_columns = (config.max_length - config.patch_size) // config.time_stride + 1
        self.mean, self.std = _normalisation(Path(folder) / "preprocessor_config.json")

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """``ASTLogMel``. Raises ``ValueError`` for another sample rate, log-mel settings and SpecAugment."""
        check_settings("audio-spectrogram-transformer", sample_rate_hz=sample_rate_hz, settings=settings)
        if spec_augment is not None:
            raise ValueError("spec_augment: an audio-spectrogram-transformer encoder has none here; set null")
        return ASTLogMel(num_mels=self.num_mels, max_frames=self.max_frames, mean=self.mean, std=self.std)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """Columns that begin within the clip: ``ceil(T / time_pooling)``, at most those of the picture."""
        return (-(-num_frames_B // self.time_pooling)).clamp(max=self.num_columns)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, ``max_frames``, M); T' is the longest clip's own."""
        tokens_BPH: Tensor = self.model(features_BTM).last_hidden_state
        patches_BPH = tokens_BPH[:, 2:]  # after the two that stand for the whole clip
        patches_BFTH = patches_BPH.reshape(len(patches_BPH), -1, self.num_columns, self.num_outputs)
        columns_BTH: Tensor = patches_BFTH.mean(1)
        return columns_BTH[:, : int(self.pooled_frames(num_frames_B).max())]


def _normalisation(path: Path) -> tuple[float, float]:
    """Mean and standard deviation of the folder's feature extractor, AudioSet's where it has none."""
    if not path.is_file():
        return AUDIOSET_MEAN, AUDIOSET_STD
    given = json.loads(path.read_text(encoding="utf-8"))
    if not given.get("do_normalize", True):
        return 0.0, 0.5  # (x - 0) / (2 * 0.5)
    return float(given.get("mean", AUDIOSET_MEAN)), float(given.get("std", AUDIOSET_STD))
