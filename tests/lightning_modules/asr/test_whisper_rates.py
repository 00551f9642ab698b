"""Whisper's layers learn at rates that fall from the top of its encoder and from the top of its decoder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from datamodules.batches import UtteranceBatch
from lightning_modules.asr.whisper.whisper_recogniser import UntouchedWhisper, WhisperRecogniser
from lightning_modules.layers.layer_rates import LayerwiseAdamW
from lightning_modules.layers.pretrained_whisper import WhisperEncoder

from .whisper_folders import write_whisper

pytest.importorskip("transformers")

TAG = "<en>"
LR, DECAY, TOP = 0.001, 0.5, 0.4
FACTORS = {  # of an encoder of one layer and a decoder of two
    "encoder.model.layer_norm.": TOP,
    "encoder.model.layers.0.": TOP,
    "encoder.model.conv": TOP * DECAY,
    "encoder.model.embed_positions": TOP * DECAY,
    "writer.model.layer_norm.": TOP,
    "writer.model.layers.1.": TOP,
    "writer.model.layers.0.": TOP * DECAY,
    "writer.model.embed_": TOP * DECAY**2,
}


@pytest.fixture
def whisper(tmp_path: Path) -> WhisperRecogniser:
    optimizer = partial(LayerwiseAdamW, lr=LR, layer_decay=DECAY, top_factor=TOP, weight_decay=0.0)
    encoder = WhisperEncoder(folder=write_whisper(tmp_path / "whisper"), silence_seconds=0.1)
    symbols = ("<blank>", *"abc", TAG)
    return WhisperRecogniser(encoder=encoder, symbols=symbols, sample_rate_hz=16_000, optimizer=optimizer)


def _expected(name: str) -> float:
    (factor,) = {factor for start, factor in FACTORS.items() if name.startswith((start, f"heard.{start[8:]}"))}
    return factor


def _optimizer(system: WhisperRecogniser) -> LayerwiseAdamW:
    found = system.configure_optimizers()
    assert isinstance(found, LayerwiseAdamW)
    return found


def test_every_parameter_has_the_rate_of_its_layer(whisper: WhisperRecogniser) -> None:
    names = {id(parameter): name for name, parameter in whisper.named_parameters()}
    given = {
        names[id(parameter)]: group["layer_factor"]
        for group in _optimizer(whisper).param_groups
        for parameter in group["params"]
    }
    assert given.keys() == set(names.values())
    assert given == pytest.approx({name: _expected(name) for name in given})


def test_a_first_step_moves_weights_by_their_own_rate(whisper: WhisperRecogniser) -> None:
    """Adam's first step is the rate, whatever the gradient, where that is far above its epsilon."""
    torch.manual_seed(0)
    batch = UtteranceBatch(
        utterance_ids=("u",),
        waveforms_BS=torch.randn(1, 8000) / 10,
        num_samples_B=torch.tensor([8000]),
        texts=("cab",),
        tokens_BU=torch.tensor([[4, 3, 1, 2]]),
        num_tokens_B=torch.tensor([4]),
    )
    before = {name: value.detach().clone() for name, value in whisper.named_parameters()}
    optimizer = _optimizer(whisper)
    whisper.loss(whisper.encode(batch.waveforms_BS, batch.num_samples_B), batch).mean().backward()
    optimizer.step()
    moved = {
        name: float((value - before[name]).abs().max())
        for name, value in whisper.named_parameters()
        if value.grad is not None and value.grad.abs().max() > 1e-4
    }
    assert {start for start in FACTORS if any(name.startswith(start) for name in moved)} >= {
        "encoder.model.layers.0.", "encoder.model.conv", "writer.model.layers.0.", "writer.model.layers.1.",
        "writer.model.embed_",
    }  # fmt: skip
    for name, distance in moved.items():
        assert distance == pytest.approx(LR * _expected(name), rel=0.02), name


def test_untouched_it_has_no_optimiser(whisper: WhisperRecogniser) -> None:
    untouched = UntouchedWhisper(encoder=whisper.heard, symbols=whisper.symbols, sample_rate_hz=16_000)
    assert untouched.configure_optimizers() is None
    assert not any(parameter.requires_grad for parameter in untouched.parameters())
