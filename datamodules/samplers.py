"""Which clips make which batch: pure functions of (seed, epoch, rank, world).

Training: the clips in an epoch's order, cut into global batches, each split evenly over the ranks; what does not fill
the last batch is left out (another share every epoch), so the global batches are the same on any number of devices.
Where clips have probabilities (class-balanced sampling), an epoch's order is drawn with them, with replacement.
Evaluation: rank r takes clips r, r + world, …, unpadded: 5 clips on 2 ranks stay 5, where torch's DistributedSampler
makes 6. Rank and world are asked for when an epoch starts, since loaders may be built before the processes know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch.distributed as dist
from numpy.typing import NDArray
from torch.utils.data import Sampler

Sampling = Literal["even", "class_balanced"]


def rank_and_world() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) outside a distributed run."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def local_batch_size(batch_size: int, *, world: int) -> int:
    """A rank's share of a global batch. Raises ``ValueError`` where it does not divide."""
    if batch_size % world:
        raise ValueError(f"batch_size {batch_size} is global and must be a multiple of the {world} processes")
    return batch_size // world


def class_balanced(tags: Sequence[Collection[str]]) -> NDArray[np.float64]:
    """The probability of each of N clips: a class is drawn evenly, then one of its clips, (N,).

    ``p_i = (1/K) Σ_{c ∈ tags_i} 1/n_c``, n_c the clips of class c. Clips without a tag are a class too; K counts the
    classes that have a clip.

    >>> class_balanced([{"dog"}, {"dog"}, {"dog", "cat"}, set()]).round(3).tolist()
    [0.111, 0.111, 0.444, 0.333]
    """
    classes = [sorted(of_clip) or [""] for of_clip in tags]
    counts: dict[str, int] = {}
    for of_clip in classes:
        for name in of_clip:
            counts[name] = counts.get(name, 0) + 1
    return np.array([sum(1 / counts[name] for name in of_clip) for of_clip in classes]) / len(counts)


def epoch_batches(
    *,
    num_clips: int,
    batch_size: int,
    seed: int,
    epoch: int,
    rank: int = 0,
    world: int = 1,
    probabilities: NDArray[np.float64] | None = None,
) -> list[list[int]]:
    """A rank's training batches of one epoch, as clip numbers; ``batch_size`` is global.

    ``probabilities`` (N,) are those of the clips; None takes every clip once.

    >>> epoch_batches(num_clips=5, batch_size=4, seed=0, epoch=0)
    [[2, 4, 3, 0]]
    >>> [epoch_batches(num_clips=5, batch_size=4, seed=0, epoch=0, rank=rank, world=2) for rank in (0, 1)]
    [[[2, 4]], [[3, 0]]]
    """
    share = local_batch_size(batch_size, world=world)
    generator = np.random.default_rng((seed, epoch))
    if probabilities is None:
        order = generator.permutation(num_clips)
    else:
        order = generator.choice(num_clips, size=num_clips, p=probabilities)
    starts = range(rank * share, num_clips - num_clips % batch_size, batch_size)
    return [order[start : start + share].tolist() for start in starts]


def evaluation_shard(*, num_clips: int, rank: int = 0, world: int = 1) -> list[int]:
    """A rank's clips of a split that is scored.

    >>> [evaluation_shard(num_clips=5, rank=rank, world=2) for rank in (0, 1)]
    [[0, 2, 4], [1, 3]]
    """
    return list(range(rank, num_clips, world))


class EpochBatchSampler(Sampler[list[int]]):
    """``epoch_batches`` as a DataLoader's ``batch_sampler``. Iterating changes nothing; ``set_epoch`` moves on.

    Raises ``ValueError`` where the clips do not fill one batch.
    """

    def __init__(
        self, *, num_clips: int, batch_size: int, seed: int, probabilities: NDArray[np.float64] | None = None
    ) -> None:
        if not 1 <= batch_size <= num_clips:
            raise ValueError(f"batch_size {batch_size} must lie within 1 and the {num_clips} training clips")
        self.num_clips, self.batch_size, self.seed = num_clips, batch_size, seed
        self.probabilities = probabilities
        self.epoch = 0
        # Lightning calls ``batch_sampler.sampler.set_epoch`` and nothing else.
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches the next iteration gives."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        rank, world = rank_and_world()
        return iter(
            epoch_batches(
                num_clips=self.num_clips,
                batch_size=self.batch_size,
                seed=self.seed,
                epoch=self.epoch,
                rank=rank,
                world=world,
                probabilities=self.probabilities,
            )
        )

    def __len__(self) -> int:
        return self.num_clips // self.batch_size

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "sampler"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.sampler = self


class ShardSampler(Sampler[int]):
    """``evaluation_shard`` as a DataLoader's ``sampler``: in order, each clip on one rank, once.

    Raises ``ValueError`` where a rank would have no clip, which torch's collectives do not survive.
    """

    def __init__(self, *, num_clips: int) -> None:
        self.num_clips = num_clips

    def _shard(self) -> list[int]:
        rank, world = rank_and_world()
        if self.num_clips < world:
            raise ValueError(f"{self.num_clips} clips are too few for {world} processes")
        return evaluation_shard(num_clips=self.num_clips, rank=rank, world=world)

    def __iter__(self) -> Iterator[int]:
        return iter(self._shard())

    def __len__(self) -> int:
        return len(self._shard())
