"""The speller's loss against torch's cross-entropy with label smoothing, an utterance at a time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.losses.label_smoothing import spelling_loss


@settings(max_examples=30)
@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    padding=st.integers(0, 2),
    smoothing=st.sampled_from([0.0, 0.1, 0.7]),
    seed=st.integers(0, 999),
)
def test_it_is_torchs_cross_entropy_of_each_text_and_its_end(
    lengths: list[int], padding: int, smoothing: float, seed: int
) -> None:
    torch.manual_seed(seed)
    longest, symbols = max(lengths) + padding, 5
    logits_BUV = torch.randn(len(lengths), longest + 1, symbols, dtype=torch.float64) * 3
    tokens_BU = torch.randint(1, symbols, (len(lengths), longest))  # what stands on padding has no say
    loss_B = spelling_loss(logits_BUV.log_softmax(-1), tokens_BU, torch.tensor(lengths), smoothing=smoothing)
    assert loss_B.shape == (len(lengths),)
    for row, length in enumerate(lengths):
        targets_U = torch.cat([tokens_BU[row, :length], torch.tensor([0])])
        expected = torch.nn.functional.cross_entropy(
            logits_BUV[row, : length + 1], targets_U, label_smoothing=smoothing, reduction="sum"
        )
        torch.testing.assert_close(loss_B[row], expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_steps_behind_the_end_get_no_gradient(smoothing: float) -> None:
    logits_BUV = torch.randn(2, 4, 3, requires_grad=True)
    tokens_BU = torch.tensor([[1, 2, 1], [2, 0, 0]])
    spelling_loss(logits_BUV.log_softmax(-1), tokens_BU, torch.tensor([3, 1]), smoothing=smoothing).sum().backward()
    assert logits_BUV.grad is not None
    assert logits_BUV.grad[1, :2].abs().sum(-1).all()
    assert not logits_BUV.grad[1, 2:].any()


def test_an_empty_text_has_the_loss_of_its_end() -> None:
    log_probs_BUV = torch.tensor([[[0.2, 0.8]]]).log()
    loss_B = spelling_loss(log_probs_BUV, torch.zeros(1, 0, dtype=torch.int64), torch.tensor([0]))
    torch.testing.assert_close(loss_B.neg().exp(), torch.tensor([0.2]))
