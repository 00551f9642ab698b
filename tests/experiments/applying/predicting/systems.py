"""Small systems for tests: of convolutions alone, and a recurrent one; their weights are of a seed."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.applying.predicting.decision import Decision
from experiments.applying.predicting.file_events import FilePredictor
from experiments.applying.predicting.windows import WindowPlan
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.layers.conv import ConvBlock
from lightning_modules.layers.crnn import CNN, CRNN, FrameEncoder
from lightning_modules.layers.log_mel import LogMel, LogMelSettings, frame_mask
from lightning_modules.sed.mil import MIL

RATE_HZ = 8000
CLASSES = ("cat", "dog")
FEATURES = LogMelSettings(hop_seconds=0.02, window_seconds=0.04, num_mels=16)
PLAIN = PostProcessing(
    median_seconds=0.2, window_seconds=0.2, high_threshold=0.6, low_threshold=0.4, rescaled=False,
    longest_gap_seconds=0.1, shortest_event_seconds=0.1, keeps_one=False,
)  # fmt: skip


class LevelAsItIs(LogMel):
    """Log-mel without the mean of the whole clip, so that what is heard hangs on a bounded stretch alone."""

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        features_BTM = (self.decibels(waveforms_BS) + 50.0) / 20.0
        mask_BT: Tensor = frame_mask(self.num_frames(num_samples_B), num_frames=features_BTM.shape[1])
        return features_BTM * mask_BT.unsqueeze(-1)


def system(*, recurrent: bool = False, own_level: bool = False) -> MIL:
    torch.manual_seed(0)
    blocks = [
        ConvBlock(in_channels=1, out_channels=4, time_pooling=2, band_pooling=4, dropout=0.0),
        ConvBlock(in_channels=4, out_channels=4, time_pooling=1, band_pooling=4, dropout=0.0),
    ]
    encoder: FrameEncoder = CNN(num_mels=16, blocks=blocks)
    if recurrent:
        encoder = CRNN(cnn=encoder, cell="gru", hidden_units=8, dense_units=8)
    made = MIL(classes=CLASSES, sample_rate_hz=RATE_HZ, encoder=encoder, features=FEATURES)
    if not own_level:
        made.log_mel = LevelAsItIs(sample_rate_hz=RATE_HZ, hop_seconds=0.02, window_seconds=0.04, num_mels=16)
    torch.nn.init.normal_(made.classifier.weight, std=60.0 if not recurrent else 20.0)
    torch.nn.init.zeros_(made.classifier.bias)
    made.eval()
    with torch.no_grad():  # curves around one half, which the thresholds cut
        waveforms_BS = 0.02 * torch.randn(1, RATE_HZ)
        features_BTM = made.log_mel(waveforms_BS, torch.tensor([RATE_HZ]))
        hidden_BTH = made.encoder(features_BTM, torch.tensor([features_BTM.shape[1]]))
        made.classifier.bias.copy_(-made.classifier(hidden_BTH).mean((0, 1)))
    return made


def predictor(
    made: MIL, *, window_frames: int, overlap_frames: int = 20, setting: PostProcessing = PLAIN, gate: float = 0.0
) -> FilePredictor:
    """Frames of 0.04 s."""
    plan = WindowPlan(frame_samples=320, window_frames=window_frames, overlap_frames=overlap_frames)
    decision = Decision(classes=CLASSES, settings=dict.fromkeys(CLASSES, setting), gate=dict.fromkeys(CLASSES, gate))
    return FilePredictor(system=made, sample_rate_hz=RATE_HZ, plan=plan, decision=decision, batch_size=3)
