"""Pretrained encoders: what transformers computes for one utterance, whatever the batch; folders that are refused."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.pretrained_wav2vec2 import Wav2Vec2Encoder, drawn_spans
from lightning_modules.layers.pretrained_whisper import WhisperEncoder, WhisperLogMel
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import SPEECH_FEATURES

transformers: Any = pytest.importorskip("transformers")

Folder = Callable[..., str]
LENGTHS = [16000, 9999, 4321, 200]  # the last is shorter than a window of wav2vec 2.0


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a pretrained encoder asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def waveforms(lengths: list[int], *, padding: int = 0) -> tuple[Tensor, Tensor]:
    """Of different loudness and offset, zeros behind."""
    torch.manual_seed(1)
    waveforms_BS = torch.zeros(len(lengths), max(lengths) + padding)
    for row, length in enumerate(lengths):
        waveforms_BS[row, :length] = 0.1 * (row + 1) * torch.randn(length) + 0.05
    return waveforms_BS, torch.tensor(lengths)


def encode(encoder: SpeechEncoder, waveforms_BS: Tensor, num_samples_B: Tensor) -> tuple[Tensor, Tensor]:
    front_end = encoder.front_end(sample_rate_hz=16000, settings=SPEECH_FEATURES, spec_augment=None)
    num_frames_B = front_end.num_frames(num_samples_B)
    return encoder(front_end(waveforms_BS, num_samples_B), num_frames_B), encoder.pooled_frames(num_frames_B)


def assert_blind_to_padding(encoder: SpeechEncoder) -> None:
    waveforms_BS, lengths_B = waveforms(LENGTHS, padding=3000)
    with torch.no_grad():
        together_BTH, frames_B = encode(encoder, waveforms_BS, lengths_B)
        for row, length in enumerate(LENGTHS):
            alone_1TH, (frames,) = encode(encoder, waveforms_BS[row : row + 1, :length], lengths_B[row : row + 1])
            assert frames == frames_B[row] >= 1
            assert alone_1TH.shape == (1, frames, encoder.num_outputs)
            torch.testing.assert_close(together_BTH[row, :frames], alone_1TH[0], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_a_wav2vec2_utterance_does_not_depend_on_its_batch(wav2vec2_folder: Folder, norm: str) -> None:
    assert_blind_to_padding(Wav2Vec2Encoder(folder=wav2vec2_folder(norm)).eval())


def test_a_whisper_utterance_does_not_depend_on_its_batch(whisper_folder: Folder) -> None:
    assert_blind_to_padding(WhisperEncoder(folder=whisper_folder()).eval())


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("model", ["Wav2Vec2Model", "Wav2Vec2ForCTC", "Wav2Vec2ForPreTraining"])
def test_wav2vec2_is_what_transformers_makes_of_one_waveform(wav2vec2_folder: Folder, norm: str, model: str) -> None:
    folder = wav2vec2_folder(norm, model=model)
    waveforms_1S, lengths_1 = waveforms([9999])
    given = transformers.Wav2Vec2FeatureExtractor()(waveforms_1S[0].numpy(), sampling_rate=16000, return_tensors="pt")
    theirs = transformers.Wav2Vec2Model.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        ours_1TH, _ = encode(Wav2Vec2Encoder(folder=folder).eval(), waveforms_1S, lengths_1)
        torch.testing.assert_close(ours_1TH, theirs(given.input_values).last_hidden_state, atol=2e-5, rtol=1e-4)


def test_whisper_is_what_transformers_makes_of_one_waveform(whisper_folder: Folder) -> None:
    folder = whisper_folder(model="WhisperForConditionalGeneration")
    waveforms_1S, lengths_1 = waveforms([9999])
    theirs = transformers.WhisperModel.from_pretrained(folder, local_files_only=True).encoder.eval()
    extractor = transformers.WhisperFeatureExtractor(chunk_length=3)
    given = extractor(waveforms_1S[0].numpy(), sampling_rate=16000, return_tensors="pt").input_features
    with torch.no_grad():
        ours_1TH, _ = encode(WhisperEncoder(folder=folder).eval(), waveforms_1S, lengths_1)
        theirs_1TH = theirs(given).last_hidden_state
    assert ours_1TH.shape[1] == 32  # 9999 samples are 63 frames
    torch.testing.assert_close(ours_1TH, theirs_1TH[:, :32], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("num_mels", [80, 128])
def test_log_mel_is_whispers_own(num_mels: int) -> None:
    waveforms_BS, lengths_B = waveforms([48000, 9999, 1, 16000])
    waveforms_BS[3] = 0.0
    ours_BTM = WhisperLogMel(num_mels=num_mels, max_frames=300, spec_augment=None)(waveforms_BS, lengths_B)
    extractor = transformers.WhisperFeatureExtractor(feature_size=num_mels, chunk_length=3)
    speech = [waveform_S[:length].numpy() for waveform_S, length in zip(waveforms_BS, lengths_B, strict=True)]
    theirs_BMT = extractor(speech, sampling_rate=16000, return_tensors="pt").input_features
    assert ours_BTM.shape == (4, 300, num_mels)
    torch.testing.assert_close(ours_BTM, theirs_BMT.transpose(1, 2), atol=2e-4, rtol=0.0)


def test_frames_of_wav2vec2_are_those_that_its_convolutions_leave(wav2vec2_folder: Folder) -> None:
    encoder = Wav2Vec2Encoder(folder=wav2vec2_folder())
    assert (encoder.window_samples, encoder.time_pooling) == (400, 320)
    lengths = [1, 399, 400, 401, 719, 720, 721, 1039, 1040, 1041, 5000]
    convolutions = encoder.model.feature_extractor
    left = [convolutions(torch.zeros(1, max(length, 400))).shape[2] for length in lengths]
    assert encoder.pooled_frames(torch.tensor(lengths)).tolist() == left


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("freeze", [True, False])
def test_gradients_reach_all_of_wav2vec2_but_frozen_convolutions(
    wav2vec2_folder: Folder, norm: str, freeze: bool
) -> None:
    encoder = Wav2Vec2Encoder(folder=wav2vec2_folder(norm, mask_time_prob=0.5), freeze_features=freeze)
    assert all(part.training for part in encoder.modules())  # Lightning would leave a part in eval mode
    torch.manual_seed(0)
    encode(encoder, *waveforms([9999, 4321]))[0].square().sum().backward()
    for name, parameter in encoder.named_parameters():
        frozen = freeze and "feature_extractor" in name
        assert parameter.requires_grad is not frozen
        assert (parameter.grad is None) is frozen, name


def test_gradients_reach_all_of_whisper_but_its_positions(whisper_folder: Folder) -> None:
    encoder = WhisperEncoder(folder=whisper_folder())
    assert all(part.training for part in encoder.modules())
    encode(encoder, *waveforms([9999, 4321]))[0].square().sum().backward()
    without = [name for name, parameter in encoder.named_parameters() if parameter.grad is None]
    assert without == ["model.embed_positions.weight"]


def test_masks_follow_torchs_random_state_and_rest_in_evaluation(wav2vec2_folder: Folder) -> None:
    no_dropout = {"hidden_dropout": 0.0, "attention_dropout": 0.0, "feat_proj_dropout": 0.0, "activation_dropout": 0.0}
    encoder = Wav2Vec2Encoder(folder=wav2vec2_folder(mask_time_prob=0.5, mask_time_length=4, **no_dropout))
    batch = waveforms([9999, 4321])
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(encode(encoder, *batch)[0])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    plain_BTH = encode(encoder.eval(), *batch)[0]
    encoder.train().mask_share = 0.0
    torch.testing.assert_close(encode(encoder, *batch)[0], plain_BTH)


@settings(max_examples=30)
@given(share=st.sampled_from([0.0, 0.1, 0.5]), span=st.integers(1, 6), seed=st.integers(0, 100))
def test_spans_begin_at_random_and_stay_within_the_utterance(share: float, span: int, seed: int) -> None:
    mask_BT = torch.tensor([[True] * 12, [True] * 5 + [False] * 7])
    torch.manual_seed(seed)
    spans_BT = drawn_spans(mask_BT, share=share, span_frames=span)
    torch.manual_seed(seed)
    starts_BT = torch.rand(2, 12) < share / span
    for row in range(2):
        for frame in range(12):
            begun = starts_BT[row, max(0, frame - span + 1) : frame + 1].any()
            assert spans_BT[row, frame] == (begun and mask_BT[row, frame])


def test_half_precision_folders_train_in_single(wav2vec2_folder: Folder, tmp_path: Path) -> None:
    half = transformers.Wav2Vec2Model.from_pretrained(wav2vec2_folder(), dtype="float16")
    half.save_pretrained(tmp_path / "half")
    encoder = Wav2Vec2Encoder(folder=str(tmp_path / "half"))
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}


def test_older_names_of_weight_norm_are_read(wav2vec2_folder: Folder) -> None:
    from safetensors.torch import load_file, save_file

    folder = wav2vec2_folder()
    names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    path = Path(folder, "model.safetensors")
    wanted, renamed = load_file(path), {}
    for name, value in wanted.items():
        for new, old in names.items():
            name = name.replace(new, old)
        renamed[name] = value
    assert set(renamed) != set(wanted)
    save_file(renamed, path, metadata={"format": "pt"})
    torch.testing.assert_close(dict(Wav2Vec2Encoder(folder=folder).model.state_dict()), wanted)


def test_a_folder_may_lack_the_vector_of_masked_frames_and_no_other(wav2vec2_folder: Folder) -> None:
    from safetensors.torch import load_file, save_file

    folder = wav2vec2_folder()
    path = Path(folder, "model.safetensors")
    weights = load_file(path)
    del weights["masked_spec_embed"]
    save_file(weights, path, metadata={"format": "pt"})
    Wav2Vec2Encoder(folder=folder)
    del weights["feature_projection.projection.bias"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks 1 weights that .*: feature_projection.projection.bias$"):
        Wav2Vec2Encoder(folder=folder)


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def not_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def other_type(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "hubert"}))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def wider(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden_size": 32}))


def adapted(folder: Path) -> None:
    path = folder / "config.json"
    config = transformers.Wav2Vec2Config.from_pretrained(folder)
    config.add_adapter, config.num_adapter_layers, config.output_hidden_size = True, 1, 16
    transformers.Wav2Vec2Model(config).save_pretrained(path.parent)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (without_config, "has no config.json; it needs config.json and model.safetensors"),
        (not_json, "its config.json says no model_type, allowed: 'wav2vec2'"),
        (other_type, "its config.json says model_type 'hubert', allowed: 'wav2vec2'"),
        (pickled, r"has no model.safetensors \(weights found: pytorch_model.bin\)"),
        (cut, "cannot be read: "),
        (wider, "cannot be read: "),
        (adapted, "has add_adapter: true, allowed: false"),
    ],
)
def test_folders_are_refused_in_one_line(wav2vec2_folder: Folder, damage: Callable[[Path], None], line: str) -> None:
    folder = wav2vec2_folder()
    damage(Path(folder))
    with pytest.raises(ValueError, match=line) as caught:
        Wav2Vec2Encoder(folder=folder)
    assert folder in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"folder 'nowhere/xls-r' is no folder; allowed: a local one with config\.json"
    ):
        WhisperEncoder(folder="nowhere/xls-r")


def test_a_missing_package_is_named(wav2vec2_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = wav2vec2_folder()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"needs the package transformers: pip install 'earmark\[pretrained\]'"):
        Wav2Vec2Encoder(folder=folder)


def test_settings_that_mean_nothing_are_refused(wav2vec2_folder: Folder, whisper_folder: Folder) -> None:
    wav2vec2, whisper = Wav2Vec2Encoder(folder=wav2vec2_folder()), WhisperEncoder(folder=whisper_folder())
    given: dict[str, Any] = {"sample_rate_hz": 16000, "settings": SPEECH_FEATURES, "spec_augment": None}
    for encoder in (wav2vec2, whisper):
        with pytest.raises(ValueError, match=r"sample_rate_hz of the corpus is 8000, a w.* encoder hears 16000 alone"):
            encoder.front_end(**given | {"sample_rate_hz": 8000})
        with pytest.raises(ValueError, match=r"features: a w.* leave them out \(unset: \[model.features\]\)"):
            encoder.front_end(**given | {"settings": LogMelSettings(num_mels=80)})
    with pytest.raises(ValueError, match=r"spec_augment: .* set null"):
        wav2vec2.front_end(**given | {"spec_augment": SpecAugment()})
    assert isinstance(whisper.front_end(**given | {"spec_augment": SpecAugment()}).spec_augment, SpecAugment)


def test_whisper_refuses_what_is_longer_than_its_window() -> None:
    front_end = WhisperLogMel(num_mels=80, max_frames=300, spec_augment=None)
    assert front_end.num_frames(torch.tensor([48000, 1])).tolist() == [300, 1]
    with pytest.raises(ValueError, match=r"of 3.01 s is longer than the 3 s that .* set data.max_seconds 3 for"):
        front_end.num_frames(torch.tensor([1, 48160]))


def test_spec_augment_masks_whispers_features() -> None:
    front_end = WhisperLogMel(num_mels=80, max_frames=300, spec_augment=SpecAugment())
    waveforms_BS, lengths_B = waveforms([16000, 9999])
    features_BTM = front_end(waveforms_BS, lengths_B)
    masked_BTM = front_end.masked(features_BTM, lengths_B, utterance_ids=["a", "b"], seed=0, epoch=0)
    changed = masked_BTM != features_BTM
    assert changed.any()
    assert np.all(masked_BTM[changed].numpy() == 0)
