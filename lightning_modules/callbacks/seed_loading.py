"""The start of a fine-tuned training: weights of the seed's checkpoint, group by group, rows of symbols by their name.

Done once, before the first step, never on a resume. A fresh group keeps what its constructor drew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lightning_modules.callbacks.fine_tuning import FineTunable, FineTuningPlan, fine_tuned_groups


def start_from_seed(system: nn.Module, plan: FineTuningPlan, checkpoint: Path) -> None:
    """Copy the groups that start from the seed, their buffers too, out of a Lightning checkpoint with ``symbols``.

    Of a tensor whose first dimension is symbols the rows of shared symbols are copied, the rows of new ones stay.
    Raises ``ValueError`` naming the tensor for one that seed or system lacks, or whose shape is another.
    """
    groups = fine_tuned_groups(system, plan)
    assert isinstance(system, FineTunable)
    stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if "symbols" not in stored:
        raise ValueError(f"seed {checkpoint}: no symbols in it; its system does not say them in on_save_checkpoint")
    seed: dict[str, Tensor] = stored["state_dict"]
    seed_symbols: list[str] = stored["symbols"]
    own: dict[str, Tensor] = system.state_dict(keep_vars=True)
    by_symbol = _checked_symbol_parameters(system, own)
    started = [module for name, group in groups.items() if plan.groups[name].start == "seed" for module in group]
    names = _names_in(started, own)
    _check_names(seed, names, prefixes=_prefixes(system, started), checkpoint=checkpoint)
    shared = _shared_rows(seed_symbols, system.symbols)
    with torch.no_grad():
        for name in names:
            rows = (len(seed_symbols), len(system.symbols)) if name in by_symbol else None
            _check_shape(name, seed[name], own[name], rows=rows, checkpoint=checkpoint)
            if rows is None:
                own[name].copy_(seed[name])
            else:
                own[name][[row for _, row in shared]] = seed[name][[row for row, _ in shared]].to(own[name])


def _names_in(modules: Sequence[nn.Module], own: Mapping[str, Tensor]) -> list[str]:
    """The names in ``own``, the state_dict, of what modules hold; buffers outside them are the system's own."""
    held = {id(tensor) for module in modules for tensor in module.state_dict(keep_vars=True).values()}
    return [name for name, tensor in own.items() if id(tensor) in held]


def _prefixes(system: nn.Module, modules: Sequence[nn.Module]) -> tuple[str, ...]:
    """What the names of modules' tensors begin with in the system's state_dict."""
    held = {id(module) for module in modules}
    return tuple(f"{name}." for name, module in system.named_modules() if id(module) in held)


def _shared_rows(seed_symbols: Sequence[str], symbols: Sequence[str]) -> list[tuple[int, int]]:
    """(row of the seed, row of the system) of each symbol that both have.

    >>> _shared_rows(["<blank>", "a", "b"], ["<blank>", "b", "ě"])
    [(0, 0), (2, 1)]
    """
    own = {symbol: row for row, symbol in enumerate(symbols)}
    return [(row, own[symbol]) for row, symbol in enumerate(seed_symbols) if symbol in own]


def _checked_symbol_parameters(system: FineTunable, own: Mapping[str, Tensor]) -> set[str]:
    names = set(system.symbol_parameters())
    for name in sorted(names - set(own)):
        raise ValueError(f"{type(system).__name__}.symbol_parameters: {name} is not in its state_dict")
    return names


def _check_names(
    seed: Mapping[str, Tensor], names: Sequence[str], *, prefixes: tuple[str, ...], checkpoint: Path
) -> None:
    """``names`` are the system's in the groups that start from the seed, ``prefixes`` their modules'.

    What else the seed has may be of another kind: an attention model starts from the encoder of a CTC system.
    """
    for name in seed:
        if name.startswith(prefixes) and name not in names:
            raise ValueError(f"seed {checkpoint}: its {name} has no counterpart in the system that is fine-tuned")
    for name in names:
        if name not in seed:
            raise ValueError(f"seed {checkpoint}: it has no {name}, which the system that is fine-tuned has")


def _check_shape(name: str, seed: Tensor, own: Tensor, *, rows: tuple[int, int] | None, checkpoint: Path) -> None:
    """``rows`` are the numbers of symbols of seed and system, where the tensor's first dimension is symbols."""
    if rows is None:
        fits = seed.shape == own.shape
    else:
        fits = seed.shape[1:] == own.shape[1:] and (seed.shape[:1], own.shape[:1]) == (rows[:1], rows[1:])
    if not fits:
        raise ValueError(
            f"seed {checkpoint}: its {name} has shape {tuple(seed.shape)}, the system's has {tuple(own.shape)}"
            + (f"; symbols: {rows[0]} and {rows[1]}" if rows else "")
        )
