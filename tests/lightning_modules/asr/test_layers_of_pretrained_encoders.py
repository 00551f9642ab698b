"""All layers of a pretrained encoder against transformers', their learned mean by hand, and learning rates by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lightning_modules.layers.hidden_layers import HiddenLayers, Wav2Vec2Layers, WhisperLayers
from lightning_modules.layers.layer_mix import LayerMix
from lightning_modules.layers.layer_rates import LayerwiseAdamW
from lightning_modules.layers.pretrained_layers import PretrainedLayers
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import SPEECH_FEATURES

transformers: Any = pytest.importorskip("transformers")

Folder = Callable[..., str]
LENGTHS = [16000, 9999, 4321]


def encode(encoder: SpeechEncoder, lengths: list[int]) -> tuple[Tensor, list[int]]:
    torch.manual_seed(1)
    waveforms_BS = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        waveforms_BS[row, :length] = 0.1 * torch.randn(length)
    front_end = encoder.front_end(sample_rate_hz=16000, settings=SPEECH_FEATURES, spec_augment=None)
    num_samples_B = torch.tensor(lengths)
    num_frames_B = front_end.num_frames(num_samples_B)
    hidden_BTH = encoder(front_end(waveforms_BS, num_samples_B), num_frames_B)
    return hidden_BTH, encoder.pooled_frames(num_frames_B).tolist()


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_layers_of_wav2vec2_are_transformers_hidden_states(wav2vec2_folder: Folder, norm: str) -> None:
    folder = wav2vec2_folder(norm, num_hidden_layers=3)
    ours = Wav2Vec2Layers(folder=folder).eval()
    theirs = transformers.Wav2Vec2Model.from_pretrained(folder, local_files_only=True).eval()
    torch.manual_seed(1)
    waveform_S = 0.1 * torch.randn(9999)
    given = transformers.Wav2Vec2FeatureExtractor()(waveform_S.numpy(), sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        ours_1TK, _ = encode(ours, [9999])
        said = theirs(given.input_values, output_hidden_states=True)
    expected = [*said.hidden_states[:-1], said.last_hidden_state]  # transformers 5 keeps the last before its norm
    assert ours.num_layers == len(expected) == 4
    torch.testing.assert_close(ours_1TK, torch.cat(expected, dim=2), atol=2e-5, rtol=1e-4)


def test_layers_of_whisper_are_transformers_hidden_states(whisper_folder: Folder) -> None:
    folder = whisper_folder(encoder_layers=3)
    ours = WhisperLayers(folder=folder).eval()
    theirs = transformers.WhisperModel.from_pretrained(folder, local_files_only=True).encoder.eval()
    torch.manual_seed(1)
    waveform_S = 0.1 * torch.randn(9999)
    extractor = transformers.WhisperFeatureExtractor(chunk_length=3)
    given = extractor(waveform_S.numpy(), sampling_rate=16000, return_tensors="pt").input_features
    with torch.no_grad():
        ours_1TK, (frames,) = encode(ours, [9999])
        expected = theirs(given, output_hidden_states=True).hidden_states
    assert ours.num_layers == len(expected) == 4
    torch.testing.assert_close(ours_1TK, torch.cat(expected, dim=2)[:, :frames], atol=2e-5, rtol=1e-4)


def layered(kind: str, folder: Folder) -> HiddenLayers:
    return WhisperLayers(folder=folder(), silence_seconds=0.1) if kind == "whisper" else Wav2Vec2Layers(folder=folder())


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2"])
@pytest.mark.parametrize("frozen", [True, False])
def test_an_utterance_does_not_depend_on_its_batch(kind: str, frozen: bool, request: pytest.FixtureRequest) -> None:
    model = layered(kind, request.getfixturevalue(f"{kind}_folder"))
    encoder = PretrainedLayers(model=model, frozen=frozen, recurrent_units=3).eval()
    with torch.no_grad():
        together_BTH, frames = encode(encoder, LENGTHS)
        alone_1TH, (alone,) = encode(encoder, LENGTHS[:1])
    assert together_BTH.shape == (3, frames[0], 6)
    assert alone == frames[0]
    torch.testing.assert_close(together_BTH[:1, :alone], alone_1TH, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("frozen", [True, False])
def test_the_mean_of_layers_is_the_softmax_of_its_weights_by_hand(whisper_folder: Folder, frozen: bool) -> None:
    model = WhisperLayers(folder=whisper_folder(encoder_layers=3))
    encoder = PretrainedLayers(model=model, frozen=frozen).eval()
    assert encoder.mix is not None
    assert encoder.mix.weights().tolist() == [0.25] * 4
    with torch.no_grad():
        encoder.mix.scores_L.copy_(torch.tensor([0.0, 1.0, -2.0, 0.5]))
        layers_BTK, _ = encode(model.eval(), LENGTHS)
        mean_BTH, _ = encode(encoder, LENGTHS)
    shares = torch.tensor([1.0, 2.718281828, 0.135335283, 1.648721271])
    expected_BTH = torch.zeros_like(mean_BTH)
    for layer, share in enumerate(shares / shares.sum()):
        expected_BTH += share * layers_BTK[:, :, 16 * layer : 16 * (layer + 1)]
    torch.testing.assert_close(mean_BTH[0], expected_BTH[0], atol=1e-5, rtol=1e-4)


def test_the_last_layer_is_the_encoder_itself(whisper_folder: Folder) -> None:
    from lightning_modules.layers.pretrained_whisper import WhisperEncoder

    folder = whisper_folder()
    with torch.no_grad():
        ours, _ = encode(PretrainedLayers(model=WhisperLayers(folder=folder), mix="last").eval(), LENGTHS)
        plain, _ = encode(WhisperEncoder(folder=folder).eval(), LENGTHS)
    assert torch.equal(ours, plain)


def test_frozen_layers_are_heard_once_and_the_mean_learns(whisper_folder: Folder) -> None:
    encoder = PretrainedLayers(model=WhisperLayers(folder=whisper_folder()), frozen=True, recurrent_units=2).train()
    assert not any(part.training for part in encoder.model.modules())
    for _ in range(2):
        encode(encoder, LENGTHS)[0].square().sum().backward()
    assert len(encoder.cache) == len(LENGTHS)
    assert encoder.mix is not None
    assert encoder.mix.scores_L.grad is not None
    assert encoder.mix.scores_L.grad.abs().min() > 0
    assert all(parameter.grad is None for parameter in encoder.model.parameters())
    encoder.load_state_dict(encoder.state_dict())
    assert len(encoder.cache) == 0
    with pytest.raises(ValueError, match="spec_augment: a frozen encoder hears each utterance once"):
        encoder.front_end(sample_rate_hz=16000, settings=SPEECH_FEATURES, spec_augment=SpecAugment())


def test_gradients_reach_every_layer(wav2vec2_folder: Folder) -> None:
    encoder = PretrainedLayers(model=Wav2Vec2Layers(folder=wav2vec2_folder(mask_time_prob=0.5), freeze_features=False))
    encode(encoder, LENGTHS)[0].square().sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("number", [{"cache_mb": -1}, {"recurrent_units": -1}])
def test_numbers_out_of_range_are_refused(whisper_folder: Folder, number: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(number))} -1, allowed: "):
        PretrainedLayers(model=WhisperLayers(folder=whisper_folder()), **number)


class System(nn.Module):
    """An encoder with an output layer on top."""

    def __init__(self, encoder: PretrainedLayers) -> None:
        super().__init__()
        self.encoder = encoder
        self.outputs = nn.Linear(encoder.num_outputs, 5)

    def loss(self) -> Tensor:
        return self.outputs(encode(self.encoder, LENGTHS)[0]).square().mean()


def factors(system: nn.Module, optimizer: LayerwiseAdamW) -> dict[str, float]:
    names = {id(parameter): name for name, parameter in system.named_parameters()}
    return {
        names[id(parameter)]: group["layer_factor"] for group in optimizer.param_groups for parameter in group["params"]
    }


def test_whispers_layers_learn_at_rates_that_fall_from_the_top(whisper_folder: Folder) -> None:
    system = System(PretrainedLayers(model=WhisperLayers(folder=whisper_folder(encoder_layers=3)), recurrent_units=2))
    optimizer = LayerwiseAdamW(system.parameters(), lr=1.0, layer_decay=0.5, top_factor=0.1)
    found = factors(system, optimizer)
    assert found.keys() == {name for name, _ in system.named_parameters()}  # each once
    at = "encoder.model.encoder.model."
    expected = {"layers.0.": 0.025, "layers.1.": 0.05, "layers.2.": 0.1, "layer_norm.": 0.1, "conv1.": 0.0125}
    expected |= {"conv2.": 0.0125, "embed_positions.": 0.0125}
    for name, factor in found.items():
        of = [value for start, value in expected.items() if name.startswith(at + start)]
        assert factor == pytest.approx(of[0] if of else 1.0), name
        assert bool(of) == name.startswith(at)


@pytest.mark.parametrize(("norm", "closing"), [("layer", 1.0), ("group", 0.25)])
def test_wav2vec2s_closing_norm_is_of_the_top_where_it_stands_there(
    wav2vec2_folder: Folder, norm: str, closing: float
) -> None:
    system = System(PretrainedLayers(model=Wav2Vec2Layers(folder=wav2vec2_folder(norm))))
    found = factors(system, LayerwiseAdamW(system.parameters(), lr=1.0, layer_decay=0.5))
    at = "encoder.model.encoder.model."
    assert found[f"{at}encoder.layer_norm.weight"] == closing
    assert found[f"{at}encoder.layers.0.final_layer_norm.weight"] == 0.5
    assert found[f"{at}encoder.layers.1.final_layer_norm.weight"] == 1.0
    assert found[f"{at}feature_projection.projection.weight"] == 0.25
    assert found["encoder.mix.scores_L"] == found["outputs.weight"] == 1.0


def test_a_step_is_torchs_with_each_layers_rate_whatever_the_schedule(whisper_folder: Folder) -> None:
    folder = whisper_folder(encoder_layers=2, dropout=0.0)
    ours = System(PretrainedLayers(model=WhisperLayers(folder=folder)))
    theirs = System(PretrainedLayers(model=WhisperLayers(folder=folder)))
    theirs.load_state_dict(ours.state_dict())
    optimizer = LayerwiseAdamW(ours.parameters(), lr=0.1, layer_decay=0.5, top_factor=0.2, weight_decay=0.3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=8)
    by_hand = factors(ours, optimizer)
    named = dict(theirs.named_parameters())
    reference = torch.optim.AdamW([{"params": [of]} for of in named.values()], lr=0.1, weight_decay=0.3)
    schedule_of_one = torch.optim.lr_scheduler.OneCycleLR(
        torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=0.1), max_lr=0.01, total_steps=8
    )
    for _ in range(4):
        rate, momenta = schedule_of_one.get_last_lr()[0], optimizer.param_groups[0]["betas"]
        for group, name in zip(reference.param_groups, named, strict=True):
            group["lr"], group["betas"] = rate * by_hand[name], momenta
        for system, optimiser in ((ours, optimizer), (theirs, reference)):
            optimiser.zero_grad()
            system.loss().backward()
            optimiser.step()
        assert [group["lr"] for group in optimizer.param_groups] == [rate] * len(optimizer.param_groups)
        schedule.step()
        schedule_of_one.step()
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter, named[name], atol=1e-6, rtol=1e-5)


def test_an_interrupted_optimiser_goes_on_with_its_factors(whisper_folder: Folder) -> None:
    system = System(PretrainedLayers(model=WhisperLayers(folder=whisper_folder())))
    optimizer = LayerwiseAdamW(system.parameters(), lr=0.1, layer_decay=0.5)
    resumed = LayerwiseAdamW(system.parameters(), lr=0.1, layer_decay=0.5)
    resumed.load_state_dict(optimizer.state_dict())
    assert factors(system, resumed) == factors(system, optimizer)


def test_rates_that_nothing_would_have_are_refused(whisper_folder: Folder) -> None:
    frozen = System(PretrainedLayers(model=WhisperLayers(folder=whisper_folder()), frozen=True))
    for system in (nn.Linear(2, 2), frozen):
        with pytest.raises(ValueError, match="layer_decay: no pretrained layer trains; allowed: with the encoder"):
            LayerwiseAdamW(system.parameters(), lr=0.1, layer_decay=0.5)
    for wrong in ({"layer_decay": 0.0}, {"layer_decay": 1.1}, {"layer_decay": 0.5, "top_factor": 0.0}):
        with pytest.raises(ValueError, match=f"{list(wrong)[-1]} .*, allowed: above 0"):
            LayerwiseAdamW(nn.Linear(2, 2).parameters(), lr=0.1, **wrong)


def test_a_mean_of_one_layer_is_that_layer() -> None:
    layer_BTH = torch.randn(2, 3, 4)
    torch.testing.assert_close(LayerMix(num_layers=1)(layer_BTH), layer_BTH)
