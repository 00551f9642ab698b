"""Prediction networks of transducers: what was written so far -> a vector that the joiner meets each frame with.

``RecurrentPredictor`` is Graves' (2012, arXiv 1211.3711): it reads the text alone. ``AttendingPredictor`` is that of
"RNN-T with attention" (Prabhavalkar et al. 2017): an attention decoder's recurrence, so that what is expected next
depends on the utterance too. Both read the boundary token first, and neither sees what is still to come.
Legend beside that of ``attention.py``: N = U + 1 places between a text's tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from datamodules.annotations import BLANK
from lightning_modules.layers.attention import Memory
from lightning_modules.layers.causal import Plain, State
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_stack import RecurrentStack
from lightning_modules.layers.speller import SpellerCore, SpellerSettings


class Predictor(nn.Module, ABC):
    """The contract. States are tuples of tensors (B, W, …), as decoders of hypotheses pick them."""

    num_outputs: int

    @abstractmethod
    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """What is computed once an utterance."""

    @abstractmethod
    def forward(self, tokens_BU: Tensor, memory: Memory) -> Tensor:
        """Outputs (B, U + 1, H) of whole texts: place u has read the boundary and u tokens."""

    @abstractmethod
    def start(self, memory: Memory) -> State:
        """The state before the boundary token, one hypothesis an utterance."""

    @abstractmethod
    def read(self, tokens_BW: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Output (B, W, H) and state after one more token each."""


PredictorMaker = Callable[[int, int], Predictor]  # (num_symbols, num_encoded) -> predictor


class RecurrentPredictor(Predictor):
    """Embedding and recurrent layers over the text; ``num_encoded`` is nothing to it."""

    def __init__(
        self,
        num_symbols: int,
        num_encoded: int,
        *,
        cell: Cell = "lstm",
        embedding_units: int = 64,
        hidden_units: int = 256,
        num_layers: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_symbols, embedding_units)
        self.recurrent = RecurrentStack(
            cell=cell, num_inputs=embedding_units, hidden_units=hidden_units, num_layers=num_layers, dropout=dropout
        )
        self.num_outputs = hidden_units

    def arguments(self) -> dict[str, Plain]:
        """The constructor's keyword arguments as plain values."""
        sizes = self.recurrent.arguments()
        return {"embedding_units": sizes.pop("num_inputs"), **sizes}

    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """See ``Predictor``; only its number of utterances is used."""
        mask_BT = frame_mask(num_frames_B.to(encoded_BTH.device), num_frames=encoded_BTH.shape[1])
        return Memory(encoded_BTH, encoded_BTH, mask_BT)

    def forward(self, tokens_BU: Tensor, memory: Memory) -> Tensor:
        """See ``Predictor``."""
        embedded_BNE = self.embedding(F.pad(tokens_BU, (1, 0), value=BLANK))
        predicted_BNH: Tensor = self.recurrent(embedded_BNE, self.recurrent.initial_state(len(tokens_BU)))[0]
        return predicted_BNH

    def start(self, memory: Memory) -> State:
        """See ``Predictor``."""
        return tuple(part_BH.unsqueeze(1) for part_BH in self.recurrent.initial_state(len(memory.mask_BT)))

    def read(self, tokens_BW: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """See ``Predictor``."""
        embedded_M1E = self.embedding(tokens_BW).flatten(0, 1).unsqueeze(1)
        predicted_M1H, after = self.recurrent(embedded_M1E, tuple(part.flatten(0, 1) for part in state))
        rows, hypotheses = tokens_BW.shape
        predicted_BWH: Tensor = predicted_M1H.reshape(rows, hypotheses, -1)
        return predicted_BWH, tuple(part.reshape(rows, hypotheses, -1) for part in after)


class AttendingPredictor(Predictor):
    """The recurrence and attention of a speller that attends after its step: ``[s_u; c_u]``."""

    def __init__(self, num_symbols: int, num_encoded: int, *, speller: SpellerSettings) -> None:
        super().__init__()
        self.core = SpellerCore(num_symbols=num_symbols, num_encoded=num_encoded, settings=speller, attend_first=False)
        self.num_outputs = self.core.num_outputs

    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """See ``Predictor``: the attention's."""
        return self.core.attention.memory(encoded_BTH, num_frames_B)

    def forward(self, tokens_BU: Tensor, memory: Memory) -> Tensor:
        """See ``Predictor``."""
        embedded_BNE = self.core.embed(F.pad(tokens_BU, (1, 0), value=BLANK))
        state, outputs = self.core.start(memory), []
        for place in range(embedded_BNE.shape[1]):
            output_B1O, state = self.core.step(embedded_BNE[:, place : place + 1], state, memory)
            outputs.append(output_B1O)
        return torch.cat(outputs, dim=1)

    def start(self, memory: Memory) -> State:
        """See ``Predictor``."""
        return self.core.start(memory)

    def read(self, tokens_BW: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """See ``Predictor``."""
        return self.core.step(self.core.embed(tokens_BW), state, memory)
