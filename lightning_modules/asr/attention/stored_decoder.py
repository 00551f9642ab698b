"""``decoder.pt``: the network that reads encoded utterances, as plain values and a state_dict.

It stands beside a run's predictions; ``torch.load`` reads it weights-only. It knows the kinds of attention and the
sizes, so that decoding needs neither the run's configuration nor Lightning. Loaded in float64, since the result of a
float32 product depends on the shape of its batch, and a beam's ranks on the result.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lightning_modules.layers.attention import AttentionContext, ContentAttention, LocationAttention, SummaryContext
from lightning_modules.layers.speller import Speller, SpellerCore, SpellerSettings

FILE = "decoder.pt"
SPELLER = "speller"
ATTENTIONS: dict[str, type[AttentionContext]] = {
    "summary": SummaryContext,
    "content": ContentAttention,
    "location": LocationAttention,
}


def save_decoder(
    folder: Path, module: nn.Module, *, kind: str, symbols: Sequence[str], arguments: dict[str, Any]
) -> None:
    """Write ``folder/decoder.pt`` in one step; ``arguments`` are plain values that rebuild the module."""
    partial_path = folder / f"{FILE}.partial"
    state_dict = {name: value.cpu() for name, value in module.state_dict().items()}
    torch.save({"kind": kind, "symbols": list(symbols), "arguments": arguments, "state_dict": state_dict}, partial_path)
    partial_path.replace(folder / FILE)


def read_decoder(folder: Path, *, kind: str) -> dict[str, Any]:
    """What ``save_decoder`` wrote. Raises ``ValueError`` where there is none, or one of another kind."""
    path = folder / FILE
    if not path.is_file():
        raise ValueError(f"{path}: no such file; the row under `own` must be a recogniser that reads its own output")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found = content["kind"]
    except (KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path}: no stored decoder ({type(error).__name__})") from error
    if found != kind:
        raise ValueError(f"{path}: is of a {found}, and this decoder reads a {kind}")
    return content


def core_arguments(core: SpellerCore) -> dict[str, Any]:
    """Plain values that ``core_settings`` reads. Raises ``ValueError`` for a foreign attention context."""
    names = [name for name, kind in ATTENTIONS.items() if type(core.attention) is kind]
    if not names:
        allowed = ", ".join(kind.__name__ for kind in ATTENTIONS.values())
        raise ValueError(f"speller.attention {type(core.attention).__name__} can't be stored, allowed: {allowed}")
    return {**core.arguments(), "attention": names[0], "attention_arguments": core.attention.arguments()}


def core_settings(arguments: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a ``SpellerCore`` or ``Speller``."""
    given = dict(arguments)
    attention = partial(ATTENTIONS[given.pop("attention")], **given.pop("attention_arguments"))
    outer = {name: given.pop(name) for name in ("num_symbols", "num_encoded", "attend_first")}
    return {**outer, "settings": SpellerSettings(attention=attention, **given)}


def save_speller(folder: Path, speller: Speller, *, symbols: Sequence[str]) -> None:
    """Store an attention decoder."""
    save_decoder(folder, speller, kind=SPELLER, symbols=symbols, arguments=core_arguments(speller.core))


def load_speller(folder: Path, *, symbols: Sequence[str]) -> Speller:
    """The attention decoder of a run's predictions, ready to be asked: on the CPU, in float64.

    Raises ``ValueError`` where there is none, and where it writes other symbols.
    """
    content = read_decoder(folder, kind=SPELLER)
    check_symbols(folder, content["symbols"], symbols)
    speller = Speller(**core_settings(content["arguments"]))
    speller.load_state_dict(content["state_dict"])
    return speller.double().eval().requires_grad_(False)


def check_symbols(folder: Path, stored: Sequence[str], symbols: Sequence[str]) -> None:
    """Raise ``ValueError`` for a decoder of another tokenizer."""
    if tuple(stored) != tuple(symbols):
        raise ValueError(
            f"{folder / FILE}: writes {len(stored)} symbols, and the corpus has {len(symbols)} others; "
            "were other languages or units chosen?"
        )
