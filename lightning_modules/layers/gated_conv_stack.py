"""Gated convolutions over time that never see the future: ``h(X) = (X * W + b) . sigmoid(X * V + c)``.

Each convolution of kernel k sees its input at a step and the k - 1 steps before; before the first step there are zeros.
A residual connection goes around each block, a block being one convolution or a bottleneck of three (1, k, 1); where
the widths differ it is a projection. Sums are scaled by sqrt(1/2) and convolutions initialised as in the authors' code,
which the paper does not say. Weight norm is by output channel (Salimans & Kingma 2016).
Dauphin et al. 2017, arXiv 1612.08083, equation 1 and figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from lightning_modules.layers.causal import CausalNetwork, Plain, State

Block = Sequence[tuple[int, int]]  # its convolutions: (kernel, channels)


class GatedCausalConv(nn.Module):
    """One gated convolution; its state is its last ``kernel - 1`` inputs (B, kernel - 1, C)."""

    def __init__(self, *, in_channels: int, out_channels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.kernel = in_channels, out_channels, kernel
        self.dropout = nn.Dropout(dropout)
        conv = nn.Conv1d(in_channels, 2 * out_channels, kernel)
        nn.init.normal_(conv.weight, std=math.sqrt(4 * (1 - dropout) / (kernel * in_channels)))
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # there is one
        self.conv = weight_norm(conv)

    def forward(self, inputs_BUC: Tensor, past_BPC: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs (B, U, C') and the last inputs for the next call."""
        seen_BSC = torch.cat([past_BPC, self.dropout(inputs_BUC)], dim=1)
        linear_BCU, gate_BCU = self.conv(seen_BSC.transpose(1, 2)).chunk(2, dim=1)
        return (linear_BCU * gate_BCU.sigmoid()).transpose(1, 2), seen_BSC[:, seen_BSC.shape[1] - self.kernel + 1 :]


class _Residual(nn.Module):
    """The way around a block."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.projection = weight_norm(nn.Linear(in_channels, out_channels)) if in_channels != out_channels else None

    def forward(self, around_BUC: Tensor, through_BUC: Tensor) -> Tensor:
        if self.projection is not None:
            around_BUC = self.projection(around_BUC)
        return (around_BUC + through_BUC) * math.sqrt(0.5)


class GatedConvStack(CausalNetwork):
    """Blocks of gated convolutions. Raises ``ValueError`` for an empty block or a kernel or width below 1.

    ``receptive_field`` is the number of steps, the present one included, that an output depends on.
    """

    def __init__(self, *, num_inputs: int, blocks: Sequence[Block], dropout: float = 0.0) -> None:
        super().__init__()
        if not blocks or not all(blocks) or min(min(conv) for block in blocks for conv in block) < 1:
            raise ValueError(f"blocks must be lists of (kernel, channels) from 1 up, got {blocks}")
        self.blocks = [[(kernel, channels) for kernel, channels in block] for block in blocks]
        self.dropout = dropout
        self.num_inputs = num_inputs
        self.convs, self.residuals = nn.ModuleList(), nn.ModuleList()
        width = num_inputs
        for block in self.blocks:
            into = width
            for kernel, channels in block:
                conv = GatedCausalConv(in_channels=into, out_channels=channels, kernel=kernel, dropout=dropout)
                self.convs.append(conv)
                into = channels
            self.residuals.append(_Residual(width, into))
            width = into
        self.num_outputs = width

    @property
    def receptive_field(self) -> int:
        """1 + the sum of kernel - 1."""
        return 1 + sum(kernel - 1 for block in self.blocks for kernel, _ in block)

    def forward(self, inputs_BUI: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``CausalNetwork``; the state is each convolution's last inputs."""
        convs, pasts = iter(self.convs), iter(state)
        after: list[Tensor] = []
        hidden_BUC = inputs_BUI
        for block, residual in zip(self.blocks, self.residuals, strict=True):
            through_BUC = hidden_BUC
            for _ in block:
                through_BUC, past_BPC = next(convs)(through_BUC, next(pasts))
                after.append(past_BPC)
            hidden_BUC = residual(hidden_BUC, through_BUC)
        return hidden_BUC, tuple(after)

    def initial_state(self, batch_size: int) -> State:
        """Zeros, as if nothing had been said before."""
        return tuple(
            self.zeros(batch_size, conv.kernel - 1, conv.in_channels)
            for conv in self.convs
            if isinstance(conv, GatedCausalConv)
        )

    def arguments(self) -> dict[str, Plain]:
        """See ``CausalNetwork``."""
        blocks: list[Plain] = [[[kernel, channels] for kernel, channels in block] for block in self.blocks]
        return {"num_inputs": self.num_inputs, "blocks": blocks, "dropout": self.dropout}
