"""Attention contexts, and whole decoders of simple RNN cells, against the papers' equations in plain Python loops."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.layers.attention import (
    AttentionContext,
    AttentionMaker,
    ContentAttention,
    LocationAttention,
    SummaryContext,
)
from lightning_modules.layers.speller import Speller, SpellerSettings

Vector = list[float]
Matrix = list[Vector]


def product(matrix: Matrix, vector: Vector) -> Vector:
    return [sum(weight * value for weight, value in zip(row, vector, strict=True)) for row in matrix]


def plus(*vectors: Vector) -> Vector:
    return [math.fsum(values) for values in zip(*vectors, strict=True)]


def tanh(vector: Vector) -> Vector:
    return [math.tanh(value) for value in vector]


def softmax(energies: Vector) -> Vector:
    exponentials = [math.exp(energy) for energy in energies]
    return [value / sum(exponentials) for value in exponentials]


def places(attention: LocationAttention, before: Vector) -> list[Vector]:
    """Chorowski et al. 2015, equations 8 and 9: ``U f_ij`` with ``f_i = F * α_{i-1}``, zeros beyond both ends."""
    filters: Matrix = attention.filters.weight.tolist()
    reach = attention.reach_frames
    found = []
    for j in range(len(before)):
        features = [
            sum(one[k + reach] * before[j + k] for k in range(-reach, reach + 1) if 0 <= j + k < len(before))
            for one in filters
        ]
        found.append(product(attention.places.weight.tolist(), features))
    return found


def context(attention: Any, state: Vector, encoded: Matrix, before: Vector) -> tuple[Vector, Vector]:
    """One utterance's context and weights, without padding."""
    if isinstance(attention, SummaryContext):  # c = tanh(V [h_1; h_T])
        both_ends = product(attention.project.weight.tolist(), encoded[0] + encoded[-1])
        return tanh(plus(both_ends, attention.project.bias.tolist())), before
    # Bahdanau et al. 2014, section 3.1: e_ij = v tanh(W s_{i-1} + V h_j)
    asked = product(attention.queries.weight.tolist(), state)
    heard = [plus(product(attention.keys.weight.tolist(), h), attention.keys.bias.tolist()) for h in encoded]
    if isinstance(attention, LocationAttention):
        heard = [plus(h, place) for h, place in zip(heard, places(attention, before), strict=True)]
    energies = [product(attention.energy.weight.tolist(), tanh(plus(asked, h)))[0] for h in heard]
    weights = softmax(energies)
    return [sum(a * h[unit] for a, h in zip(weights, encoded, strict=True)) for unit in range(len(encoded[0]))], weights


KINDS: dict[str, AttentionMaker] = {
    "summary": partial(SummaryContext, units=3),
    "content": partial(ContentAttention, units=4),
    "location": partial(LocationAttention, units=4, channels=2, reach_frames=2),
}


def sharpened(module: torch.nn.Module) -> torch.nn.Module:
    """Float64 and weights three times as large, so that attention prefers some frames."""
    module.double().eval().requires_grad_(False)
    for parameter in module.parameters():
        parameter.mul_(3)
    return module


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(
    frames=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    hypotheses=st.integers(1, 3),
    padding=st.integers(0, 2),
    seed=st.integers(0, 999),
)
def test_contexts_and_weights(kind: str, frames: list[int], hypotheses: int, padding: int, seed: int) -> None:
    torch.manual_seed(seed)
    attention = sharpened(KINDS[kind](5, 3))
    assert isinstance(attention, AttentionContext)
    longest = max(frames) + padding
    encoded_BTH = torch.randn(len(frames), longest, 5, dtype=torch.float64)
    queries_BWQ = torch.randn(len(frames), hypotheses, 3, dtype=torch.float64)
    before_BWT = torch.zeros(len(frames), hypotheses, longest, dtype=torch.float64)
    for row, own in enumerate(frames):
        before_BWT[row, :, :own] = torch.rand(hypotheses, own, dtype=torch.float64).softmax(-1)
    memory = attention.memory(encoded_BTH, torch.tensor(frames))
    contexts_BWC, weights_BWT = attention(queries_BWQ, memory, before_BWT)
    assert contexts_BWC.shape == (len(frames), hypotheses, attention.num_outputs)
    for row, own in enumerate(frames):
        for w in range(hypotheses):
            expected, weights = context(
                attention,
                queries_BWQ[row, w].tolist(),
                encoded_BTH[row, :own].tolist(),
                before_BWT[row, w, :own].tolist(),
            )
            assert contexts_BWC[row, w].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)
            assert weights_BWT[row, w, :own].tolist() == pytest.approx(weights, rel=1e-9, abs=1e-12)


def spelled(speller: Speller, tokens: list[int], encoded: Matrix) -> list[Vector]:
    """Log probabilities of each next token, from a decoder of one layer of ``s_t = tanh(W [y; c] + U s)``."""
    core = speller.core
    [layer] = core.recurrent.layers
    assert isinstance(layer, torch.nn.RNN)
    embedding: Matrix = core.embedding.weight.tolist()
    state, heard = [0.0] * layer.hidden_size, [0.0] * core.attention.num_outputs
    weights, answers = [0.0] * len(encoded), []
    for token in [0, *tokens]:
        if core.attend_first:  # c_t from s_{t-1}, then s_t = f(s_{t-1}, y_{t-1}, c_t)
            heard, weights = context(core.attention, state, encoded, weights)
        read = product(layer.weight_ih_l0.tolist(), embedding[token] + heard)
        state = tanh(plus(read, product(layer.weight_hh_l0.tolist(), state)))
        if not core.attend_first:  # s_i = RNN(s_{i-1}, y_{i-1}, c_{i-1}), then c_i from s_i
            heard, weights = context(core.attention, state, encoded, weights)
        hidden = tanh(plus(product(speller.readout.weight.tolist(), state + heard), speller.readout.bias.tolist()))
        logits = plus(product(speller.classifier.weight.tolist(), hidden), speller.classifier.bias.tolist())
        answers.append([math.log(probability) for probability in softmax(logits)])
    return answers


@pytest.mark.parametrize("attend_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_decoders(kind: str, attend_first: bool) -> None:
    torch.manual_seed(1)
    settings = SpellerSettings(attention=KINDS[kind], cell="simple_rnn", embedding_units=2, hidden_units=3)
    speller = Speller(num_symbols=4, num_encoded=5, settings=settings, attend_first=attend_first)
    sharpened(speller)
    encoded_BTH = torch.randn(2, 6, 5, dtype=torch.float64)
    memory = speller.memory(encoded_BTH, torch.tensor([6, 4]))
    log_probs_BUV = speller(torch.tensor([[1, 3, 3], [2, 1, 0]]), memory).log_probs_BUV
    for row, (tokens, own) in enumerate((([1, 3, 3], 6), ([2, 1], 4))):
        expected = torch.tensor(spelled(speller, tokens, encoded_BTH[row, :own].tolist()), dtype=torch.float64)
        torch.testing.assert_close(log_probs_BUV[row, : len(tokens) + 1], expected, rtol=1e-9, atol=1e-12)
