"""Encoders whose layers and front end a search changes: as they are written they are the named ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lightning_modules.layers.conformer import demo_conformer, study_conformer
from lightning_modules.layers.recurrent_encoder import SpeechEncoder, demo_encoder, eesen_encoder
from lightning_modules.layers.sized_encoders import (
    Size,
    num_layers,
    sized_conformer,
    sized_recurrent,
    sized_tdnn,
)
from lightning_modules.layers.tdnn import TimeDelayEncoder, demo_tdnn, study_tdnn

NAMED: dict[str, tuple[Callable[..., SpeechEncoder], dict[Size, Callable[..., SpeechEncoder]]]] = {
    "recurrent": (sized_recurrent, {"demo": demo_encoder, "study": eesen_encoder}),
    "tdnn": (sized_tdnn, {"demo": demo_tdnn, "study": study_tdnn}),
    "conformer": (sized_conformer, {"demo": demo_conformer, "study": study_conformer}),
}


def _shapes(encoder: SpeechEncoder) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in encoder.state_dict().items()}


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("size", ["demo", "study"])
def test_as_written_it_is_the_named_encoder(kind: str, size: Size) -> None:
    sized, named = NAMED[kind]
    arguments = {"cell": "gru"} if kind == "recurrent" else {}
    with torch.device("meta"):
        here, there = sized(size=size, **arguments), named[size](**arguments)
    assert _shapes(here) == _shapes(there)
    assert str(here) == str(there)  # dilations, strides and dropout are in no shape
    if isinstance(here, TimeDelayEncoder) and isinstance(there, TimeDelayEncoder):
        assert here.layers == there.layers


@pytest.mark.parametrize("kind", NAMED)
def test_same_weights_give_the_same_frames(kind: str) -> None:
    sized, named = NAMED[kind]
    here, there = sized(size="demo").eval(), named["demo"](**({"cell": "gru"} if kind == "recurrent" else {})).eval()
    here.load_state_dict(there.state_dict())
    features_BTM, num_frames_B = torch.randn(2, 50, 40), torch.tensor([50, 31])
    features_BTM[1, 31:] = 0
    with torch.inference_mode():
        assert torch.equal(here(features_BTM, num_frames_B), there(features_BTM, num_frames_B))


@pytest.mark.parametrize(("kind", "layers"), [("recurrent", (1, 2, 3)), ("tdnn", (3, 5, 8)), ("conformer", (2, 3, 5))])
def test_a_depth_is_a_share_of_the_sizes_own_layers(kind: str, layers: tuple[int, ...]) -> None:
    sized = NAMED[kind][0]
    counts, parameters = [], []
    for depth in (0.5, 1.0, 1.5):
        with torch.device("meta"):
            encoder = sized(size="demo", depth=depth, conv_channels=16)
        stack = {"recurrent": "recurrent.", "tdnn": "convs.", "conformer": "blocks."}[kind]
        counts.append(len(_layers_of(encoder, stack)))
        parameters.append(sum(parameter.numel() for parameter in encoder.parameters()))
        assert encoder.state_dict()["subsampling.convs.0.weight"].shape[0] == 16
    assert tuple(counts) == layers
    assert parameters == sorted(set(parameters))


def _layers_of(encoder: SpeechEncoder, stack: str) -> set[str]:
    """Numbers of the layers in the names of their weights, ``blocks.2.norm.weight`` -> 2."""
    names = [name.removeprefix(stack) for name in encoder.state_dict() if name.startswith(stack)]
    return {next(part for part in name.split(".") if part.isdigit()) for name in names}


def test_a_deeper_tdnn_hears_further() -> None:
    reach = []
    for depth in (0.5, 1.0, 1.5):
        encoder = sized_tdnn(size="demo", depth=depth)
        assert isinstance(encoder, TimeDelayEncoder)
        reach.append(encoder.context_frames)
    assert reach == [23, 47, 83]  # frames of 10 ms to either side


def test_one_layer_is_the_least_and_a_depth_is_a_number_above_0() -> None:
    assert num_layers(2, depth=0.01) == 1
    for depth in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="depth must be above 0, 1 for the size's own layers, got"):
            num_layers(4, depth=depth)


def test_padding_changes_no_frame_of_a_deep_one() -> None:
    encoder = sized_conformer(size="demo", depth=1.5, conv_channels=8).eval()
    alone_1TM = torch.randn(1, 20, 40)
    padded_1TM = torch.cat([alone_1TM, torch.zeros(1, 9, 40)], dim=1)
    with torch.inference_mode():
        alone, padded = (encoder(features, torch.tensor([20])) for features in (alone_1TM, padded_1TM))
    frames: Tensor = padded[:, : alone.shape[1]]
    torch.testing.assert_close(frames, alone)
