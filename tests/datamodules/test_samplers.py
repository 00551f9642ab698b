"""Batches are pure functions of (seed, epoch, rank, world), whatever iterates them how often."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.samplers import EpochBatchSampler, ShardSampler, class_balanced, epoch_batches, evaluation_shard


@given(
    share=st.integers(1, 5),
    world=st.integers(1, 4),
    num_clips=st.integers(0, 60),
    seed=st.integers(0, 9),
    epoch=st.integers(0, 9),
)
def test_ranks_together_have_the_batches_of_one_process(
    share: int, world: int, num_clips: int, seed: int, epoch: int
) -> None:
    settings = {"num_clips": num_clips, "batch_size": share * world, "seed": seed, "epoch": epoch}
    ranks = [epoch_batches(**settings, rank=rank, world=world) for rank in range(world)]
    assert len({len(batches) for batches in ranks}) == 1
    together = [[clip for part in parts for clip in part] for parts in zip(*ranks, strict=True)]
    assert together == epoch_batches(**settings)
    clips = [clip for batch in together for clip in batch]
    assert len(set(clips)) == len(clips) == num_clips - num_clips % (share * world)


def test_epochs_and_seeds_differ_and_repeat() -> None:
    settings = {"num_clips": 50, "batch_size": 10}
    orders = [str(epoch_batches(**settings, seed=seed, epoch=epoch)) for seed in (0, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4
    assert orders[1] == str(epoch_batches(**settings, seed=0, epoch=1))


@given(num_clips=st.integers(0, 40), world=st.integers(1, 5))
def test_evaluation_shards_are_a_partition(num_clips: int, world: int) -> None:
    shards = [evaluation_shard(num_clips=num_clips, rank=rank, world=world) for rank in range(world)]
    assert sorted(clip for shard in shards for clip in shard) == list(range(num_clips))


def test_sampler_is_pure_until_the_epoch_is_set() -> None:
    sampler = EpochBatchSampler(num_clips=20, batch_size=6, seed=3)
    first = list(sampler)
    assert list(sampler) == first
    assert len(first) == len(sampler) == 3
    sampler.sampler.set_epoch(1)  # as Lightning does
    assert list(sampler) != first
    copy = pickle.loads(pickle.dumps(sampler))
    assert list(copy) == list(sampler)
    sampler.sampler.set_epoch(0)
    assert list(sampler) == first


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="batch_size 6 is global and must be a multiple of the 4 processes"):
        epoch_batches(num_clips=20, batch_size=6, seed=0, epoch=0, rank=0, world=4)
    with pytest.raises(ValueError, match="batch_size 9 must lie within 1 and the 8 training clips"):
        EpochBatchSampler(num_clips=8, batch_size=9, seed=0)


def test_shard_of_one_process_is_everything_in_order() -> None:
    assert list(ShardSampler(num_clips=3)) == [0, 1, 2]


TAGS = [{"dog"}] * 30 + [{"cat"}] * 3 + [{"dog", "cat"}] + [set[str]()] * 6


@given(tags=st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=30))
def test_every_class_is_as_probable_as_any_other(tags: list[set[str]]) -> None:
    probabilities_N = class_balanced(tags)
    assert probabilities_N.sum() == pytest.approx(1.0)
    assert (probabilities_N > 0).all()
    names = {name for of_clip in tags for name in of_clip or {""}}
    counts = Counter(name for of_clip in tags for name in of_clip or {""})
    shares = {name: sum(1 / counts[name] for of_clip in tags if name in (of_clip or {""})) for name in names}
    assert all(share == pytest.approx(1.0) for share in shares.values())
    by_draw = np.zeros(len(tags))  # a class evenly, then a clip of it evenly
    for name in names:
        of_name = [number for number, of_clip in enumerate(tags) if name in (of_clip or {""})]
        by_draw[of_name] += 1 / len(names) / len(of_name)
    np.testing.assert_allclose(probabilities_N, by_draw)


def test_rare_classes_are_drawn_as_often_as_common_ones() -> None:
    settings = {"num_clips": len(TAGS), "batch_size": 4, "seed": 0, "probabilities": class_balanced(TAGS)}
    drawn = Counter[str]()
    for epoch in range(200):
        batches = epoch_batches(**settings, epoch=epoch)  # type: ignore[arg-type]
        assert len(batches) == len(TAGS) // 4
        drawn.update(name for batch in batches for number in batch for name in TAGS[number] or {"none"})
    assert drawn["none"] / 8000 == pytest.approx(1 / 3, abs=0.02)
    assert drawn["cat"] / drawn["dog"] == pytest.approx((1 / 3 + 1 / 93) / (1 / 3 + 1 / 12), abs=0.06)


@pytest.mark.parametrize("world", [2, 4])
def test_balanced_ranks_share_the_batches_of_one_process(world: int) -> None:
    settings = {"num_clips": len(TAGS), "batch_size": 8, "seed": 1, "epoch": 3, "probabilities": class_balanced(TAGS)}
    ranks = [epoch_batches(**settings, rank=rank, world=world) for rank in range(world)]  # type: ignore[arg-type]
    together = [[clip for part in parts for clip in part] for parts in zip(*ranks, strict=True)]
    assert together == epoch_batches(**settings)  # type: ignore[arg-type]
    sampler = EpochBatchSampler(num_clips=len(TAGS), batch_size=8, seed=1, probabilities=class_balanced(TAGS))
    sampler.set_epoch(3)
    assert list(pickle.loads(pickle.dumps(sampler))) == together
