"""Every named encoder keeps the contract: shapes, blindness to padding and to the batch, gates by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from lightning_modules.layers.conv import ConvBlock
from lightning_modules.layers.crnn import (
    CNN,
    CRNN,
    FrameEncoder,
    demo_crnn,
    demo_gated_crnn,
    demo_tagging_cnn,
    paper_crnn,
    paper_gated_crnn,
    tagging_cnn,
)
from lightning_modules.layers.glu import GatedConvBlock

BUILDERS = [paper_crnn, paper_gated_crnn, tagging_cnn, demo_crnn, demo_gated_crnn, demo_tagging_cnn]


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("train", [True, False])
def test_padding_changes_nothing(builder: Callable[..., FrameEncoder], train: bool) -> None:
    torch.manual_seed(0)
    encoder = builder().train(train)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    # Both clips have 9 frames: the batch's statistics must be theirs alone, however much padding follows.
    clips_BTM, lengths_B = torch.randn(2, 9, encoder.num_mels), torch.tensor([9, 9])
    padded_BTM = F.pad(clips_BTM, (0, 0, 0, 6))
    alone_BTH, padded_BTH = encoder(clips_BTM, lengths_B), encoder(padded_BTM, lengths_B)
    frames = int(encoder.pooled_frames(lengths_B)[0])
    assert alone_BTH.shape == (2, frames, encoder.num_outputs)
    assert frames == -(-9 // encoder.time_pooling)
    torch.testing.assert_close(padded_BTH[:, :frames], alone_BTH, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("builder", BUILDERS)
def test_clip_does_not_depend_on_its_batch(builder: Callable[..., FrameEncoder]) -> None:
    encoder = builder().eval()
    clips_BTM, lengths_B = torch.randn(3, 12, encoder.num_mels), torch.tensor([12, 7, 1])
    for row in range(3):
        clips_BTM[row, lengths_B[row] :] = 0.0
    together_BTH = encoder(clips_BTM, lengths_B)
    for row, frames in enumerate(lengths_B.tolist()):
        alone_BTH = encoder(clips_BTM[row : row + 1, :frames], lengths_B[row : row + 1])
        torch.testing.assert_close(together_BTH[row, : alone_BTH.shape[1]], alone_BTH[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("padded", [True, False])
def test_maximum_before_relu_is_the_same_to_the_last_bit(padded: bool) -> None:
    torch.manual_seed(0)
    block = ConvBlock(in_channels=2, out_channels=3, time_pooling=2, band_pooling=4, dropout=0.0)
    image_BCTF, mask_BT = torch.randn(2, 2, 6, 8), torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    weights_BCTF = torch.randn(2, 3, 3, 2)

    def outputs_and_gradients(output_BCTF: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return output_BCTF, *torch.autograd.grad((output_BCTF * weights_BCTF).sum(), list(block.parameters()))

    activated_BCTF = F.relu(block.norm(block.conv(image_BCTF), mask_BT if padded else None))
    if padded:
        activated_BCTF = activated_BCTF * mask_BT[:, None, :, None]
    in_the_papers_order = outputs_and_gradients(F.max_pool2d(activated_BCTF, (2, 4)))
    for ours, theirs in zip(
        outputs_and_gradients(block(image_BCTF, mask_BT if padded else None)), in_the_papers_order, strict=True
    ):
        assert torch.equal(ours, theirs)


def test_paper_sizes() -> None:
    encoder = paper_crnn()
    assert isinstance(encoder, CRNN)
    assert [block.conv.weight.shape[:2] for block in encoder.cnn.blocks] == [(64, 1), (64, 64), (64, 64)]  # type: ignore[union-attr]
    assert (encoder.time_pooling, encoder.recurrent.num_outputs, encoder.num_outputs) == (1, 128, 64)
    gated = paper_gated_crnn()
    assert isinstance(gated, CRNN)
    assert [block.conv.weight.shape[0] for block in gated.cnn.blocks] == [128, 128, 128]  # type: ignore[union-attr]


def test_gate_is_linear_times_sigmoid() -> None:
    block = GatedConvBlock(in_channels=1, out_channels=1, time_pooling=1, band_pooling=1, dropout=0.0)
    linear, gate = torch.tensor([[2.0, -3.0]]), torch.tensor([[0.0, 1.0]])
    gated = block.activate(torch.stack([linear, gate], dim=1).unsqueeze(-1))
    torch.testing.assert_close(gated.flatten(), torch.tensor([2.0 * 0.5, -3.0 * 0.7310586]))


def test_plain_block_by_hand() -> None:
    block = ConvBlock(in_channels=1, out_channels=1, time_pooling=2, band_pooling=1, dropout=0.0).eval()
    torch.nn.init.zeros_(block.conv.weight)
    block.conv.weight.data[0, 0, 1, 1] = 1.0  # the identity
    image_BCTF = torch.tensor([[[[-1.0], [3.0], [2.0], [5.0]]]])
    pooled_BCTF = block(image_BCTF, torch.tensor([[True, True, True, False]]))
    torch.testing.assert_close(pooled_BCTF.flatten(), torch.tensor([3.0, 2.0]), atol=1e-4, rtol=1e-4)


def test_too_few_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="num_mels 16 is too few"):
        demo_crnn(num_mels=16)


def test_bands_are_normalised_over_the_training_data() -> None:
    encoder = demo_tagging_cnn()
    assert isinstance(encoder, CNN)
    assert encoder.band_norm is not None
    loud_BTM = torch.randn(4, 50, 40) * torch.linspace(0.1, 5.0, 40) + torch.linspace(-3.0, 3.0, 40)
    normalised_BTM = encoder._normalise_bands(encoder.band_norm, loud_BTM, None)
    torch.testing.assert_close(normalised_BTM.mean((0, 1)), torch.zeros(40), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(normalised_BTM.var((0, 1), unbiased=False), torch.ones(40), atol=1e-2, rtol=0.0)
