"""The RNN transducer but for its encoder (Graves 2012, arXiv 1211.3711; the joiner of Graves et al. 2013).

A prediction network reads the text so far, and the joiner says at each frame t and place u what follows:
``softmax(W_o tanh(W_f f_t + W_p p_u))`` (arXiv 1303.5778). A frame is projected once, not once a place.
Legend beside the project's: N places of a text (U + 1), W hypotheses of an utterance, J joint units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from datamodules.annotations import BLANK
from lightning_modules.layers.causal import State
from lightning_modules.layers.predictor import PredictorMaker


class Joiner(nn.Module):
    """Frames and places of any broadcastable shapes -> logits of the next symbol or, column 0, of the blank."""

    def __init__(self, *, num_encoded: int, num_predicted: int, joint_units: int, num_symbols: int) -> None:
        super().__init__()
        self.frames = nn.Linear(num_encoded, joint_units)
        self.places = nn.Linear(num_predicted, joint_units, bias=False)  # the frames' bias serves both
        self.output = nn.Linear(joint_units, num_symbols)

    def forward(self, frames_J: Tensor, places_J: Tensor) -> Tensor:
        """Logits (…, V) of what ``self.frames`` and ``self.places`` made, (…, J) each."""
        logits_V: Tensor = self.output(torch.tanh(frames_J + places_J))
        return logits_V


class TransducerNetwork(nn.Module):
    """Prediction network and joiner on top of any encoder of ``num_encoded`` units."""

    def __init__(self, *, num_symbols: int, num_encoded: int, predictor: PredictorMaker, joint_units: int) -> None:
        super().__init__()
        self.predictor = predictor(num_symbols, num_encoded)
        self.joiner = Joiner(
            num_encoded=num_encoded,
            num_predicted=self.predictor.num_outputs,
            joint_units=joint_units,
            num_symbols=num_symbols,
        )

    def forward(self, encoded_BTH: Tensor, num_frames_B: Tensor, tokens_BU: Tensor) -> Tensor:
        """Logits (B, T, U + 1, V) of every frame with every place of given texts, for ``transducer_loss``."""
        predicted_BNP = self.predictor(tokens_BU, self.predictor.memory(encoded_BTH, num_frames_B))
        frames_BT1J = self.joiner.frames(encoded_BTH).unsqueeze(2)
        logits_BTNV: Tensor = self.joiner(frames_BT1J, self.joiner.places(predicted_BNP).unsqueeze(1))
        return logits_BTNV


class BoundTransducer:
    """A transducer and the utterances that it reads, as decoders ask it (``decoding.step_models.TransducerModel``).

    A state is ``(places_BWJ, *predictor's)``: the joiner's half of what was read stays until the next token.
    """

    def __init__(self, network: TransducerNetwork, encoded_BTH: Tensor, num_frames_B: Tensor) -> None:
        self.network = network
        self.num_frames_B = num_frames_B.to(encoded_BTH.device)
        self._memory = network.predictor.memory(encoded_BTH, num_frames_B)
        self._frames_BTJ = network.joiner.frames(encoded_BTH)
        self._rows_B1 = torch.arange(len(encoded_BTH), device=encoded_BTH.device).unsqueeze(1)

    def start(self) -> State:
        """See ``TransducerModel``: the boundary token is read."""
        boundary_B1 = torch.full_like(self._rows_B1, BLANK)
        return self._after(boundary_B1, self.network.predictor.start(self._memory))

    def read(self, tokens_BW: Tensor, state: State) -> State:
        """See ``TransducerModel``."""
        return self._after(tokens_BW, state[1:])

    def log_probs(self, frames_BW: Tensor, state: State) -> Tensor:
        """See ``TransducerModel``: float32 or better."""
        logits_BWV: Tensor = self.network.joiner(self._frames_BTJ[self._rows_B1, frames_BW], state[0])
        return logits_BWV.log_softmax(-1, dtype=torch.promote_types(logits_BWV.dtype, torch.float32))

    def _after(self, tokens_BW: Tensor, before: State) -> State:
        predicted_BWP, after = self.network.predictor.read(tokens_BW, before, self._memory)
        return (self.network.joiner.places(predicted_BWP), *after)
