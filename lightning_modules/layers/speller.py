"""The decoder of attention models: it reads what it wrote, hears a context of the utterance, writes the next token.

One network for two orders. *Attend first*: ``c_t`` from ``s_{t-1}``, then ``s_t = f(s_{t-1}, y_{t-1}, c_t)`` (Bahdanau
et al. 2014; with ``SummaryContext`` it is Cho et al. 2014). *Attend last*: ``s_t = f(s_{t-1}, y_{t-1}, c_{t-1})``, then
``c_t`` from ``s_t`` (Listen, Attend and Spell; Chan et al. 2015, arXiv 1508.01211, equations 7 to 10). The next token's
distribution is a softmax over ``tanh(R [s_t; c_t])``. Token 0 starts and ends a text. Legend as in ``attention.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from datamodules.annotations import BLANK
from lightning_modules.layers.attention import AttentionContext, AttentionMaker, Memory, rows
from lightning_modules.layers.causal import Plain, State
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_stack import RecurrentStack


@dataclass(frozen=True)
class SpellerSettings:
    """A speller but for what it reads from: the sizes, the cell, and the attention context's class."""

    attention: AttentionMaker
    cell: Cell = "lstm"
    embedding_units: int = 64
    hidden_units: int = 256
    num_layers: int = 1
    dropout: float = 0.2


