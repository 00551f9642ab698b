"""A run's best weights apart from its checkpoint: safetensors, and what else those that start from it read.

A pickle can run code, so neither an exported folder nor a pack holds one; what optimizers keep stays behind. Back in a
store they are a checkpoint again, of tensors and plain values alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments.errors import UserError, first_line

EXTRA = "pip install 'earmark[export]'"
SYMBOLS, LEARNT_FROM, COUNTS = "symbols", "learnt_from_tags", ("epoch", "global_step")
KEPT_OF_CHECKPOINT = (SYMBOLS, LEARNT_FROM, *COUNTS)  # what a row that starts from it reads


def read_weights(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
    """(what else a checkpoint says, its state_dict), of Lightning's checkpoints and of safetensors; runs no code."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return {}, load_file(path)
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint, checkpoint["state_dict"]


def kept_of(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """What of a checkpoint is kept beside its weights: plain values."""
    return {name: value for name, value in checkpoint.items() if name in KEPT_OF_CHECKPOINT}


def as_safetensors(state: Mapping[str, Any]) -> bytes:
    """A state_dict as a file of safetensors, the same bytes for the same tensors.

    Raises ``UserError`` without the package, ``ValueError`` for what is no tensor, or of a type that it has no name of.
    """
    if others := [name for name, value in state.items() if not isinstance(value, Tensor)]:
        raise ValueError(f"its state_dict holds {others[0]!r}, which is no tensor")
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
    error, codec = _safetensors()
    try:
        return bytes(codec.save(plain))
    except (error, KeyError) as problem:
        raise ValueError(f"its state_dict can't be safetensors: {first_line(problem)}") from None


def from_safetensors(data: bytes) -> dict[str, Tensor]:
    """A state_dict out of a file that anybody may have written: its header, types, shapes and sizes are checked.

    Raises ``UserError`` without the package, ``ValueError`` for another file.
    """
    error, codec = _safetensors()
    try:
        state: dict[str, Tensor] = codec.load(data)
    except (error, KeyError, TypeError, ValueError, RuntimeError, OverflowError) as problem:
        raise ValueError(f"no safetensors, or damaged ones: {first_line(problem)}") from None
    if not state:
        raise ValueError("safetensors without a tensor")
    return state


def checked_kept(document: Any) -> dict[str, Any]:
    """What stands beside weights, of the kinds that checkpoints have. Raises ``ValueError`` for anything else."""
    if not isinstance(document, dict):
        raise ValueError("it holds no mapping")
    if unknown := sorted(set(document) - set(KEPT_OF_CHECKPOINT)):
        raise ValueError(f"it holds {unknown[0]!r}; allowed: {', '.join(KEPT_OF_CHECKPOINT)}")
    learnt = document.get(LEARNT_FROM, {})
    if not isinstance(learnt, dict):
        raise ValueError(f"its {LEARNT_FROM} is no mapping")
    for name, texts in ((SYMBOLS, document.get(SYMBOLS, [])), ("classes", learnt.get("classes", []))):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"its {name} are no list of texts")
    for name in COUNTS:
        if type(document.get(name, 0)) is not int:
            raise ValueError(f"its {name} is no whole number")
    return document


def checkpoint_of(kept: Mapping[str, Any], state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What a checkpoint of Lightning's says to those that start from it."""
    return {**kept, "state_dict": dict(state)}


def save_checkpoint(checkpoint: Mapping[str, Any], path: Path) -> None:
    """Write a file that ``torch.load(weights_only=True)`` reads, in one step. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as file:
        torch.save(dict(checkpoint), file)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _safetensors() -> tuple[type[Exception], Any]:
    """The package's error and its functions for torch."""
    try:
        from safetensors import SafetensorError
        from safetensors import torch as codec
    except ModuleNotFoundError:
        raise UserError(f"weights apart from a checkpoint need safetensors: {EXTRA}") from None
    return SafetensorError, codec
