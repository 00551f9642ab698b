"""Recurrent language models: simple RNN, LSTM, GRU, by truncated back-propagation through time.

``h_t = f(h_{t-1}, x_t)``, softmax over ``w_j . h_t`` (Mikolov et al. 2010; Zaremba et al. 2014, arXiv 1409.2329). A
table names one of the sizes below as ``model.network``.
"""

from __future__ import annotations

from typing import Any

from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_stack import RecurrentStack
from lightning_modules.lm.language_modelling import LanguageModelling


class Recurrent(LanguageModelling):
    """A language model on a ``RecurrentStack``."""

    def __init__(self, *, network: RecurrentStack, **shared: Any) -> None:
        super().__init__(network=network, **shared)


def demo_recurrent(
    *, cell: Cell, hidden_units: int = 256, embedding_units: int = 64, dropout: float = 0.4
) -> RecurrentStack:
    """One layer, small enough for two CPU cores."""
    return RecurrentStack(cell=cell, num_inputs=embedding_units, hidden_units=hidden_units, dropout=dropout)


def zaremba_medium(*, cell: Cell = "lstm") -> RecurrentStack:
    """Zaremba et al.'s medium model of words: 2 x 650 units, dropout 0.5 (Penn Treebank test perplexity 82.7)."""
    return RecurrentStack(cell=cell, num_inputs=650, hidden_units=650, num_layers=2, dropout=0.5)


def lstm_1024() -> RecurrentStack:
    """The LSTM that Dauphin et al. compare with: one layer of 1024 units (WikiText-103 test perplexity 48.7)."""
    return RecurrentStack(cell="lstm", num_inputs=280, hidden_units=1024, dropout=0.2)
