"""The gated convolutional language model (Dauphin et al. 2017, arXiv 1612.08083) and its sizes.

The published recipe: Nesterov SGD with learning rate 1.0 and momentum 0.99, gradients clipped at a norm of 0.1, weight
norm, dropout 0.2, the learning rate halved when validation stops improving. WikiText-103 test perplexity: GCNN-14 37.2.
"""

from __future__ import annotations

from typing import Any

from lightning_modules.layers.gated_conv_stack import GatedConvStack
from lightning_modules.lm.language_modelling import LanguageModelling


class GatedConv(LanguageModelling):
    """A language model on a ``GatedConvStack``.

    On streams its state, the last inputs of each convolution, is carried over like a recurrent one's.
    """

    def __init__(self, *, network: GatedConvStack, **shared: Any) -> None:
        super().__init__(network=network, **shared)


def demo_gated_conv(
    *, channels: int = 96, num_blocks: int = 5, kernel: int = 3, embedding_units: int = 64, dropout: float = 0.3
) -> GatedConvStack:
    """Plain residual blocks of one size: 5 of kernel 3 see 11 tokens."""
    return GatedConvStack(num_inputs=embedding_units, blocks=[[(kernel, channels)]] * num_blocks, dropout=dropout)


def gcnn_14(*, dropout: float = 0.2) -> GatedConvStack:
    """GCNN-14 of table 1 (WikiText-103); cutoffs 10000, 20000, 200000."""
    sizes = [*[(6, 850)] * 3, (1, 850), *[(5, 850)] * 4, (1, 850), *[(4, 850)] * 3, (4, 1024), (4, 2048)]
    return GatedConvStack(num_inputs=280, blocks=[[size] for size in sizes], dropout=dropout)


def gcnn_14b(*, dropout: float = 0.2) -> GatedConvStack:
    """GCNN-14B, with bottlenecks, of table 1 (Google Billion Word: 31.9); cutoffs 10000, 50000, 200000."""
    bottlenecks = [
        *[[(1, 128), (5, 128), (1, 512)]] * 3,
        *[[(1, 512), (5, 512), (1, 1024)]] * 3,
        *[[(1, 1024), (5, 1024), (1, 2048)]] * 6,
        [(1, 1024), (5, 1024), (1, 4096)],
    ]
    return GatedConvStack(num_inputs=128, blocks=[[(5, 512)], *bottlenecks], dropout=dropout)
