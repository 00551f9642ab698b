"""The two networks that a transducer adds to an encoder (Graves 2012, arXiv 1211.3711; joiner of Graves et al. 2013).

The prediction network reads the text so far, from the boundary token on; the joiner says at each frame t and place u
what follows: ``W_o tanh(W_f f_t + W_p p_u)`` (arXiv 1303.5778, eq. 15–17). A frame is projected once, not once a place.
Legend beside the project's: N places of a text (U + 1), J joint units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from datamodules.annotations import BLANK
from lightning_modules.layers.causal import State
from lightning_modules.layers.recurrent_stack import RecurrentStack


class Joiner(nn.Module):
    """Frames and places of any broadcastable shapes -> logits of the next symbol or, column 0, of the blank."""

    def __init__(self, *, num_frame_inputs: int, num_text_inputs: int, joint_units: int, num_symbols: int) -> None:
        super().__init__()
        self.frames = nn.Linear(num_frame_inputs, joint_units)
        self.texts = nn.Linear(num_text_inputs, joint_units, bias=False)  # the frames' bias serves both
        self.output = nn.Linear(joint_units, num_symbols)

    def forward(self, frames_J: Tensor, texts_J: Tensor) -> Tensor:
        """Logits (…, V) of what ``frames`` and ``texts`` made, (…, J) each."""
        logits_V: Tensor = self.output(torch.tanh(frames_J + texts_J))
        return logits_V

    def lattice(self, encoded_BTH: Tensor, predicted_BNH: Tensor) -> Tensor:
        """Logits (B, T, N, V) of every frame with every place."""
        return self(self.frames(encoded_BTH).unsqueeze(2), self.texts(predicted_BNH).unsqueeze(1))


class PredictionNetwork(nn.Module):
    """Embedding and recurrent layers over the text; blind to the audio, and to what is still to come."""

    def __init__(self, *, num_symbols: int, network: RecurrentStack) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_symbols, network.num_inputs)
        self.network = network
        self.num_outputs = network.num_outputs

    def forward(self, tokens_BU: Tensor) -> Tensor:
        """Outputs (B, U + 1, H): place u has read the boundary and u tokens."""
        read_BN = F.pad(tokens_BU, (1, 0), value=BLANK)
        predicted_BNH: Tensor = self.network(self.embedding(read_BN), self.network.initial_state(len(read_BN)))[0]
        return predicted_BNH

    def start(self, batch_size: int) -> tuple[Tensor, State]:
        """Output (B, H) and state of the empty text: the boundary is read."""
        boundary_B = torch.full((batch_size,), BLANK, device=self.embedding.weight.device)
        return self.read(boundary_B, self.network.initial_state(batch_size))

    def read(self, tokens_B: Tensor, state: State) -> tuple[Tensor, State]:
        """Output (B, H) and state after one more token each."""
        predicted_B1H, after = self.network(self.embedding(tokens_B).unsqueeze(1), state)
        return predicted_B1H.squeeze(1), after