class SpellerCore(nn.Module):
    """Embedding, recurrence and attention: all of a speller but its output.

    A state is ``(context_BWC, weights_BWT, *recurrent)``, rows (B, W) first.
    """

    def __init__(self, *, num_symbols: int, num_encoded: int, settings: SpellerSettings, attend_first: bool) -> None:
        super().__init__()
        self.num_encoded = num_encoded
        self.attend_first = attend_first
        self.embedding = nn.Embedding(num_symbols, settings.embedding_units)
        self.dropout = nn.Dropout(settings.dropout)
        self.attention: AttentionContext = settings.attention(num_encoded, settings.hidden_units)
        width = self.attention.num_outputs
        self.recurrent = RecurrentStack(
            cell=settings.cell,
            num_inputs=settings.embedding_units + width,
            hidden_units=settings.hidden_units,
            num_layers=settings.num_layers,
            dropout=0.0,  # on embedding and output instead: the context is the encoder's, which has its own
        )
        self.num_outputs = settings.hidden_units + width

    def arguments(self) -> dict[str, Plain]:
        """Plain values that rebuild it: the constructor's, with ``settings`` spread out and no attention in them."""
        return {
            "num_symbols": self.embedding.num_embeddings,
            "num_encoded": self.num_encoded,
            "attend_first": self.attend_first,
            "cell": self.recurrent.cell,
            "embedding_units": self.embedding.embedding_dim,
            "hidden_units": self.recurrent.num_outputs,
            "num_layers": len(self.recurrent.layers),
            "dropout": self.dropout.p,
        }

    def start(self, memory: Memory) -> State:
        """The state before the first token: one hypothesis an utterance, that has attended to nothing."""
        clips, frames = memory.mask_BT.shape
        zeros = memory.encoded_BTH.new_zeros
        hidden = self.recurrent.initial_state(clips)
        return (
            zeros(clips, 1, self.attention.num_outputs),
            zeros(clips, 1, frames),
            *(part_BH.unsqueeze(1) for part_BH in hidden),
        )

    def step(self, embedded_BWE: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Read one more embedded token: ``[s_t; c_t]`` (B, W, ``num_outputs``) and the state after."""
        context_BWC, weights_BWT, *hidden = state
        if self.attend_first:
            top_BWH = hidden[-2 if self.recurrent.cell == "lstm" else -1]
            context_BWC, weights_BWT = self.attention(top_BWH, memory, weights_BWT)
        shape = embedded_BWE.shape[:2]
        inputs_N1I = torch.cat([embedded_BWE, context_BWC], dim=-1).flatten(0, 1).unsqueeze(1)
        outputs_N1H, after = self.recurrent(inputs_N1I, tuple(part.flatten(0, 1) for part in hidden))
        outputs_BWH = outputs_N1H.squeeze(1).unflatten(0, shape)
        if not self.attend_first:
            context_BWC, weights_BWT = self.attention(outputs_BWH, memory, weights_BWT)
        state = (context_BWC, weights_BWT, *(part.unflatten(0, shape) for part in after))
        return torch.cat([outputs_BWH, context_BWC], dim=-1), state

    def embed(self, tokens: Tensor) -> Tensor:
        """Embedded tokens, with dropout."""
        embedded: Tensor = self.dropout(self.embedding(tokens))
        return embedded


class Spelled(NamedTuple):
    """What a speller says of given texts: a step for each token and one for the end."""

    log_probs_BUV: Tensor
    weights_BUT: Tensor


class Speller(nn.Module):
    """``SpellerCore`` with its output layer."""

    def __init__(self, *, num_symbols: int, num_encoded: int, settings: SpellerSettings, attend_first: bool) -> None:
        super().__init__()
        self.core = SpellerCore(
            num_symbols=num_symbols, num_encoded=num_encoded, settings=settings, attend_first=attend_first
        )
        self.readout = nn.Linear(self.core.num_outputs, settings.hidden_units)
        self.classifier = nn.Linear(settings.hidden_units, num_symbols)

    def memory(self, encoded_BTH: Tensor, num_frames_B: Tensor) -> Memory:
        """What ``step`` and ``forward`` attend to."""
        return self.core.attention.memory(encoded_BTH, num_frames_B)

    def log_probs(self, outputs: Tensor) -> Tensor:
        """``[s; c]`` (…, O) -> natural-log probabilities (…, V), float32 or better."""
        logits: Tensor = self.classifier(self.core.dropout(self.readout(outputs).tanh()))
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)

    def step(self, tokens_BW: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Read one more token each: log probabilities (B, W, V) of the next, and the state after."""
        outputs_BWO, state = self.core.step(self.core.embed(tokens_BW), state, memory)
        return self.log_probs(outputs_BWO), state

    def forward(self, tokens_BU: Tensor, memory: Memory, *, sampling_rate: float = 0.0) -> Spelled:
        """Read whole texts, token 0 first: (B, U + 1, …), a step for each token and one for the end.

        With ``sampling_rate`` each token read is, with that probability, one drawn from the model's own distribution
        at the step before (scheduled sampling; Bengio et al. 2015, Chan et al. 2015: 0.1).
        """
        read_BU = torch.cat([tokens_BU.new_full((len(tokens_BU), 1), BLANK), tokens_BU], dim=1)
        embedded_BUE = self.core.embed(read_BU)
        state = self.core.start(memory)
        outputs: list[Tensor] = []
        weights: list[Tensor] = []
        for place in range(read_BU.shape[1]):
            embedded_B1E = embedded_BUE[:, place : place + 1]
            if place and sampling_rate:
                embedded_B1E = self._sampled(embedded_B1E, outputs[-1], sampling_rate)
            output_B1O, state = self.core.step(embedded_B1E, state, memory)
            outputs.append(output_B1O)
            weights.append(state[1])
        return Spelled(self.log_probs(torch.cat(outputs, dim=1)), torch.cat(weights, dim=1))

    def _sampled(self, embedded_B1E: Tensor, output_B1O: Tensor, rate: float) -> Tensor:
        """Some rows' embeddings replaced by those of tokens that the model would have written."""
        with torch.no_grad():
            # Gumbel's draw, the argmax of log p + noise: multinomial ends a GPU's process where p is no number.
            log_probs_BV = self.log_probs(output_B1O).squeeze(1)
            noise_BV = -torch.empty_like(log_probs_BV).exponential_().log()
            drawn_B1 = (log_probs_BV + noise_BV).argmax(-1, keepdim=True)
            is_drawn_B11 = torch.rand(len(drawn_B1), 1, 1, device=drawn_B1.device) < rate
        return torch.where(is_drawn_B11, self.core.embed(drawn_B1), embedded_B1E)


class BoundSpeller:
    """A speller and the utterances that it spells, as beam search asks it (``decoding.step_models.SpellingModel``)."""

    def __init__(self, speller: Speller, memory: Memory) -> None:
        self.speller = speller
        self.memory = memory
        self.num_frames_B = memory.mask_BT.sum(1)

    def rows(self, utterances_N: Tensor) -> BoundSpeller:
        """The same of some utterances: the others are done."""
        return BoundSpeller(self.speller, rows(self.memory, utterances_N))

    def start(self) -> State:
        """See ``SpellingModel``."""
        return self.speller.core.start(self.memory)

    def step(self, tokens_BW: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``SpellingModel``."""
        return self.speller.step(tokens_BW, state, self.memory)
