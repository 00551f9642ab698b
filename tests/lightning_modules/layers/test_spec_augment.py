"""SpecAugment: where masks lie, how wide they are, and that nothing but the drawn numbers decides."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.spec_augment import SpecAugment, drawn_uniforms
from lightning_modules.layers.speech_features import SpeechFeatures


def masked(augment: SpecAugment, lengths: list[int], uniforms_BK: torch.Tensor, *, bands: int = 20) -> torch.Tensor:
    """True where a batch of ones was blanked, (B, T, M)."""
    features_BTM = torch.ones(len(lengths), max(lengths), bands)
    return augment(features_BTM, torch.tensor(lengths), uniforms_BK, hop_seconds=0.01) == 0


@given(lengths=st.lists(st.integers(1, 80), min_size=1, max_size=5), seed=st.integers(0, 999))
def test_time_masks_lie_within_the_clip_and_are_no_longer_than_said(lengths: list[int], seed: int) -> None:
    augment = SpecAugment(time_masks=1, time_mask_seconds=0.1, time_mask_share=0.25, band_masks=0)
    uniforms_BK = torch.rand(len(lengths), augment.num_uniforms, generator=torch.Generator().manual_seed(seed))
    masked_BTM = masked(augment, lengths, uniforms_BK)
    assert torch.equal(masked_BTM.any(2), masked_BTM.all(2))  # all bands or none
    for row, length in enumerate(lengths):
        frames = masked_BTM[row, :, 0].nonzero().flatten().tolist()
        assert len(frames) <= min(10, length // 4)
        assert not frames or (frames[-1] < length and frames[-1] - frames[0] == len(frames) - 1)


@given(seed=st.integers(0, 999), share=st.sampled_from([0.0, 0.2, 1.0]))
def test_band_masks_cover_the_whole_clip_and_no_more_bands_than_said(seed: int, share: float) -> None:
    augment = SpecAugment(time_masks=0, band_masks=1, band_mask_share=share)
    uniforms_BK = torch.rand(3, augment.num_uniforms, generator=torch.Generator().manual_seed(seed))
    masked_BTM = masked(augment, [9, 5, 7], uniforms_BK)
    assert torch.equal(masked_BTM.any(1), masked_BTM.all(1))
    assert (masked_BTM[:, 0].sum(1) <= share * 20).all()


def test_every_width_and_every_place_occurs() -> None:
    augment = SpecAugment(time_masks=1, time_mask_seconds=1.0, time_mask_share=0.5, band_masks=0)
    rows = torch.cartesian_prod(torch.linspace(0, 0.999, 30), torch.linspace(0, 0.999, 30))
    masked_BT = masked(augment, [8] * 900, rows)[:, :, 0]
    assert set(masked_BT.sum(1).tolist()) == {0, 1, 2, 3, 4}
    assert masked_BT.any(0).all()


def test_several_masks_add_up_and_none_is_the_identity() -> None:
    two = SpecAugment(time_masks=2, time_mask_share=0.2, band_masks=0)
    # Widths (10, 10) of 50 frames at places 0 and last.
    masked_BT = masked(two, [50], torch.tensor([[0.999, 0.999, 0.0, 0.999]]))[0, :, 0]
    assert masked_BT.nonzero().flatten().tolist() == [*range(10), *range(40, 50)]
    none = SpecAugment(time_masks=0, band_masks=0)
    assert not masked(none, [5, 3], torch.zeros(2, 0)).any()


def test_a_clip_is_masked_alike_in_every_batch() -> None:
    augment = SpecAugment()
    names, lengths = ["a", "b", "c"], [60, 31, 44]
    together = masked(augment, lengths, drawn_uniforms(names, seed=3, epoch=1, count=augment.num_uniforms))
    assert together.any()
    for row, (name, length) in enumerate(zip(names, lengths, strict=True)):
        alone = masked(augment, [length], drawn_uniforms([name], seed=3, epoch=1, count=augment.num_uniforms))
        assert torch.equal(together[row, :length], alone[0])


def test_draws_differ_by_seed_epoch_and_utterance() -> None:
    draws = [
        drawn_uniforms([name], seed=seed, epoch=epoch, count=4)
        for name in ("a", "b")
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == 8
    many_BK = drawn_uniforms([str(n) for n in range(2000)], seed=0, epoch=0, count=2)
    assert many_BK.min() >= 0
    assert many_BK.max() < 1
    assert many_BK.mean().item() == pytest.approx(0.5, abs=0.02)


def test_features_are_masked_only_where_asked_and_padding_stays_zero() -> None:
    features = SpeechFeatures(
        sample_rate_hz=8000,
        settings=LogMelSettings(hop_seconds=0.01, window_seconds=0.032, num_mels=16),
        spec_augment=SpecAugment(time_mask_share=0.5),
    )
    waveforms_BS, num_samples_B = torch.randn(2, 8000), torch.tensor([8000, 4000])
    waveforms_BS[1, 4000:] = 0.0
    plain_BTM = features(waveforms_BS, num_samples_B)
    assert plain_BTM.shape == (2, 100, 16)
    assert not plain_BTM[1, 50:].any()
    real_FM = torch.cat([plain_BTM[0], plain_BTM[1, :50]])
    torch.testing.assert_close(real_FM.mean(0), torch.zeros(16), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(real_FM.std(0, unbiased=False), torch.ones(16), atol=1e-2, rtol=0.0)
    masked_BTM = features.masked(plain_BTM, num_samples_B, utterance_ids=("a", "b"), seed=0, epoch=0)
    changed = masked_BTM != plain_BTM
    assert changed.any()
    assert not masked_BTM[changed].any()


@pytest.mark.parametrize(
    "settings", [{"time_masks": -1}, {"time_mask_seconds": -0.1}, {"time_mask_share": 1.5}, {"band_mask_share": -0.1}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        SpecAugment(**settings)  # type: ignore[arg-type]
