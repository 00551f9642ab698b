"""Weights out of a seed: whole by group, by symbol where rows are symbols; what does not fit is named."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.callbacks.fine_tuning import FineTuningPlan, GroupPlan
from lightning_modules.callbacks.seed_loading import start_from_seed

SEED, FRESH = GroupPlan("seed"), GroupPlan("fresh")
LETTERS = st.lists(st.sampled_from("abcdefgě"), min_size=1, max_size=6, unique=True)


def plan(encoder: GroupPlan, decoder: GroupPlan, *, keep: bool = False) -> FineTuningPlan:
    groups = {"encoder": encoder, "decoder": decoder, "outputs": SEED if keep else FRESH}
    return FineTuningPlan(groups, keep_shared_symbols=keep)


def stored(system: Any, folder: Path, **changed: Any) -> Path:
    path = folder / "best.ckpt"
    torch.save({"state_dict": system.state_dict(), "symbols": list(system.symbols), **changed}, path)
    return path


@settings(max_examples=25)
@given(old=LETTERS, new=LETTERS, encoder=st.booleans(), decoder=st.booleans(), keep=st.booleans())
def test_rows_go_by_symbol_and_the_rest_by_group(
    tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], encoder: bool,
    decoder: bool, keep: bool,
) -> None:  # fmt: skip
    seed, system = tiny.TinySystem(["<blank>", *old]), tiny.TinySystem(["<blank>", *new])
    seed.encoder[1].running_mean.uniform_()
    fresh = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    chosen = plan(SEED if encoder else FRESH, SEED if decoder else FRESH, keep=keep)
    start_from_seed(system, chosen, stored(seed, tmp_path_factory.mktemp("seed")))
    for name, tensor in system.state_dict().items():
        copies = {"encoder": encoder, "embedding": decoder, "speller": decoder, "classifier": keep}[name.split(".")[0]]
        for row in range(len(tensor) if tensor.dim() else 0):
            source, place = fresh[name], row
            if name in system.symbol_parameters():
                if copies and system.symbols[row] in seed.symbols:
                    source, place = seed.state_dict()[name], seed.symbols.index(system.symbols[row])
            elif copies:
                source = seed.state_dict()[name]
            assert torch.equal(tensor[row], source[place]), (name, row)


def test_what_starts_from_a_seed_of_the_same_symbols_predicts_as_it(tiny: ModuleType, tmp_path: Path) -> None:
    seed, system = tiny.TinySystem(), tiny.TinySystem()
    start_from_seed(system, plan(SEED, SEED, keep=True), stored(seed, tmp_path))
    inputs, tokens, _ = next(iter(tiny.loader()))
    assert torch.equal(system.eval()(inputs, tokens), seed.eval()(inputs, tokens))


def test_what_does_not_fit_is_named(tiny: ModuleType, tmp_path: Path) -> None:
    system = tiny.TinySystem()
    state = system.state_dict()

    def refused(path: Path, says: str, chosen: FineTuningPlan | None = None) -> None:
        with pytest.raises(ValueError, match=says):
            start_from_seed(system, chosen or plan(SEED, SEED), path)

    more = {**state, "encoder.9.weight": torch.zeros(1)}
    refused(stored(system, tmp_path, state_dict=more), r"encoder\.9\.weight has no counterpart")
    less = {name: tensor for name, tensor in state.items() if name != "embedding.weight"}
    refused(stored(system, tmp_path, state_dict=less), r"it has no embedding\.weight")
    other = stored(tiny.TinySystem(hidden_units=6), tmp_path)
    refused(other, r"speller\.weight_ih_l0 has shape \(24, 5\), the system's has \(20, 5\)")
    start_from_seed(system, plan(SEED, FRESH), other)  # what is not loaded may have another shape
    refused(stored(system, tmp_path, symbols=["<blank>"]), r"embedding\.weight has shape .*; symbols: 1 and 4")
    path = tmp_path / "best.ckpt"
    torch.save({"state_dict": state}, path)
    refused(path, "no symbols in it")


def test_a_seed_of_another_kind_gives_the_groups_that_it_has(tiny: ModuleType, tmp_path: Path) -> None:
    seed, system = tiny.TinySystem(), tiny.TinySystem()
    encoder = {name: tensor for name, tensor in seed.state_dict().items() if name.startswith("encoder.")}
    path = stored(seed, tmp_path, state_dict={**encoder, "frames.weight": torch.zeros(3, 3)})
    fresh = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    start_from_seed(system, plan(SEED, FRESH), path)
    for name, tensor in system.state_dict().items():
        assert torch.equal(tensor, encoder.get(name, fresh[name])), name
    with pytest.raises(ValueError, match="it has no "):
        start_from_seed(system, plan(SEED, SEED), path)
