"""Augmentation: labels move with the audio, mixtures and filters are what their formulas say, draws know no place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_modules.layers.augmentation import Augmentation
from lightning_modules.layers.filter_augment import FilterAugment
from lightning_modules.layers.labelled_features import LabelledFeatures
from lightning_modules.layers.log_mel import DECIBELS_PER_UNIT
from lightning_modules.layers.spec_augment import SpecAugment

HOP_SECONDS, POOLING, MELS, CLASSES = 0.04, 2, 40, 3
EVERYTHING = {
    "time_shift_seconds": 1.0, "mixup_alpha": 0.5, "filtering": FilterAugment(), "masks": SpecAugment(),
}  # fmt: skip


def clips(
    num_frames: tuple[int, ...] = (40, 26, 40, 31), *, strong: tuple[bool, ...] | None = None
) -> LabelledFeatures:
    generator = torch.Generator().manual_seed(0)
    number, longest = len(num_frames), max(num_frames)
    lengths_B = torch.tensor(num_frames)
    mask_BT1 = (torch.arange(longest) < lengths_B.unsqueeze(1)).unsqueeze(-1)
    features_BTM = torch.randn(number, longest, MELS, generator=generator) * mask_BT1
    activity_BTC = (torch.rand(number, longest // POOLING, CLASSES, generator=generator) > 0.5).float()
    activity_BTC *= (torch.arange(longest // POOLING) < (-(-lengths_B // POOLING)).unsqueeze(1)).unsqueeze(-1)
    return LabelledFeatures(
        clip_ids=tuple(f"clip_{n}" for n in range(number)), features_BTM=features_BTM, num_frames_B=lengths_B,
        tags_BC=activity_BTC.amax(1), activity_BTC=activity_BTC, has_tags_B=torch.ones(number, dtype=torch.bool),
        has_events_B=torch.tensor(strong or (True,) * number),
    )  # fmt: skip


def heard(augmentation: Augmentation, labelled: LabelledFeatures, *, seed: int = 1, epoch: int = 0) -> LabelledFeatures:
    made: LabelledFeatures = augmentation(
        labelled, seed=seed, epoch=epoch, hop_seconds=HOP_SECONDS, time_pooling=POOLING
    )
    return made


def test_labels_are_turned_with_the_audio_and_padding_stays() -> None:
    labelled = clips()
    # The first bands say what the labels say, so that any disagreement after the shift shows.
    assert labelled.activity_BTC is not None
    labelled.features_BTM[:, :, :CLASSES] = labelled.activity_BTC.repeat_interleave(POOLING, dim=1)
    labelled.features_BTM[3, 31:] = 0.0
    shifted = heard(Augmentation(time_shift_seconds=1.0), labelled)
    assert shifted.activity_BTC is not None
    moved = False
    for row, frames in enumerate(labelled.num_frames_B.tolist()):
        assert not shifted.features_BTM[row, frames:].any()
        whole = frames // POOLING * POOLING
        of_audio = shifted.features_BTM[row, :whole:POOLING, :CLASSES]
        if frames == whole:
            assert torch.equal(of_audio, shifted.activity_BTC[row, : frames // POOLING])
        before, after = labelled.features_BTM[row, :frames], shifted.features_BTM[row, :frames]
        assert torch.equal(before.sort(0).values, after.sort(0).values)  # the same frames, in another order
        moved |= not torch.equal(before, after)
    assert moved
    assert torch.equal(shifted.tags_BC, labelled.tags_BC)


def test_shifts_reach_as_far_as_they_may_and_no_farther() -> None:
    ramp = clips((40,))._replace(features_BTM=torch.arange(40.0).view(1, 40, 1).expand(1, 40, MELS))
    shift = Augmentation(time_shift_seconds=0.25)  # three frames of the curves of 80 ms
    seen = {int(heard(shift, ramp, epoch=epoch).features_BTM[0, 0, 0]) for epoch in range(60)}
    assert seen == {0, 2, 4, 6, 34, 36, 38}


def test_a_mixture_has_the_same_share_of_features_tags_and_events() -> None:
    labelled = clips()
    mixture = heard(Augmentation(mixup_alpha=0.5), labelled)
    assert mixture.activity_BTC is not None
    assert labelled.activity_BTC is not None
    for row in range(4):
        own, others = labelled.features_BTM[row], labelled.features_BTM
        found = []
        for partner in range(4):
            difference = own - others[partner]
            if partner != row:
                share = ((mixture.features_BTM[row] - others[partner]) * difference).sum() / difference.square().sum()
                if torch.allclose(mixture.features_BTM[row], share * own + (1 - share) * others[partner], atol=1e-5):
                    found.append((partner, share))
        ((partner, share),) = found
        assert 0 <= share <= 1
        for name in ("tags_BC", "activity_BTC"):
            values = getattr(labelled, name)
            expected = share * values[row] + (1 - share) * values[partner]
            torch.testing.assert_close(getattr(mixture, name)[row], expected, atol=1e-5, rtol=1e-5)
        assert mixture.num_frames_B[row] == max(labelled.num_frames_B[row], labelled.num_frames_B[partner])


def test_clips_are_mixed_with_their_own_kind_alone() -> None:
    labelled = clips((40,) * 4, strong=(True, False, False, True))
    labelled.features_BTM[:] = 0.0
    labelled.features_BTM[[0, 3]] = 1.0
    for epoch in range(5):
        mixture = heard(Augmentation(mixup_alpha=1.0), labelled, epoch=epoch)
        torch.testing.assert_close(mixture.features_BTM, labelled.features_BTM)
    alone = clips((40, 40), strong=(True, False))
    assert torch.allclose(heard(Augmentation(mixup_alpha=1.0), alone).features_BTM, alone.features_BTM)


def test_no_clip_is_mixed_where_no_share_is() -> None:
    labelled = clips()
    mixture = heard(Augmentation(mixup_alpha=0.5, mixup_share=1e-9), labelled)
    assert torch.equal(mixture.features_BTM, labelled.features_BTM)
    assert torch.equal(mixture.num_frames_B, labelled.num_frames_B)


@pytest.mark.parametrize(("kind", "stretches", "width"), [("linear", (3, 5), 6), ("step", (2, 4), 4)])
def test_filters_have_no_mean_keep_their_range_and_are_made_of_stretches(
    kind: str, stretches: tuple[int, int], width: int
) -> None:
    settings = FilterAugment(kind=kind, min_stretches=stretches[0], max_stretches=stretches[1], min_width=width)  # type: ignore[arg-type]
    for seed in range(50):
        gains_M = settings.gains(np.random.default_rng(seed), num_mels=MELS)
        assert gains_M.shape == (MELS,)
        assert abs(gains_M.mean()) < 1e-9
        assert np.ptp(gains_M) <= 2 * settings.gain_decibels
        bends = np.flatnonzero(np.abs(np.diff(gains_M, n=1 if kind == "step" else 2)) > 1e-9)
        runs = np.split(bends, np.flatnonzero(np.diff(bends) > 1) + 1)  # a bend between bands shows in two places
        assert stretches[0] - 1 <= len([run for run in runs if run.size]) <= stretches[1] - 1


def test_a_filter_is_the_same_for_all_frames_and_none_on_padding() -> None:
    labelled = clips()
    filtered = heard(Augmentation(filtering=FilterAugment()), labelled)
    for row, frames in enumerate(labelled.num_frames_B.tolist()):
        gains_TM = (filtered.features_BTM - labelled.features_BTM)[row, :frames]
        torch.testing.assert_close(gains_TM, gains_TM[:1].expand_as(gains_TM), atol=1e-5, rtol=0)
        assert gains_TM[0].abs().max() * DECIBELS_PER_UNIT <= 12.0
        assert not filtered.features_BTM[row, frames:].any()
    assert filtered.features_BTM.sum().item() == pytest.approx(labelled.features_BTM.sum().item(), abs=1e-2)


def test_masks_blank_features_and_leave_labels() -> None:
    labelled = clips()
    masked = heard(Augmentation(masks=SpecAugment(time_mask_share=0.5, band_mask_share=0.5)), labelled)
    blank_BTM = masked.features_BTM == 0
    assert blank_BTM.sum() > (labelled.features_BTM == 0).sum()
    assert torch.equal(masked.features_BTM[~blank_BTM], labelled.features_BTM[~blank_BTM])
    assert torch.equal(masked.activity_BTC, labelled.activity_BTC)  # type: ignore[arg-type]


def test_draws_are_of_seed_epoch_and_clip_whatever_the_order_of_the_batch() -> None:
    labelled, augmentation = clips(), Augmentation(**EVERYTHING)  # type: ignore[arg-type]
    once = heard(augmentation, labelled)
    state = torch.get_rng_state()
    again = heard(augmentation, labelled)
    assert torch.equal(torch.get_rng_state(), state)
    order = [2, 0, 3, 1]
    permuted = LabelledFeatures(
        tuple(labelled.clip_ids[row] for row in order),
        *(field[order] for field in labelled[1:]),  # type: ignore[index]
    )
    otherwise = heard(augmentation, permuted)
    for one, two, three in zip(once[1:], again[1:], otherwise[1:], strict=True):
        assert torch.equal(one, two)  # type: ignore[arg-type]
        torch.testing.assert_close(one[order], three)  # type: ignore[index]
    for other in (heard(augmentation, labelled, seed=2), heard(augmentation, labelled, epoch=1)):
        assert not torch.equal(other.features_BTM, once.features_BTM)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "augmentation has nothing to do"),
        ({"mixup_alpha": 0.2, "mixup_share": 0.0}, "augmentation has nothing to do"),
        ({"time_shift_seconds": -1.0}, "must be 0 or more"),
        ({"mixup_alpha": 0.2, "mixup_share": 1.5}, r"mixup_share 1\.5 within 0 and 1"),
    ],
)
def test_settings_that_do_nothing_or_harm_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**settings)  # type: ignore[arg-type]


def test_settings_that_do_not_fit_the_features_are_refused() -> None:
    with pytest.raises(ValueError, match="max_stretches 5 x min_width 6 is above num_mels 20"):
        Augmentation(filtering=FilterAugment()).check(num_mels=20, frame_seconds=0.08)
    with pytest.raises(ValueError, match=r"time_shift_seconds 0\.05 is below a frame of the curves, 0\.080 s"):
        Augmentation(time_shift_seconds=0.05).check(num_mels=40, frame_seconds=0.08)
    with pytest.raises(ValueError, match="must hold"):
        FilterAugment(min_stretches=0)
