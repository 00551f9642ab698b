"""A Whisper as CTranslate2 lays it out (``WhisperSpec``, revision 3) -> weights and sizes as transformers names them.

CTranslate2 joins the projections of queries, keys and values, in this order, and gives keys a bias of zeros, which
Whisper does not have. Every variable must be used, and every weight that transformers has is made of one: what is left
over or missing is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.pretrained.ctranslate2_file import ModelFile, ModelFileError

SPECIFICATION, REVISION = "WhisperSpec", 3
SETTINGS = {  # variables that say how to compute, and what transformers' Whisper does
    "decoder/activation": 3,  # GELU with erf
    "decoder/alibi": 0,
    "decoder/pre_norm": 1,
    "decoder/scale_embeddings": 0,
    "decoder/start_from_zero_embedding": 0,
}
UNUSED = ("decoder/alignment_heads", "decoder/alignment_layer")  # which heads give times of words
Weights = dict[str, NDArray[np.generic]]


class Whisper(NamedTuple):
    """Weights by transformers' names (``model.encoder.…``), and the sizes of its ``config.json``."""

    weights: Weights
    sizes: Mapping[str, int]


def whisper_of(file: ModelFile) -> Whisper:
    """Rename every variable. Raises ``ModelFileError`` for one that is missing, left over or of another kind."""
    if (file.specification, file.revision) != (SPECIFICATION, REVISION):
        raise ModelFileError(
            f"{file.specification} revision {file.revision}, allowed: {SPECIFICATION} revision {REVISION}"
        )
    left = _Left(dict(file.variables))
    for name, value in SETTINGS.items():
        if (found := left.scalar(name)) != value:
            raise ModelFileError(f"{name} is {found}, allowed: {value}")
    heads = {side: left.scalar(f"{side}/num_heads") for side in ("encoder", "decoder")}
    layers = {side: _num_layers(file, side) for side in heads}
    weights = dict(_weights(left, layers))
    left.drop(UNUSED)
    if left.names:
        raise ModelFileError(f"{len(left.names)} variables have no place in a Whisper: {', '.join(left.names[:3])}")
    return Whisper(weights, _sizes(weights, heads, layers))


class _Left:
    """Variables that were not used yet."""

    def __init__(self, variables: dict[str, NDArray[np.generic]]) -> None:
        self._variables = variables

    @property
    def names(self) -> list[str]:
        return sorted(self._variables)

    def take(self, name: str) -> NDArray[np.generic]:
        if name not in self._variables:
            raise ModelFileError(f"variable {name!r} is missing")
        return self._variables.pop(name)

    def scalar(self, name: str) -> int:
        return int(np.asarray(self.take(name)).reshape(()))

    def drop(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._variables.pop(name, None)


def _num_layers(file: ModelFile, side: str) -> int:
    return len({name.split("/")[1] for name in file.variables if name.startswith(f"{side}/layer_")} - {"layer_norm"})


def _weights(left: _Left, layers: Mapping[str, int]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            yield f"model.encoder.{conv}.{part}", left.take(f"encoder/{conv}/{part}")
    yield "model.decoder.embed_tokens.weight", left.take("decoder/embeddings/weight")
    left.take("decoder/projection/weight")  # the same, which transformers ties by itself
    for side, num_layers in layers.items():
        yield f"model.{side}.embed_positions.weight", left.take(f"{side}/position_encodings/encodings")
        yield from _norm(left, f"{side}/layer_norm", f"model.{side}.layer_norm")
        for number in range(num_layers):
            yield from _layer(
                left, f"{side}/layer_{number}", f"model.{side}.layers.{number}", attends=side == "decoder"
            )


def _layer(left: _Left, old: str, new: str, *, attends: bool) -> Iterator[tuple[str, NDArray[np.generic]]]:
    yield from _norm(left, f"{old}/self_attention/layer_norm", f"{new}.self_attn_layer_norm")
    yield from _joined(left, f"{old}/self_attention/linear_0", f"{new}.self_attn", "qkv")
    yield from _joined(left, f"{old}/self_attention/linear_1", f"{new}.self_attn", "o")
    if attends:
        yield from _norm(left, f"{old}/attention/layer_norm", f"{new}.encoder_attn_layer_norm")
        for number, projections in enumerate(("q", "kv", "o")):
            yield from _joined(left, f"{old}/attention/linear_{number}", f"{new}.encoder_attn", projections)
    yield from _norm(left, f"{old}/ffn/layer_norm", f"{new}.final_layer_norm")
    for number, name in enumerate(("fc1", "fc2")):
        for part in ("weight", "bias"):
            yield f"{new}.{name}.{part}", left.take(f"{old}/ffn/linear_{number}/{part}")


def _norm(left: _Left, old: str, new: str) -> Iterator[tuple[str, NDArray[np.generic]]]:
    yield f"{new}.weight", left.take(f"{old}/gamma")
    yield f"{new}.bias", left.take(f"{old}/beta")


def _joined(left: _Left, old: str, new: str, projections: str) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Each projection's own rows of a joined one."""
    names = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}
    for part in ("weight", "bias"):
        joined = left.take(f"{old}/{part}")
        if len(joined) % len(projections):
            raise ModelFileError(f"{old}/{part} of shape {joined.shape} does not hold {len(projections)} projections")
        for kind, values in zip(projections, np.split(joined, len(projections)), strict=True):
            if (kind, part) != ("k", "bias"):
                yield f"{new}.{names[kind]}.{part}", values
            elif values.any():
                raise ModelFileError(f"{old}/bias: keys have a bias that is not zero, which a Whisper has not")


def _sizes(weights: Weights, heads: Mapping[str, int], layers: Mapping[str, int]) -> dict[str, Any]:
    units, num_mels, _ = weights["model.encoder.conv1.weight"].shape
    sizes = {
        "d_model": units,
        "num_mel_bins": num_mels,
        "vocab_size": len(weights["model.decoder.embed_tokens.weight"]),
        "max_source_positions": len(weights["model.encoder.embed_positions.weight"]),
        "max_target_positions": len(weights["model.decoder.embed_positions.weight"]),
    }
    for side, num_layers in layers.items():
        sizes[f"{side}_layers"] = num_layers
        sizes[f"{side}_attention_heads"] = heads[side]
        sizes[f"{side}_ffn_dim"] = len(weights[f"model.{side}.layers.0.fc1.weight"])
    return sizes
