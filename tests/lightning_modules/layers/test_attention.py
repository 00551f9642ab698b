"""Attention contexts: blind to padding and to the batch, alike for all hypotheses, rebuilt from plain values."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lightning_modules.layers.attention import (
    AttentionMaker,
    ContentAttention,
    LocationAttention,
    SummaryContext,
    rows,
)

KINDS: dict[str, AttentionMaker] = {
    "summary": partial(SummaryContext, units=3),
    "content": partial(ContentAttention, units=4),
    "location": partial(LocationAttention, units=4, channels=2, reach_frames=2),
}
ATTENDING = [name for name in KINDS if name != "summary"]
NUM_FRAMES_B = torch.tensor([7, 3, 1])


def heard() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Encoded utterances, queries of two hypotheses each, and the weights of a step before."""
    before_BWT = torch.rand(3, 2, 7) * (torch.arange(7) < NUM_FRAMES_B[:, None, None])
    return torch.randn(3, 7, 5), torch.randn(3, 2, 3), before_BWT / before_BWT.sum(-1, keepdim=True)


@pytest.mark.parametrize("kind", ATTENDING)
def test_weights_are_a_distribution_over_an_utterances_own_frames(kind: str) -> None:
    attention = KINDS[kind](5, 3)
    encoded_BTH, queries_BWQ, before_BWT = heard()
    _, weights_BWT = attention(queries_BWQ, attention.memory(encoded_BTH, NUM_FRAMES_B), before_BWT)
    torch.testing.assert_close(weights_BWT.sum(-1), torch.ones(3, 2))
    for row, frames in enumerate(NUM_FRAMES_B.tolist()):
        assert (weights_BWT[row, :, :frames] > 0).all()
        assert not weights_BWT[row, :, frames:].any()  # 0 exactly
    assert attention.has_weights


def test_a_summary_has_no_weights_and_is_the_same_at_every_step() -> None:
    attention = KINDS["summary"](5, 3)
    encoded_BTH, queries_BWQ, _ = heard()
    memory = attention.memory(encoded_BTH, NUM_FRAMES_B)
    contexts_BWC, weights_BWT = attention(queries_BWQ, memory, torch.zeros(3, 2, 7))
    assert not weights_BWT.any()
    assert not attention.has_weights
    assert torch.equal(contexts_BWC[:, 0], contexts_BWC[:, 1])
    assert torch.equal(contexts_BWC, attention(queries_BWQ + 1, memory, weights_BWT)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_neither_padding_nor_batch_nor_beam_changes_anything(kind: str) -> None:
    attention = KINDS[kind](5, 3).double()
    encoded_BTH, queries_BWQ, before_BWT = (part.double() for part in heard())
    padded_BTH = encoded_BTH.clone()
    for row, frames in enumerate(NUM_FRAMES_B.tolist()):
        padded_BTH[row, frames:] = 1e3
    together = attention(queries_BWQ, attention.memory(padded_BTH, NUM_FRAMES_B), before_BWT)
    for row, frames in enumerate(NUM_FRAMES_B.tolist()):
        memory = attention.memory(encoded_BTH[row : row + 1, :frames], NUM_FRAMES_B[row : row + 1])
        for w in range(2):
            alone = attention(
                queries_BWQ[row : row + 1, w : w + 1], memory, before_BWT[row : row + 1, w : w + 1, :frames]
            )
            torch.testing.assert_close(together[0][row, w], alone[0][0, 0])
            torch.testing.assert_close(together[1][row, w, :frames], alone[1][0, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_gets_no_gradient_and_real_frames_a_finite_one(kind: str) -> None:
    attention = KINDS[kind](5, 3)
    encoded_BTH, queries_BWQ, before_BWT = heard()
    encoded_BTH.requires_grad_()
    contexts_BWC, _ = attention(queries_BWQ, attention.memory(encoded_BTH, NUM_FRAMES_B), before_BWT)
    contexts_BWC.square().sum().backward()
    assert encoded_BTH.grad is not None
    assert encoded_BTH.grad.isfinite().all()
    for row, frames in enumerate(NUM_FRAMES_B.tolist()):
        assert not encoded_BTH.grad[row, frames:].any()
        assert encoded_BTH.grad[row, [0, frames - 1]].abs().sum(-1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_plain_values_and_weights_rebuild_it(kind: str) -> None:
    attention = KINDS[kind](5, 3)
    again = type(attention)(5, 3, **attention.arguments())
    again.load_state_dict(attention.state_dict())
    encoded_BTH, queries_BWQ, before_BWT = heard()
    both = [one(queries_BWQ, one.memory(encoded_BTH, NUM_FRAMES_B), before_BWT) for one in (attention, again)]
    assert all(torch.equal(first, second) for first, second in zip(*both, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_some_utterances_of_a_memory(kind: str) -> None:
    attention = KINDS[kind](5, 3)
    encoded_BTH, queries_BWQ, before_BWT = heard()
    memory, chosen_N = attention.memory(encoded_BTH, NUM_FRAMES_B), torch.tensor([2, 0])
    whole_BWC = attention(queries_BWQ, memory, before_BWT)[0]
    some_NWC = attention(queries_BWQ[chosen_N], rows(memory, chosen_N), before_BWT[chosen_N])[0]
    torch.testing.assert_close(some_NWC, whole_BWC[chosen_N])


def test_only_the_location_aware_one_knows_where_it_was() -> None:
    encoded_BTH, queries_BWQ, before_BWT = heard()
    for kind, knows in (("content", False), ("location", True)):
        attention = KINDS[kind](5, 3)
        memory = attention.memory(encoded_BTH, NUM_FRAMES_B)
        first, second = (attention(queries_BWQ, memory, weights)[1] for weights in (before_BWT, before_BWT.flip(1)))
        assert torch.equal(first, second) is not knows


@pytest.mark.parametrize(("channels", "reach_frames"), [(0, 3), (2, 0)])
def test_sizes_below_one_are_refused(channels: int, reach_frames: int) -> None:
    with pytest.raises(ValueError, match=f"channels {channels} and reach_frames {reach_frames} must be 1 or more"):
        LocationAttention(5, 3, channels=channels, reach_frames=reach_frames)
