"""wav2vec 2.0 as a recogniser's encoder (Baevski et al. 2020, arXiv 2006.11477; XLS-R: Babu et al. 2021, 2111.09296).

Convolutions over the waveform itself, then a transformer, a hidden vector every 20 ms, as transformers'
``Wav2Vec2Model`` computes them. Differs from it in what padding and chance may do. Each waveform is normalised over its
own samples, and with ``feat_extract_norm: group`` (wav2vec2-base), whose first layer takes its statistics over time,
each goes through the convolutions by itself: an utterance gets the same frames alone and in a batch. Masks while
training are drawn from torch's random state, which checkpoints keep (transformers': from numpy's). No layer is dropped.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from lightning_modules.layers.log_mel import LogMelSettings, frame_mask
from lightning_modules.layers.pretrained_model import SAMPLE_RATE_HZ, check_settings, load_pretrained
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd

VARIANCE_FLOOR = 1e-7  # Wav2Vec2FeatureExtractor's


class Waveforms(FrontEnd):
    """A frame is a sample and has one band: (B, S) -> (B, S, 1), zeros on padding.

    Each waveform has mean 0 and variance 1 over its own samples, as ``Wav2Vec2FeatureExtractor`` makes it.
    """

    hop_seconds = 1 / SAMPLE_RATE_HZ

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Samples."""
        return num_samples_B

    @torch.no_grad()
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Normalised waveforms (B, S, 1)."""
        mask_BS = frame_mask(num_samples_B, num_frames=waveforms_BS.shape[1])
        count_B1 = num_samples_B.unsqueeze(1)
        waveforms_BS = waveforms_BS.float() * mask_BS
        centred_BS = (waveforms_BS - waveforms_BS.sum(1, keepdim=True) / count_B1) * mask_BS
        variance_B1 = centred_BS.square().sum(1, keepdim=True) / count_B1
        return (centred_BS / (variance_B1 + VARIANCE_FLOOR).sqrt()).unsqueeze(2)


class Wav2Vec2Encoder(SpeechEncoder):
    """The model of a local folder with ``model_type: wav2vec2``.

    ``freeze_features`` keeps the convolutions as they are, as in fine-tuning practice (section 4.2 of the paper). Spans
    of frames are masked while training as the folder's ``mask_time_prob`` and ``mask_time_length`` say.
    An utterance that is shorter than one frame's window (25 ms) is completed by zeros.
    Raises ``ValueError`` for a folder that cannot be used.
    """

    num_mels = 1

    def __init__(self, *, folder: str, freeze_features: bool = True) -> None:
        super().__init__()
        # Some published folders lack the vector that stands for a masked frame.
        self.model = load_pretrained(folder, model_type="wav2vec2", may_lack=("masked_spec_embed",), layerdrop=0.0)
        config = self.model.config
        if config.add_adapter:
            raise ValueError(f"folder {folder!r} has add_adapter: true, allowed: false; its convolutions hear padding")
        self.num_outputs = config.hidden_size
        self.time_pooling = prod(config.conv_stride)
        self.window_samples = 1
        for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
            self.window_samples = (self.window_samples - 1) * stride + kernel
        self.mask_share = config.mask_time_prob if config.apply_spec_augment else 0.0
        if freeze_features:
            self.model.freeze_feature_encoder()
        if self.mask_share == 0 and hasattr(self.model, "masked_spec_embed"):
            self.model.masked_spec_embed.requires_grad_(False)  # nothing uses it

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """``Waveforms``. Raises ``ValueError`` for another sample rate, log-mel settings and SpecAugment."""
        check_settings("wav2vec2", sample_rate_hz=sample_rate_hz, settings=settings)
        if spec_augment is not None:
            raise ValueError("spec_augment: a wav2vec2 encoder has no bands to mask and masks its own frames; set null")
        return Waveforms(spec_augment=None)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """One every ``time_pooling`` samples, those that a whole window fits in; at least one."""
        whole_B = num_frames_B.clamp(min=self.window_samples)
        frames_B: Tensor = self.model._get_feat_extract_output_lengths(whole_B)
        return frames_B

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of normalised waveforms (B, S, 1)."""
        hidden_BTH, _ = self.model.feature_projection(self._convolved(features_BTM.squeeze(2), num_frames_B))
        mask_BT = frame_mask(self.pooled_frames(num_frames_B), num_frames=hidden_BTH.shape[1])
        if self.training and self.mask_share > 0:
            span_frames = self.model.config.mask_time_length
            spans_BT1 = drawn_spans(mask_BT, share=self.mask_share, span_frames=span_frames).unsqueeze(2)
            hidden_BTH = torch.where(spans_BT1, self.model.masked_spec_embed.to(hidden_BTH.dtype), hidden_BTH)
        encoded_BTH: Tensor = self.model.encoder(hidden_BTH, attention_mask=mask_BT).last_hidden_state
        return encoded_BTH

    def _convolved(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """What the convolutions make of the waveforms: (B, T', channels)."""
        extractor = self.model.feature_extractor
        waveforms_BS = F.pad(waveforms_BS, (0, max(0, self.window_samples - waveforms_BS.shape[1])))
        if self.model.config.feat_extract_norm == "layer":
            heard_BCT: Tensor = extractor(waveforms_BS)
            return heard_BCT.transpose(1, 2)
        lengths = num_samples_B.clamp(min=self.window_samples).tolist()
        alone = [extractor(waveform_S[None, :n])[0].T for waveform_S, n in zip(waveforms_BS, lengths, strict=True)]
        return pad_sequence(alone, batch_first=True)


def drawn_spans(mask_BT: Tensor, *, share: float, span_frames: int) -> Tensor:
    """True on the frames to mask, of those that ``mask_BT`` has: bool (B, T).

    Every frame begins a span of ``span_frames`` with probability ``share / span_frames``; spans may overlap (section
    3.1 of the paper, which masks the same share in expectation).
    """
    starts_BT = torch.rand(mask_BT.shape, device=mask_BT.device) < share / span_frames
    inside_B1T = F.max_pool1d(F.pad(starts_BT.float().unsqueeze(1), (span_frames - 1, 0)), span_frames, stride=1)
    return (inside_B1T.squeeze(1) > 0) & mask_BT
