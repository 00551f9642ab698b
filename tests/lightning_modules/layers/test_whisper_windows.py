"""Whisper's windows cut to an utterance: the network's own figures at full length, and blind to the batch when cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_modules.layers.pretrained_frozen import FrozenEncoder
from lightning_modules.layers.pretrained_whisper import WhisperEncoder, WhisperLogMel, Windows
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import SPEECH_FEATURES

pytest.importorskip("transformers")

Folder = Callable[..., str]
LENGTHS = [16000, 9999, 4321, 30001]


def speech(lengths: list[int]) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    waveforms_BS = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        waveforms_BS[row, :length] = 0.1 * torch.randn(length)
    return waveforms_BS, torch.tensor(lengths)


def encoded(encoder: SpeechEncoder, waveforms_BS: Tensor, num_samples_B: Tensor) -> tuple[Tensor, Tensor]:
    front_end = encoder.front_end(sample_rate_hz=16000, settings=SPEECH_FEATURES, spec_augment=None)
    num_frames_B = front_end.num_frames(num_samples_B)
    with torch.no_grad():
        hidden_BTH = encoder(front_end(waveforms_BS, num_samples_B), num_frames_B)
    return hidden_BTH, encoder.pooled_frames(num_frames_B)


def test_a_window_is_the_utterance_its_silence_and_up_to_a_second() -> None:
    windows = Windows(3000, 0.5)
    assert windows.num_frames(torch.tensor([1, 50, 51, 150, 2900, 2960])).tolist() == [100, 100, 200, 200, 3000, 3000]
    assert Windows(3000).num_frames(torch.tensor([1, 2960])).tolist() == [3000, 3000]
    with pytest.raises(ValueError, match=r"silence_seconds 0.01, allowed: 0.025 or more \(unset: 30 s\)"):
        Windows(3000, 0.01)


def test_log_mel_of_a_cut_window_is_the_whole_ones_beginning() -> None:
    waveforms_BS, lengths_B = speech([9999, 16000])
    whole_BTM = WhisperLogMel(num_mels=80, max_frames=300, spec_augment=None)(waveforms_BS, lengths_B)
    cut = WhisperLogMel(num_mels=80, max_frames=300, spec_augment=None, silence_seconds=0.5)
    cut_BTM = cut(waveforms_BS, lengths_B)
    assert cut_BTM.shape == (2, 200, 80)
    torch.testing.assert_close(cut_BTM, whole_BTM[:, :200])


def test_a_cut_utterance_does_not_depend_on_its_batch(whisper_folder: Folder) -> None:
    encoder = WhisperEncoder(folder=whisper_folder(), silence_seconds=0.1).eval()
    waveforms_BS, lengths_B = speech(LENGTHS)
    together_BTH, frames_B = encoded(encoder, waveforms_BS, lengths_B)
    for row, length in enumerate(LENGTHS):
        alone_1TH, (frames,) = encoded(encoder, waveforms_BS[row : row + 1, :length], lengths_B[row : row + 1])
        assert alone_1TH.shape[1] == frames == frames_B[row]
        torch.testing.assert_close(together_BTH[row, :frames], alone_1TH[0], atol=2e-5, rtol=1e-4)


def test_a_frozen_encoder_hears_an_utterance_once(whisper_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    model = WhisperEncoder(folder=whisper_folder(), silence_seconds=0.1)
    waveforms_BS, lengths_B = speech(LENGTHS)
    wanted_BTH, frames_B = encoded(model.eval(), waveforms_BS, lengths_B)
    frozen = FrozenEncoder(model=model, recurrent_units=8).train()
    front_end = frozen.front_end(sample_rate_hz=16000, settings=SPEECH_FEATURES, spec_augment=None)
    assert front_end.hop_seconds == pytest.approx(0.02)
    assert front_end.num_frames(lengths_B).tolist() == frames_B.tolist()
    passes: list[int] = []
    encode = model.encode_windows
    monkeypatch.setattr(model, "encode_windows", lambda *given: passes.append(1) or encode(*given))  # type: ignore[func-returns-value]
    for _ in range(2):
        kept_BTH = front_end(waveforms_BS, lengths_B)
    assert len(passes) == len(LENGTHS)
    for row, frames in enumerate(frames_B.tolist()):
        torch.testing.assert_close(kept_BTH[row, :frames], wanted_BTH[row, :frames], atol=2e-5, rtol=1e-4)
    assert frozen(kept_BTH, frames_B).shape == (4, int(frames_B.max()), 16)
    trained = {name for name, parameter in frozen.named_parameters() if parameter.requires_grad}
    assert trained == {name for name in dict(frozen.named_parameters()) if "recurrent" in name}
    given: dict[str, Any] = {"sample_rate_hz": 16000, "settings": SPEECH_FEATURES}
    with pytest.raises(ValueError, match=r"spec_augment: a frozen encoder hears each utterance once, without masks"):
        frozen.front_end(**given, spec_augment=SpecAugment())
