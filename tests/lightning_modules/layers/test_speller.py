"""The decoder of attention models: read at once or token by token, alone or beside others, on true or drawn tokens."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

import pytest
import torch

from lightning_modules.decoding.step_models import SpellingModel, pick
from lightning_modules.layers.attention import AttentionMaker, ContentAttention, LocationAttention, SummaryContext
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.speller import BoundSpeller, Speller, SpellerSettings

KINDS: dict[str, AttentionMaker] = {
    "summary": partial(SummaryContext, units=3),
    "content": partial(ContentAttention, units=4),
    "location": partial(LocationAttention, units=4, channels=2, reach_frames=2),
}
SYMBOLS = 6
TOKENS_BU = torch.tensor([[1, 5, 2, 4], [3, 3, 0, 0]])
NUM_TOKENS, NUM_FRAMES_B = [4, 2], torch.tensor([7, 4])


def speller(*, attend_first: bool = True, kind: str = "location", cell: Cell = "lstm", **settings: Any) -> Speller:
    torch.manual_seed(2)
    given = {"cell": cell, "embedding_units": 3, "hidden_units": 4, "num_layers": 2, **settings}
    network = Speller(
        num_symbols=SYMBOLS,
        num_encoded=5,
        settings=SpellerSettings(attention=KINDS[kind], **given),
        attend_first=attend_first,
    )
    return network.double().eval()


def encoded_BTH() -> torch.Tensor:
    return torch.randn(2, 7, 5, dtype=torch.float64)


@pytest.mark.parametrize("attend_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", get_args(Cell))
def test_texts_read_at_once_are_those_read_token_by_token(cell: Cell, kind: str, attend_first: bool) -> None:
    network = speller(attend_first=attend_first, kind=kind, cell=cell)
    memory = network.memory(encoded_BTH(), NUM_FRAMES_B)
    whole = network(TOKENS_BU, memory)
    assert whole.log_probs_BUV.shape == (2, 5, SYMBOLS)
    assert whole.weights_BUT.shape == (2, 5, 7)
    bound = BoundSpeller(network, memory)
    assert isinstance(bound, SpellingModel)
    state = bound.start()
    for place in range(5):
        read_B1 = TOKENS_BU[:, place - 1 : place] if place else torch.zeros(2, 1, dtype=torch.int64)
        log_probs_B1V, state = bound.step(read_B1, state)
        torch.testing.assert_close(log_probs_B1V, whole.log_probs_BUV[:, place : place + 1])
        torch.testing.assert_close(state[1], whole.weights_BUT[:, place : place + 1])
    torch.testing.assert_close(whole.log_probs_BUV.exp().sum(-1), torch.ones(2, 5, dtype=torch.float64))


@pytest.mark.parametrize("attend_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_does_not_depend_on_the_batch(kind: str, attend_first: bool) -> None:
    network, heard_BTH = speller(attend_first=attend_first, kind=kind), encoded_BTH()
    together = network(TOKENS_BU, network.memory(heard_BTH, NUM_FRAMES_B))
    for row, (tokens, frames) in enumerate(zip(NUM_TOKENS, NUM_FRAMES_B.tolist(), strict=True)):
        memory = network.memory(heard_BTH[row : row + 1, :frames], NUM_FRAMES_B[row : row + 1])
        alone = network(TOKENS_BU[row : row + 1, :tokens], memory)
        torch.testing.assert_close(together.log_probs_BUV[row, : tokens + 1], alone.log_probs_BUV[0])
        torch.testing.assert_close(together.weights_BUT[row, : tokens + 1, :frames], alone.weights_BUT[0])


@pytest.mark.parametrize("attend_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_hypotheses_side_by_side_are_those_read_alone(kind: str, attend_first: bool) -> None:
    """A beam of two utterances: hypotheses part at the second token, swap at the third, one utterance is dropped."""
    network, heard_BTH = speller(attend_first=attend_first, kind=kind), encoded_BTH()
    memory = network.memory(heard_BTH, NUM_FRAMES_B)
    bound = BoundSpeller(network, memory)
    _, state = bound.step(torch.zeros(2, 1, dtype=torch.int64), bound.start())
    state = pick(state, torch.zeros(2, 3, dtype=torch.int64))
    _, state = bound.step(torch.tensor([[1, 2, 3], [4, 5, 1]]), state)
    state = pick(state, torch.tensor([[2, 0, 0], [1, 1, 2]]))
    chosen_N = torch.tensor([1])
    bound, state = bound.rows(chosen_N), tuple(part[chosen_N] for part in state)
    log_probs_NWV, _ = bound.step(torch.tensor([[2, 3, 4]]), state)
    for w, tokens in enumerate(([5, 2], [5, 3], [1, 4])):
        alone = network(torch.tensor([tokens]), network.memory(heard_BTH[1:, :4], NUM_FRAMES_B[1:]))
        torch.testing.assert_close(log_probs_NWV[0, w], alone.log_probs_BUV[0, 2])


def test_sampling_at_rate_0_is_none() -> None:
    network = speller()
    memory = network.memory(encoded_BTH(), NUM_FRAMES_B)
    state = torch.get_rng_state()
    given, without = network(TOKENS_BU, memory, sampling_rate=0.0), network(TOKENS_BU, memory)
    assert torch.equal(given.log_probs_BUV, without.log_probs_BUV)
    assert torch.equal(state, torch.get_rng_state())  # nothing is drawn


@pytest.mark.parametrize("attend_first", [True, False])
def test_sampling_at_rate_1_reads_only_its_own_tokens(attend_first: bool) -> None:
    network = speller(attend_first=attend_first)
    memory = network.memory(encoded_BTH(), NUM_FRAMES_B)
    spelled = []
    for tokens_BU in (TOKENS_BU, TOKENS_BU.flip(1), TOKENS_BU):
        torch.manual_seed(3)
        spelled.append(network(tokens_BU, memory, sampling_rate=1.0).log_probs_BUV)
    assert torch.equal(spelled[0], spelled[1])
    assert torch.equal(spelled[0], spelled[2])
    torch.manual_seed(4)
    assert not torch.equal(spelled[0], network(TOKENS_BU, memory, sampling_rate=1.0).log_probs_BUV)


def test_a_speller_that_is_sure_samples_what_it_is_sure_of() -> None:
    network = speller()
    with torch.no_grad():
        network.classifier.bias[4] += 1e3
    memory = network.memory(encoded_BTH(), NUM_FRAMES_B)
    sampled, sure = network(TOKENS_BU, memory, sampling_rate=1.0), network(torch.full_like(TOKENS_BU, 4), memory)
    torch.testing.assert_close(sampled.log_probs_BUV, sure.log_probs_BUV)
    torch.testing.assert_close(sampled.weights_BUT, sure.weights_BUT)


def test_the_rate_is_the_share_of_texts_whose_token_is_drawn() -> None:
    network = speller(kind="content")
    with torch.no_grad():
        network.classifier.bias[4] += 1e3
    many = 2000
    memory = network.memory(encoded_BTH()[:1].expand(many, -1, -1), NUM_FRAMES_B[:1].expand(many))
    tokens_BU = torch.full((many, 1), 2)
    torch.manual_seed(0)
    sampled_BV = network(tokens_BU, memory, sampling_rate=0.3).log_probs_BUV[:, 1]
    true_BV = network(tokens_BU, memory).log_probs_BUV[:, 1]
    drawn_B = (sampled_BV - true_BV).abs().amax(-1) > 1e-9
    assert 0.25 < float(drawn_B.double().mean()) < 0.35


def test_drawing_gives_no_gradient_but_what_is_read_does() -> None:
    network = speller(dropout=0.0)
    memory = network.memory(encoded_BTH(), NUM_FRAMES_B)
    network(TOKENS_BU, memory, sampling_rate=1.0).log_probs_BUV[:, :, 0].sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


def test_dropout_is_for_training_alone() -> None:
    network = speller(dropout=0.5)
    memory = network.memory(encoded_BTH(), NUM_FRAMES_B)
    quiet = [network(TOKENS_BU, memory).log_probs_BUV for _ in range(2)]
    assert torch.equal(*quiet)
    network.train()
    noisy = [network(TOKENS_BU, memory).log_probs_BUV for _ in range(2)]
    assert not torch.equal(*noisy)
