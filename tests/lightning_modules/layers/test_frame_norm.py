"""Batch norm over real frames: torch's own where nothing is padded, and blind to padding where something is."""

from __future__ import annotations

import torch
from torch import nn

from lightning_modules.layers.frame_norm import FrameBatchNorm


def pair_of_norms() -> tuple[FrameBatchNorm, nn.BatchNorm2d]:
    ours, theirs = FrameBatchNorm(3), nn.BatchNorm2d(3)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def test_full_mask_equals_torch_with_gradients_and_running_statistics() -> None:
    ours, theirs = pair_of_norms()
    input_BCTF = torch.randn(4, 3, 5, 2) * 3 + 1
    inputs = [input_BCTF.clone().requires_grad_() for _ in range(2)]
    weights_BCTF = torch.randn(4, 3, 5, 2)
    outputs = [ours(inputs[0], torch.ones(4, 5, dtype=torch.bool)), theirs(inputs[1])]
    for output in outputs:
        (output * weights_BCTF).sum().backward()
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


def test_padded_frames_do_not_enter_the_statistics() -> None:
    ours, theirs = pair_of_norms()
    clip_BCTF = torch.randn(2, 3, 6, 2)
    expected_BCTF = theirs(clip_BCTF)
    padded_BCTF = torch.cat([clip_BCTF, torch.full((2, 3, 4, 2), 100.0)], dim=2)
    mask_BT = torch.arange(10).lt(6).expand(2, 10)
    torch.testing.assert_close(ours(padded_BCTF, mask_BT)[:, :, :6], expected_BCTF)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)


def test_evaluation_is_torchs() -> None:
    ours, theirs = pair_of_norms()
    ours.eval()
    theirs.eval()
    input_BCTF = torch.randn(2, 3, 4, 2)
    assert torch.equal(ours(input_BCTF, torch.zeros(2, 4, dtype=torch.bool)), theirs(input_BCTF))
