"""Attention contexts: which of the encoded frames a decoder hears at a step, as one vector a hypothesis.

``c_i = Σ_j α_ij h_j``, ``α_i = softmax_j(e_ij)``, the energies ``e_ij`` from a small network. The three here are
interchangeable: no attention at all (one summary vector, Cho et al. 2014), attention by content (Bahdanau et al. 2014)
and by content and location (Chorowski et al. 2015). Frames past an utterance's end have weight 0 exactly, so that a
context does not depend on the batch. Legend beside that of ``datamodules/batches.py``: W hypotheses of an utterance
(1 while training), Q units of a query, A of the energies' network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.causal import Plain
from lightning_modules.layers.log_mel import frame_mask


class Memory(NamedTuple):
    """What a decoder attends to: the encoded utterances, and what is computed of them once."""

    encoded_BTH: Tensor
    keys_BTA: Tensor
    mask_BT: Tensor  # bool, True on real frames


class AttentionContext(nn.Module, ABC):
    """The contract. ``num_outputs`` is the context's width; ``has_weights`` says whether it attends to frames."""

    num_outputs: int
    has_weights: bool = True

    @abstractmethod
    def arguments(self) -> dict[str, Plain]:
        """The constructor's keyword arguments: with the two widths and a state_dict, all that rebuilds it."""

    @abstractmethod
    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """What is computed once an utterance."""

    @abstractmethod
    def forward(self, queries_BWQ: Tensor, memory: Memory, before_BWT: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts (B, W, C) and weights (B, W, T); ``before_BWT`` are the weights of the step before, at first 0."""


AttentionMaker = Callable[[int, int], AttentionContext]  # (num_encoded, num_queries) -> context


class SummaryContext(AttentionContext):
    """No attention: ``c = tanh(V [h_1; h_T])`` at every step (Cho et al. 2014, arXiv 1406.1078, with both ends).

    Their encoder reads in one direction and has ``h_T`` alone; of one that reads in both, the backward direction's
    summary stands at the first frame.
    """

    has_weights = False

    def __init__(self, num_encoded: int, num_queries: int, *, units: int = 256) -> None:
        super().__init__()
        self.project = nn.Linear(2 * num_encoded, units)
        self.num_outputs = units

    def arguments(self) -> dict[str, Plain]:
        """See ``AttentionContext``."""
        return {"units": self.num_outputs}

    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """See ``AttentionContext``; the summary stands in ``keys_BTA`` as its only frame."""
        rows_B = torch.arange(len(encoded_BTH), device=encoded_BTH.device)
        ends_BH = torch.cat([encoded_BTH[:, 0], encoded_BTH[rows_B, num_frames_B.to(rows_B.device) - 1]], dim=-1)
        mask_BT = frame_mask(num_frames_B.to(rows_B.device), num_frames=encoded_BTH.shape[1])
        return Memory(encoded_BTH, self.project(ends_BH).tanh().unsqueeze(1), mask_BT)

    def forward(self, queries_BWQ: Tensor, memory: Memory, before_BWT: Tensor) -> tuple[Tensor, Tensor]:
        """See ``AttentionContext``; the weights stay 0."""
        return memory.keys_BTA.expand(-1, queries_BWQ.shape[1], -1), before_BWT


class ContentAttention(AttentionContext):
    """``e_ij = v · tanh(W s + V h_j + b)``, s the decoder's state (Bahdanau et al. 2014, arXiv 1409.0473)."""

    def __init__(self, num_encoded: int, num_queries: int, *, units: int = 128) -> None:
        super().__init__()
        self.keys = nn.Linear(num_encoded, units)
        self.queries = nn.Linear(num_queries, units, bias=False)
        self.energy = nn.Linear(units, 1, bias=False)  # a bias would cancel in the softmax
        self.num_outputs = num_encoded

    def arguments(self) -> dict[str, Plain]:
        """See ``AttentionContext``."""
        return {"units": self.keys.out_features}

    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """See ``AttentionContext``."""
        mask_BT = frame_mask(num_frames_B.to(encoded_BTH.device), num_frames=encoded_BTH.shape[1])
        return Memory(encoded_BTH, self.keys(encoded_BTH), mask_BT)

    def forward(self, queries_BWQ: Tensor, memory: Memory, before_BWT: Tensor) -> tuple[Tensor, Tensor]:
        """See ``AttentionContext``."""
        hidden_BWTA = self.queries(queries_BWQ).unsqueeze(2) + memory.keys_BTA.unsqueeze(1)
        return self._attend(hidden_BWTA, memory)

    def _attend(self, hidden_BWTA: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        # v · tanh(x) is v · (2 σ(2x) - 1), whose constant cancels in the softmax: on a CPU σ is the quicker one.
        energies_BWT = self.energy(2.0 * (2.0 * hidden_BWTA).sigmoid()).squeeze(-1)
        weights_BWT = energies_BWT.masked_fill(~memory.mask_BT.unsqueeze(1), -torch.inf).softmax(-1)
        return weights_BWT @ memory.encoded_BTH, weights_BWT


class LocationAttention(ContentAttention):
    """Also sees where the step before attended: ``e_ij = v · tanh(W s + V h_j + U f_ij + b)``, ``f_i = F ∗ α_{i-1}``.

    Chorowski et al. 2015 (arXiv 1506.07503, section 2.1); ``channels`` filters over ``2 · reach_frames + 1`` frames
    (theirs: 10 filters over 201 frames of 10 ms).
    """

    def __init__(
        self, num_encoded: int, num_queries: int, *, units: int = 128, channels: int = 10, reach_frames: int = 25
    ) -> None:
        super().__init__(num_encoded, num_queries, units=units)
        if channels < 1 or reach_frames < 1:
            raise ValueError(f"channels {channels} and reach_frames {reach_frames} must be 1 or more")
        self.reach_frames = reach_frames
        self.filters = nn.Linear(2 * reach_frames + 1, channels, bias=False)
        self.places = nn.Linear(channels, units, bias=False)

    def arguments(self) -> dict[str, Plain]:
        """See ``AttentionContext``."""
        return {
            **super().arguments(),
            "channels": self.filters.out_features,
            "reach_frames": self.reach_frames,
        }

    def forward(self, queries_BWQ: Tensor, memory: Memory, before_BWT: Tensor) -> tuple[Tensor, Tensor]:
        """See ``AttentionContext``."""
        # A product of windows: a convolution of one channel is slow on a CPU, its gradient slower.
        windows_BWTK = F.pad(before_BWT, (self.reach_frames, self.reach_frames)).unfold(
            -1, 2 * self.reach_frames + 1, 1
        )
        places_BWTA = self.places(self.filters(windows_BWTK))
        hidden_BWTA = self.queries(queries_BWQ).unsqueeze(2) + memory.keys_BTA.unsqueeze(1) + places_BWTA
        return self._attend(hidden_BWTA, memory)


def rows(memory: Memory, utterances_N: Tensor) -> Memory:
    """The memory of some of the utterances."""
    return Memory(*(part[utterances_N] for part in memory))
