"""RNN transducer recognition (Graves 2012, arXiv 1211.3711): an encoder hears, a prediction network reads the text.

Trained on ``-log P(Y | X)``, the sum over all alignments of frames and tokens. As with CTC alignments are monotone, but
a token depends on those before it. ``RecurrentPredictor`` is the plain one; with ``AttendingPredictor`` the prediction
network attends to the utterance too ("RNN-T with attention", Prabhavalkar et al. 2017), nothing else changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datamodules.annotations import Hypothesis
from datamodules.batches import UtteranceBatch
from lightning_modules.asr.recogniser import Encoded, Recogniser
from lightning_modules.asr.transducer.stored_transducer import predictor_arguments, save_transducer
from lightning_modules.decoding.transducer.transducer_greedy import transducer_greedy
from lightning_modules.layers.predictor import PredictorMaker
from lightning_modules.layers.transducer import BoundTransducer, TransducerNetwork
from lightning_modules.losses.transducer import transducer_loss


class Transducer(Recogniser):
    """The recogniser; ``predictor`` is the prediction network's class, ``joint_units`` the joiner's width."""

    def __init__(self, *, predictor: PredictorMaker, joint_units: int = 256, **shared: Any) -> None:
        super().__init__(**shared)
        self.network = TransducerNetwork(
            num_symbols=len(self.symbols),
            num_encoded=self.encoder.num_outputs,
            predictor=predictor,
            joint_units=joint_units,
        )
        predictor_arguments(self.network.predictor)  # refuses now what could not be stored after training

    def loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """``-log P(Y | X)``."""
        logits_BTNV = self.network(encoded.hidden_BTH, encoded.num_frames_B, batch.tokens_BU)
        num_frames_B = encoded.num_frames_B.to(logits_BTNV.device)
        return transducer_loss(logits_BTNV, num_frames_B, batch.tokens_BU, batch.num_tokens_B).float()

    def greedy(self, encoded: Encoded) -> list[Hypothesis]:
        """The likeliest symbol at each step."""
        with torch.no_grad():
            return transducer_greedy(BoundTransducer(self.network, *encoded))

    def save_decoder(self, folder: Path) -> None:
        """Store prediction network and joiner."""
        save_transducer(folder, self.network, symbols=self.symbols)

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """``encoder`` with the features, ``decoder`` (prediction network, its attention, joiner) and ``outputs``."""
        joiner = self.network.joiner
        return {
            "encoder": (self.features, self.encoder),
            "decoder": (self.network.predictor, joiner.frames, joiner.places),
            "outputs": (joiner.output,),
        }

    def symbol_parameters(self) -> Collection[str]:
        """See ``Recogniser``."""
        predictor = self.network.predictor.named_modules(prefix="network.predictor")
        embeddings = [name for name, module in predictor if isinstance(module, nn.Embedding)]
        return (
            *(f"{name}.weight" for name in embeddings),
            "network.joiner.output.weight",
            "network.joiner.output.bias",
        )
