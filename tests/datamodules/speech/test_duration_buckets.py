"""Training batches: every utterance at most once, ranks disjoint, never too long, the same whenever asked."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from datamodules.speech import duration_buckets
from datamodules.speech.duration_buckets import DurationBuckets, EvaluationBatches, bucket_sizes, evaluation_batches
from datamodules.speech.speed_perturbation import Draw, samples_at_speed

LENGTHS = st.lists(st.integers(1, 1000), min_size=1, max_size=60)
FACTORS = st.sampled_from([(1.0,), (0.9, 1.0, 1.1)])
SEEDS = st.integers(0, 5)


def buckets(lengths: list[int], factors: tuple[float, ...], seed: int, *, limit: int = 1500) -> DurationBuckets:
    return DurationBuckets(
        indices=range(len(lengths)),
        utterance_ids=[f"u{number}" for number in range(len(lengths))],
        num_samples=lengths,
        batch_samples=limit,
        speed_factors=factors,
        seed=seed,
    )


@contextmanager
def process(rank: int, world: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duration_buckets, "rank_and_world", lambda: (rank, world))
        yield


@given(lengths=LENGTHS, factors=FACTORS, seed=SEEDS, epoch=st.integers(0, 4))
def test_every_utterance_once_and_no_batch_too_long(
    lengths: list[int], factors: tuple[float, ...], seed: int, epoch: int
) -> None:
    sampler = buckets(lengths, factors, seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(draw.number for batch in batches for draw in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(samples_at_speed(lengths[draw.number], draw.speed) for draw in batch)
        assert longest * len(batch) <= 1500
        assert {draw.speed for draw in batch} <= set(factors)


@settings(max_examples=50)
@given(lengths=LENGTHS, factors=FACTORS, seed=SEEDS, epoch=st.integers(0, 4), world=st.integers(2, 4))
def test_ranks_share_the_batches_of_one_process(
    lengths: list[int], factors: tuple[float, ...], seed: int, epoch: int, world: int
) -> None:
    sampler = buckets(lengths, factors, seed, limit=8000)
    sampler.set_epoch(epoch)
    assume(min(sampler.sizes[:-1] or sampler.sizes) >= world)
    ranks = []
    for rank in range(world):
        with process(rank, world):
            ranks.append(list(sampler))
            assert len(ranks[-1]) == len(sampler)
    together = [sorted(draw for share in shares for draw in share) for shares in zip(*ranks, strict=True)]
    assert together == [sorted(batch) for batch in sampler.global_batches() if len(batch) >= world]
    assert all(abs(len(a) - len(b)) <= 1 for shares in zip(*ranks, strict=True) for a in shares for b in shares)


def test_too_few_of_the_longest_for_the_processes_is_refused() -> None:
    with process(0, 3), pytest.raises(ValueError, match="only 1 of the longest utterances, too few for 3 processes"):
        iter(buckets([1000, 1000, 10, 10, 10], (1.0,), 0))


def test_an_utterance_that_is_longer_than_a_batch_is_named() -> None:
    with pytest.raises(ValueError, match="too short for utterance 'u1', which needs 2210"):
        buckets([10, 2000, 10], (1.0,), 0)


def test_epochs_and_seeds_differ_and_repeat() -> None:
    lengths = np.random.default_rng(0).integers(100, 1000, 50).tolist()
    seen = []
    for seed in (0, 1):
        sampler = buckets(lengths, (0.9, 1.0, 1.1), seed)
        for epoch in (0, 1):
            sampler.sampler.set_epoch(epoch)  # as Lightning does
            assert list(sampler) == list(sampler)
            assert list(pickle.loads(pickle.dumps(sampler))) == list(sampler)
            seen.append(list(sampler))
    assert all(seen[i] != seen[j] for i in range(4) for j in range(i))
    compositions = [frozenset(frozenset(draw.number for draw in batch) for batch in batches) for batches in seen[:2]]
    assert compositions[0] != compositions[1]  # other company, not only another order


def test_batches_hold_utterances_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(16000, 160000, 1000)
    sampler = buckets(lengths.tolist(), (1.0,), 0, limit=60 * 16000)
    padded = sum(max(lengths[draw.number] for draw in batch) * len(batch) for batch in sampler)
    assert 1 - lengths.sum() / padded < 0.12  # shuffled without buckets it is above a third


def test_the_first_epoch_may_go_from_short_to_long() -> None:
    lengths = np.random.default_rng(0).integers(100, 1000, 60).tolist()
    sampler = DurationBuckets(
        indices=range(60), utterance_ids=[str(n) for n in range(60)], num_samples=lengths, batch_samples=3000,
        sorted_first_epoch=True,
    )  # fmt: skip
    means = [np.mean([lengths[draw.number] for draw in batch]) for batch in sampler]
    assert means == sorted(means)
    sampler.set_epoch(1)
    means = [np.mean([lengths[draw.number] for draw in batch]) for batch in sampler]
    assert means != sorted(means)


@given(lengths=LENGTHS, limit=st.integers(1000, 4000))
def test_sizes_fill_batches(lengths: list[int], limit: int) -> None:
    sizes = bucket_sizes(np.array(lengths), limit=limit)
    descending = sorted(lengths, reverse=True)
    starts = np.cumsum([0, *sizes]).tolist()
    assert starts[-1] == len(lengths)
    for start, end in pairwise(starts):
        assert descending[start] * (end - start) <= limit
        assert end == len(lengths) or descending[start] * (end - start + 1) > limit


@given(lengths=LENGTHS, world=st.integers(1, 4))
def test_evaluation_batches_are_a_partition(lengths: list[int], world: int) -> None:
    assume(len(lengths) >= world)
    shares = [evaluation_batches(np.array(lengths), limit=900, rank=rank, world=world) for rank in range(world)]
    assert sorted(number for share in shares for batch in share for number in batch) == list(range(len(lengths)))
    for batch in (batch for share in shares for batch in share):
        assert len(batch) == 1 or max(lengths[number] for number in batch) * len(batch) <= 900
    flat = [lengths[number] for batch in shares[0] for number in batch]
    assert flat == sorted(flat, reverse=True)


def test_evaluation_keeps_the_speed_and_needs_one_utterance_a_process() -> None:
    sampler = EvaluationBatches(np.array([5, 9, 7]), batch_samples=14)
    assert list(sampler) == [[Draw(1, 1.0)], [Draw(2, 1.0), Draw(0, 1.0)]]
    assert len(sampler) == 2
    with process(0, 4), pytest.raises(ValueError, match="3 utterances are too few for 4 processes"):
        list(sampler)
