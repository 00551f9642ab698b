"""Decoders that read their own output, as two graphs: what is computed once an utterance, and one more token.

``encoder`` gives what a step attends to and the state before the first token; ``step`` takes a token, that and a state,
and gives log-probabilities with the state after. An attention decoder says what follows (1, V); a transducer says it at
every frame (1, T, V), for the text so far: who walks the frames needs a step a token, not one a frame.
"""

from __future__ import annotations

import copy
import functools
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.exporting.graphs import EncoderGraph, length_of
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.recogniser import Encoded
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.layers.attention import LocationAttention, Memory
from lightning_modules.layers.recurrent_stack import RecurrentStack
from lightning_modules.layers.speller import Speller
from lightning_modules.layers.transducer import TransducerNetwork

Module = TypeVar("Module", bound=nn.Module)

ENCODED, KEYS, FRAMES, LOG_PROBS, TOKEN = "encoded", "keys", "frames", "log_probs", "token"


def state_names(count: int, *, after: bool = False) -> list[str]:
    """The names of a state's parts, before a step or after it."""
    return [f"{'state_after' if after else 'state'}_{number}" for number in range(count)]


def exportable_copy(module: Module) -> Module:
    """A copy whose parts that ONNX has no word for are computed in others: the same values, but for rounding.

    Recurrent layers read one token as they read many (ONNX has layers, and not all of the cells); attention by location
    convolves (its windows of a length that grows can't be traced).
    """
    copied = copy.deepcopy(module)
    for part in copied.modules():
        if isinstance(part, RecurrentStack):
            part.__dict__["_read_one"] = part._read_all
        elif isinstance(part, LocationAttention):
            part.__dict__["forward"] = functools.partial(_attend_by_location, part)
    return copied


def _attend_by_location(
    attention: LocationAttention, queries_BWQ: Tensor, memory: Memory, before_BWT: Tensor
) -> tuple[Tensor, Tensor]:
    """``LocationAttention.forward`` of one hypothesis."""
    padded_B1T = F.pad(before_BWT, (attention.reach_frames, attention.reach_frames))
    filtered_BFT = F.conv1d(padded_B1T, attention.filters.weight.unsqueeze(1))
    places_B1TA = attention.places(filtered_BFT.transpose(1, 2)).unsqueeze(1)
    hidden_B1TA = attention.queries(queries_BWQ).unsqueeze(2) + memory.keys_BTA.unsqueeze(1) + places_B1TA
    return attention._attend(hidden_B1TA, memory)


def memory_of(encoded_1TH: Tensor, keys_1TA: Tensor) -> Memory:
    """What is attended to, of one utterance: no frame is padding."""
    return Memory(encoded_1TH, keys_1TA, torch.ones_like(encoded_1TH[:, :, 0], dtype=torch.bool))


class SpellerEncoderGraph(nn.Module):
    """(1, S) -> encoded (1, T, H), keys (1, T, A), perhaps the hybrid's CTC posteriors (1, T, V), the state's parts."""

    def __init__(self, system: EncoderDecoder, front: nn.Module) -> None:
        super().__init__()
        self.encode, self.system = EncoderGraph(system, front), system

    def forward(self, heard: Tensor) -> tuple[Tensor, ...]:
        """What is computed once an utterance."""
        hidden_1TH = self.encode(heard)
        encoded = Encoded(hidden_1TH, length_of(hidden_1TH))
        memory = self.system.speller.memory(*encoded)
        posteriors = (self.system.posteriors(encoded).log_probs_BTV,) if isinstance(self.system, CtcOutput) else ()
        return (memory.encoded_BTH, memory.keys_BTA, *posteriors, *self.system.speller.core.start(memory))


class SpellerStepGraph(nn.Module):
    """Token (1, 1), encoded, keys and state -> log-probabilities (1, V) of the next token, and the state after."""

    def __init__(self, speller: Speller) -> None:
        super().__init__()
        self.speller = speller

    def forward(self, token_11: Tensor, encoded_1TH: Tensor, keys_1TA: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """One more token."""
        log_probs_11V, after = self.speller.step(token_11, state, memory_of(encoded_1TH, keys_1TA))
        return (log_probs_11V.squeeze(1), *after)


class TransducerEncoderGraph(nn.Module):
    """(1, S) -> encoded (1, T, H), keys (1, T, A), the joiner's half of each frame (1, T, J), the state's parts."""

    def __init__(self, system: Transducer, front: nn.Module) -> None:
        super().__init__()
        self.encode, self.network = EncoderGraph(system, front), system.network

    def forward(self, heard: Tensor) -> tuple[Tensor, ...]:
        """What is computed once an utterance."""
        hidden_1TH = self.encode(heard)
        memory = self.network.predictor.memory(hidden_1TH, length_of(hidden_1TH))
        frames_1TJ = self.network.joiner.frames(hidden_1TH)
        return (memory.encoded_BTH, memory.keys_BTA, frames_1TJ, *self.network.predictor.start(memory))


class TransducerStepGraph(nn.Module):
    """Token (1, 1), encoded, keys, frames and state -> log-probabilities (1, T, V) at each frame, and the state."""

    def __init__(self, network: TransducerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, token_11: Tensor, encoded_1TH: Tensor, keys_1TA: Tensor, frames_1TJ: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """One more token."""
        predicted_11P, after = self.network.predictor.read(token_11, state, memory_of(encoded_1TH, keys_1TA))
        logits_1TV = self.network.joiner(frames_1TJ, self.network.joiner.places(predicted_11P))
        return (logits_1TV.log_softmax(-1, dtype=torch.float32), *after)
