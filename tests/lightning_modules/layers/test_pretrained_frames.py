"""Pretrained encoders of sound event systems: transformers' own numbers, frozen weights, and what is kept of them."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from datamodules.annotations import Event
from datamodules.batches import ClipBatch
from datamodules.run_warning import RunWarning
from lightning_modules.layers.augmentation import Augmentation
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.pretrained_ast import ASTEncoder
from lightning_modules.layers.pretrained_frames import PretrainedFrames
from lightning_modules.layers.pretrained_wav2vec2 import Wav2Vec2Encoder
from lightning_modules.layers.pretrained_whisper import WhisperEncoder
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.speech_features import SPEECH_FEATURES
from lightning_modules.sed.mil import MIL
from lightning_modules.sed.strong_labels import StrongLabels

transformers: Any = pytest.importorskip("transformers")

Folder = Callable[..., str]
LENGTHS = [16000, 9999, 4321, 200]  # the last is shorter than a window


def waveforms(lengths: list[int] = LENGTHS) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    waveforms_BS = torch.zeros(len(lengths), max(lengths) + 500)
    for row, length in enumerate(lengths):
        waveforms_BS[row, :length] = 0.1 * (row + 1) * torch.randn(length) + 0.05
    return waveforms_BS, torch.tensor(lengths)


@pytest.fixture(params=["ast", "wav2vec2", "whisper"])
def model(request: pytest.FixtureRequest) -> SpeechEncoder:
    """Each kind in turn, with small random weights."""
    torch.manual_seed(0)
    folder = request.getfixturevalue(f"{request.param}_folder")()
    return {"ast": ASTEncoder, "wav2vec2": Wav2Vec2Encoder, "whisper": WhisperEncoder}[request.param](folder=folder)


def encode(encoder: PretrainedFrames, waveforms_BS: Tensor, num_samples_B: Tensor) -> tuple[Tensor, Tensor]:
    front_end = encoder.front_end(sample_rate_hz=16000, settings=LogMelSettings())
    num_frames_B = front_end.num_frames(num_samples_B)
    return encoder(front_end(waveforms_BS, num_samples_B), num_frames_B), encoder.pooled_frames(num_frames_B)


@pytest.mark.parametrize("length", [16000, 9999, 399])
def test_ast_log_mel_is_its_extractors_own(ast_folder: Folder, length: int) -> None:
    """Against the numpy form of transformers' extractor; torchaudio's differs in the last bin alone."""
    folder = ast_folder()
    extractor = transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=128, mean=-3.0, std=2.0)
    extractor.save_pretrained(folder)
    waveforms_1S, lengths_1 = waveforms([length])
    front_end = ASTEncoder(folder=folder).front_end(sample_rate_hz=16000, settings=SPEECH_FEATURES, spec_augment=None)
    ours_1TM = front_end(waveforms_1S, lengths_1)
    heard = waveforms_1S[0, : max(length, 400)].numpy()
    theirs_1TM = extractor(heard, sampling_rate=16000, return_tensors="pt").input_values
    assert front_end.num_frames(lengths_1).tolist() == [1 + (max(length, 400) - 400) // 160]
    torch.testing.assert_close(ours_1TM, theirs_1TM, atol=2e-3, rtol=0.0)


@pytest.mark.parametrize("name", ["ASTModel", "ASTForAudioClassification"])
def test_ast_frames_are_transformers_patches_averaged_over_frequency(ast_folder: Folder, name: str) -> None:
    folder = ast_folder(model=name)
    encoder = ASTEncoder(folder=folder).eval()
    theirs = transformers.ASTModel.from_pretrained(folder, local_files_only=True).eval()
    features_1TM = torch.randn(1, 128, 32)
    with torch.no_grad():
        ours_1TH = encoder(features_1TM, torch.tensor([128]))
        tokens_1PH = theirs(features_1TM).last_hidden_state
    assert (encoder.num_columns, encoder.time_pooling) == (12, 10)  # (128 - 16) / 10 + 1
    for column in range(12):  # two rows of patches: (32 - 16) / 10 + 1
        patches_2H = tokens_1PH[0, [2 + column, 2 + 12 + column]]
        torch.testing.assert_close(ours_1TH[0, column], patches_2H.mean(0), atol=1e-5, rtol=1e-4)


def test_frozen_frames_are_the_models_own_alone_in_a_batch_and_from_memory(model: SpeechEncoder) -> None:
    tuned = PretrainedFrames(model=copy.deepcopy(model), frozen=False).eval()
    frozen = PretrainedFrames(model=model)
    batch_BS, lengths_B = waveforms()
    with torch.no_grad():
        expected_BTH, frames_B = encode(tuned, batch_BS, lengths_B)
    front_end = frozen.front_end(sample_rate_hz=16000, settings=LogMelSettings())
    assert front_end.num_frames(lengths_B).tolist() == frames_B.tolist()
    inner = tuned.front_end(sample_rate_hz=16000, settings=LogMelSettings())
    assert front_end.hop_seconds == pytest.approx(inner.hop_seconds * tuned.time_pooling)
    first_BTH, _ = encode(frozen, batch_BS, lengths_B)
    assert len(frozen.cache) == 4
    for row, frames in enumerate(frames_B.tolist()):
        torch.testing.assert_close(first_BTH[row, :frames], expected_BTH[row, :frames], atol=3e-5, rtol=1e-4)
        assert not first_BTH[row, frames:].any()

    def heard_again(*_: Any) -> None:
        raise AssertionError("the frozen model was asked again")

    handle = frozen.model.register_forward_pre_hook(heard_again)
    order = [2, 0, 3, 1]
    again_BTH, _ = encode(frozen, batch_BS[order, :16000], lengths_B[order])
    for row, old in enumerate(order):
        assert torch.equal(again_BTH[row, : int(frames_B[old])], first_BTH[old, : int(frames_B[old])])
    frozen.load_state_dict(frozen.state_dict())  # other weights may have come
    with pytest.raises(AssertionError, match="asked again"):
        encode(frozen, batch_BS, lengths_B)
    handle.remove()


def test_what_does_not_fit_is_computed_anew_and_said_once(ast_folder: Folder) -> None:
    one_clip = 10 * 16 * 4 / 1e6  # 10 columns of 16 single numbers
    encoder = PretrainedFrames(model=ASTEncoder(folder=ast_folder()), cache_mb=1.5 * one_clip)
    batch = waveforms([16000, 15999, 15998])
    with pytest.warns(RunWarning, match="is full with the frames of 1 clips") as caught:
        first_BTH, _ = encode(encoder, *batch)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said already
        again_BTH, _ = encode(encoder, *batch)
    assert len(encoder.cache) == 1
    assert torch.equal(first_BTH, again_BTH)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # asked for, so nothing to say
        encode(PretrainedFrames(model=encoder.model, cache_mb=0), *batch)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_system_trains_its_output_layer_and_only_what_is_not_frozen(model: SpeechEncoder, frozen: bool) -> None:
    encoder = PretrainedFrames(model=model, frozen=frozen, learning_rate=None if frozen else 1e-5)
    system = MIL(classes=("dog", "cat"), sample_rate_hz=16000, encoder=encoder, optimizer=torch.optim.AdamW).train()
    assert not any(part.training for part in encoder.model.modules()) if frozen else encoder.model.training
    optimizer: Any = system.configure_optimizers()
    assert [group["lr"] for group in optimizer.param_groups] == ([1e-3] if frozen else [1e-3, 1e-5])
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in system.parameters())
    before = copy.deepcopy(system.state_dict())
    assert len([name for name in before if name.startswith("log_mel")]) == 0
    detection = system(*waveforms())
    system.loss(detection, torch.tensor([[1.0, 0.0]] * 4)).backward()
    optimizer.step()
    changed = {name for name, value in system.state_dict().items() if not torch.equal(value, before[name])}
    assert {"classifier.weight", "classifier.bias"} <= changed
    assert any(name.startswith("encoder") for name in changed) is not frozen


@pytest.mark.parametrize("frozen", [True, False])
def test_a_cell_on_top_learns_at_the_optimisers_rate_and_is_blind_to_padding(ast_folder: Folder, frozen: bool) -> None:
    model = ASTEncoder(folder=ast_folder())
    encoder = PretrainedFrames(
        model=model, frozen=frozen, learning_rate=None if frozen else 1e-5, recurrent_units=6
    ).eval()
    assert encoder.num_outputs == 12
    batch_BS, lengths_B = waveforms()
    with torch.no_grad():
        together_BTH, frames_B = encode(encoder, batch_BS, lengths_B)
        alone_1TH, _ = encode(encoder, batch_BS[1:2, :9999], lengths_B[1:2])
    torch.testing.assert_close(together_BTH[1, : int(frames_B[1])], alone_1TH[0], atol=1e-5, rtol=1e-4)
    optimizer: Any = MIL(classes=("dog",), sample_rate_hz=16000, encoder=encoder).configure_optimizers()
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert encoder.recurrent is not None
    assert {rates[id(p)] for p in encoder.recurrent.parameters()} == {1e-3}
    assert {rates[id(p)] for p in model.parameters()} == {1e-3 if frozen else 1e-5}


@pytest.mark.parametrize("frozen", [True, False])
def test_strong_labels_lie_on_its_grid(model: SpeechEncoder, frozen: bool) -> None:
    """The waveforms of a batch may be longer than its clips, and what the encoder hears longer than both."""
    system = StrongLabels(
        classes=("dog", "cat"), sample_rate_hz=16000, encoder=PretrainedFrames(model=model, frozen=frozen)
    )
    waveforms_BS, num_samples_B = waveforms()
    batch = ClipBatch(tuple("abcd"), waveforms_BS, num_samples_B, torch.zeros(4, 2))
    labelled = system.labelled(batch, [[Event(0.2, 0.6, "dog")], [], [], []])
    curves_BTC = system.detect_labelled(labelled).frame_probabilities_BTC
    assert curves_BTC is not None
    assert labelled.activity_BTC is not None
    assert labelled.activity_BTC.shape == curves_BTC.shape
    assert labelled.activity_BTC[0, :, 0].sum() * system.hop_seconds == pytest.approx(0.4, abs=system.hop_seconds)


def test_what_cannot_be_is_refused(ast_folder: Folder, tmp_path: Path) -> None:
    encoder = ASTEncoder(folder=ast_folder())
    with pytest.raises(ValueError, match=r"learning_rate 0.1 of an encoder that is frozen"):
        PretrainedFrames(model=encoder, learning_rate=0.1)
    with pytest.raises(ValueError, match="learning_rate -1"):
        PretrainedFrames(model=encoder, frozen=False, learning_rate=-1)
    with pytest.raises(ValueError, match="cache_mb -1"):
        PretrainedFrames(model=encoder, cache_mb=-1)
    with pytest.raises(ValueError, match="recurrent_units -1"):
        PretrainedFrames(model=encoder, recurrent_units=-1)
    frames = PretrainedFrames(model=encoder)
    with pytest.raises(ValueError, match="features: a pretrained encoder brings its own"):
        frames.front_end(sample_rate_hz=16000, settings=LogMelSettings(num_mels=40))
    with pytest.raises(ValueError, match="augmentation is of log-mel"):
        MIL(classes=("dog",), sample_rate_hz=16000, encoder=frames, augmentation=Augmentation(mixup_alpha=0.2))
    with pytest.raises(ValueError, match="kept_features is of log-mel"):
        MIL(classes=("dog",), sample_rate_hz=16000, encoder=frames, kept_features=True)
    with pytest.raises(ValueError, match="hears 16000 alone"):
        frames.front_end(sample_rate_hz=8000, settings=LogMelSettings())
    with pytest.raises(ValueError, match=r"a clip of 2.00 s, allowed: up to the 1.29 s that the encoder hears"):
        encode(frames, torch.zeros(1, 32000), torch.tensor([32000]))
    with pytest.raises(ValueError, match="is no folder; allowed: a local one"):
        ASTEncoder(folder=str(tmp_path / "nowhere"))
    config = Path(ast_folder()) / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "whisper"}))
    with pytest.raises(ValueError, match="allowed: 'audio-spectrogram-transformer'"):
        ASTEncoder(folder=str(config.parent))
