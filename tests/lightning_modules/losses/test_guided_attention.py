"""The penalty on looking far from the diagonal: against a plain loop, and blind to padding."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_modules.losses.guided_attention import guided_attention_loss


def by_loop(weights_UT: torch.Tensor, *, width: float) -> float:
    """Tachibana et al. 2017 for one utterance: U rows, the last one the end's; T frames."""
    rows, frames = weights_UT.shape
    return sum(
        float(weights_UT[u, t])
        * (1 - math.exp(-((u / max(rows - 1, 1) - t / max(frames - 1, 1)) ** 2) / (2 * width**2)))
        for u in range(rows)
        for t in range(frames)
    )


@pytest.mark.parametrize("width", [0.1, 0.2, 0.5])
def test_it_is_the_papers_sum_whatever_the_padding(width: float) -> None:
    torch.manual_seed(0)
    num_tokens_B, num_frames_B = torch.tensor([4, 0, 2]), torch.tensor([7, 1, 5])
    weights_BUT = torch.zeros(3, 6, 9)
    for row, frames in enumerate(num_frames_B.tolist()):
        weights_BUT[row, :, :frames] = torch.rand(6, frames).softmax(-1)  # rows past the end mean nothing
    got_B = guided_attention_loss(weights_BUT, num_frames_B, num_tokens_B, width=width)
    wanted = [
        by_loop(weights_BUT[row, : tokens + 1, :frames], width=width)
        for row, (tokens, frames) in enumerate(zip(num_tokens_B.tolist(), num_frames_B.tolist(), strict=True))
    ]
    torch.testing.assert_close(got_B, torch.tensor(wanted), atol=1e-5, rtol=1e-5)


def test_its_gradient_pulls_towards_the_diagonal() -> None:
    energies_UT = torch.zeros(5, 9, requires_grad=True)
    weights_BUT = energies_UT.softmax(-1).unsqueeze(0)
    guided_attention_loss(weights_BUT, torch.tensor([9]), torch.tensor([4])).sum().backward()
    assert energies_UT.grad is not None
    assert (-energies_UT.grad).argmax(dim=1).tolist() == [0, 2, 4, 6, 8]
