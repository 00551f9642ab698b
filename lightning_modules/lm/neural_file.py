"""``language_model.pt``: a trained model as plain values and a state_dict, which ``torch.load`` reads weights-only.

The file knows the two kinds of network and their constructor arguments, so that a decoder needs neither the run's
configuration nor Lightning.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from lightning_modules.layers.causal import CausalNetwork
from lightning_modules.layers.gated_conv_stack import GatedConvStack
from lightning_modules.layers.recurrent_stack import RecurrentStack
from lightning_modules.lm.token_model import TokenModel

KINDS: dict[str, type[CausalNetwork]] = {"recurrent": RecurrentStack, "gated_conv": GatedConvStack}


def save_token_model(path: Path, model: TokenModel, *, symbols: Sequence[str]) -> None:
    """Write ``path`` in one step."""
    [kind] = [name for name, network in KINDS.items() if type(model.network) is network]
    partial = path.with_name(path.name + ".partial")
    contents = {
        "symbols": list(symbols),
        "kind": kind,
        "network": model.network.arguments(),
        "adaptive_cutoffs": list(model.adaptive_cutoffs),
        "tied": model.tied,
        "state_dict": {name: value.cpu() for name, value in model.state_dict().items()},
    }
    torch.save(contents, partial)
    partial.replace(path)


def load_token_model(path: Path) -> tuple[TokenModel, tuple[str, ...]]:
    """The model and its symbols, ready to be asked: on the CPU, in float64, without dropout or weight norm.

    float64, since the result of a float32 product depends on the shape of its batch, and a beam's ranks on the result.
    Raises ``ValueError`` for a file that ``save_token_model`` did not write.
    """
    try:
        file: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        network = KINDS[file["kind"]](**file["network"])
        model = TokenModel(
            num_symbols=len(file["symbols"]),
            network=network,
            adaptive_cutoffs=file["adaptive_cutoffs"],
            tied=file["tied"],
        )
        model.load_state_dict(file["state_dict"])
    except (KeyError, TypeError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is no stored language model ({type(error).__name__})") from error
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Linear) and parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return model.double().eval().requires_grad_(False), tuple(file["symbols"])
