"""A model of every kind, small and random."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from lightning_modules.layers.causal import CausalNetwork
from lightning_modules.layers.gated_conv_stack import GatedConvStack
from lightning_modules.layers.recurrent_stack import RecurrentStack
from lightning_modules.lm.gated_conv import GatedConv
from lightning_modules.lm.language_modelling import LanguageModelling
from lightning_modules.lm.recurrent import Recurrent

CHARACTERS = ("<blank>", " ", *"abcdefghij")
WORDS = ("<blank>", "<unk>", *(f"word{number}" for number in range(18)))


def recurrent(cell: str, **arguments: object) -> Callable[[], LanguageModelling]:
    def make() -> LanguageModelling:
        network = RecurrentStack(cell=cell, num_inputs=8, hidden_units=8, num_layers=2, dropout=0.2)  # type: ignore[arg-type]
        return Recurrent(**{"symbols": CHARACTERS, "network": network, **arguments})  # type: ignore[arg-type]

    return make


def gated_conv(**arguments: object) -> Callable[[], LanguageModelling]:
    def make() -> LanguageModelling:
        blocks = [[(3, 8)], [(1, 4), (2, 4), (1, 8)], [(2, 6)]]
        network = GatedConvStack(num_inputs=8, blocks=blocks, dropout=0.2)
        return GatedConv(**{"symbols": CHARACTERS, "network": network, **arguments})  # type: ignore[arg-type]

    return make


MAKERS = {
    "simple_rnn": recurrent("simple_rnn"),
    "lstm": recurrent("lstm"),
    "gru": recurrent("gru"),
    "gru_tied": recurrent("gru", tied=True),
    "gated_conv": gated_conv(),
    "gated_conv_words": gated_conv(symbols=WORDS, adaptive_cutoffs=[4, 9]),
    "lstm_words": recurrent("lstm", symbols=WORDS, adaptive_cutoffs=[5]),
}


@pytest.fixture(params=MAKERS)
def module(request: pytest.FixtureRequest) -> LanguageModelling:
    """A random language model, weights large enough that every token matters."""
    torch.manual_seed(0)
    module = MAKERS[request.param]().eval()
    torch.nn.init.normal_(module.model.embedding.weight)
    return module


@pytest.fixture
def network(module: LanguageModelling) -> CausalNetwork:
    """Its network alone."""
    return module.model.network
