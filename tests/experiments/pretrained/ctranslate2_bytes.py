"""A tiny Whisper in CTranslate2's form, written by the tests: what its ``model_spec.py`` serialises, byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
Arrays = dict[str, NDArray[Any]]


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<H", len(raw) + 1) + raw + b"\0"


def serialised(
    variables: Mapping[str, NDArray[Any]],
    *,
    aliases: Mapping[str, str] | None = None,
    version: int = 6,
    specification: str = "WhisperSpec",
    revision: int = 3,
) -> bytes:
    parts = [struct.pack("<I", version), text(specification), struct.pack("<II", revision, len(variables))]
    for name, values in sorted(variables.items()):
        parts += [text(name), struct.pack("<B", values.ndim), *(struct.pack("<I", size) for size in values.shape)]
        parts += [struct.pack("<BI", KINDS[values.dtype.name], values.nbytes), values.tobytes()]
    named = aliases or {}
    parts += [struct.pack("<I", len(named)), *(text(alias) + text(name) for alias, name in named.items())]
    return b"".join(parts)


def whisper_variables(state: Mapping[str, Any], *, heads: int) -> Arrays:
    """A transformers Whisper's weights (float16, ``model.…``) under CTranslate2's names, projections joined."""
    found = {name.removeprefix("model."): np.asarray(value) for name, value in state.items()}
    variables: Arrays = {f"{side}/num_heads": np.array(heads, np.int16) for side in ("encoder", "decoder")}
    settings = {"activation": 3, "alibi": 0, "pre_norm": 1, "scale_embeddings": 0, "start_from_zero_embedding": 0}
    variables |= {f"decoder/{name}": np.array(value, np.int8) for name, value in settings.items()}
    variables |= {"decoder/alignment_heads": np.array(1, np.int16), "decoder/alignment_layer": np.array(-1, np.int16)}
    variables["decoder/embeddings/weight"] = found["decoder.embed_tokens.weight"]
    for conv in ("conv1", "conv2"):
        variables |= {f"encoder/{conv}/{part}": found[f"encoder.{conv}.{part}"] for part in ("weight", "bias")}
    for side in ("encoder", "decoder"):
        variables[f"{side}/position_encodings/encodings"] = found[f"{side}.embed_positions.weight"]
        variables |= _norm(found, f"{side}.layer_norm", f"{side}/layer_norm")
        layers = {name.split(".")[2] for name in found if name.startswith(f"{side}.layers.")}
        for number in layers:
            variables |= _layer(found, f"{side}.layers.{number}", f"{side}/layer_{number}", attends=side == "decoder")
    return variables


def _layer(found: Arrays, old: str, new: str, *, attends: bool) -> Arrays:
    made = _norm(found, f"{old}.self_attn_layer_norm", f"{new}/self_attention/layer_norm")
    made |= _joined(found, f"{old}.self_attn", f"{new}/self_attention/linear_0", ("q_proj", "k_proj", "v_proj"))
    made |= _joined(found, f"{old}.self_attn", f"{new}/self_attention/linear_1", ("out_proj",))
    if attends:
        made |= _norm(found, f"{old}.encoder_attn_layer_norm", f"{new}/attention/layer_norm")
        for number, projections in enumerate((("q_proj",), ("k_proj", "v_proj"), ("out_proj",))):
            made |= _joined(found, f"{old}.encoder_attn", f"{new}/attention/linear_{number}", projections)
    made |= _norm(found, f"{old}.final_layer_norm", f"{new}/ffn/layer_norm")
    for number, name in enumerate(("fc1", "fc2")):
        made |= {f"{new}/ffn/linear_{number}/{part}": found[f"{old}.{name}.{part}"] for part in ("weight", "bias")}
    return made


def _norm(found: Arrays, old: str, new: str) -> Arrays:
    return {f"{new}/gamma": found[f"{old}.weight"], f"{new}/beta": found[f"{old}.bias"]}


def _joined(found: Arrays, old: str, new: str, projections: tuple[str, ...]) -> Arrays:
    weights = [found[f"{old}.{name}.weight"] for name in projections]
    biases = [found.get(f"{old}.{name}.bias", np.zeros(len(weights[0]), np.float16)) for name in projections]
    return {f"{new}/weight": np.concatenate(weights), f"{new}/bias": np.concatenate(biases)}
