"""Batches of utterances of similar length, as much audio each as fits: pure functions of (seed, epoch, rank, world).

How many utterances the batches of an epoch hold is fixed once (``bucket_sizes``): the lengths at the slowest speed,
longest first, are cut wherever one more would push ``longest x count`` above ``batch_seconds``. Each epoch sorts the
utterances anew by (length at the drawn speed) x (a random factor within 1 +- ``JITTER``) and deals them into these
sizes; then the batches are shuffled. Since the k-th longest of an epoch is never longer than the k-th longest that the
sizes were made for, no batch exceeds the limit, every epoch has equally many batches, and nothing is left out
(but a last batch of fewer utterances than there are processes). Where an epoch takes a choice of the utterances
(``language_sampling.py``) the sizes are those of the longest choice.
Lhotse's bucketing sampler repeats batches to even out ranks, and its number of batches changes by the epoch.

Ranks share each global batch, every world-th utterance to a rank, so global batches are those of one process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from datamodules.samplers import rank_and_world
from datamodules.speech.language_sampling import SampledUtterances
from datamodules.speech.speed_perturbation import Draw, drawn_speed, samples_at_speed

JITTER = 0.05  # keeps the company changing where most utterances are equally long; costs twice as much in padding


def bucket_sizes(lengths_N: NDArray[np.int64], *, limit: float) -> list[int]:
    """Numbers of utterances of the batches, of the longest utterances first; ``longest x count <= limit`` in each.

    Raises ``ValueError`` where a single utterance exceeds the limit.

    >>> bucket_sizes(np.array([1, 1, 2, 2, 3, 5]), limit=6)
    [1, 2, 3]
    """
    descending = np.sort(lengths_N)[::-1].tolist()
    if descending and descending[0] > limit:
        raise ValueError(f"an utterance of length {descending[0]} exceeds the limit of {limit}")
    sizes: list[int] = []
    start = 0
    while start < len(descending):
        sizes.append(min(int(limit // descending[start]), len(descending) - start))
        start += sizes[-1]
    return sizes


class DurationBuckets(Sampler[list[Draw]]):
    """A DataLoader's ``batch_sampler`` of training batches. Iterating changes nothing; ``set_epoch`` moves on.

    Args:
        indices, utterance_ids, num_samples: of the training utterances, at their own speed.
        batch_samples: the most padded samples of one batch over *all* processes.
        speed_factors: what ``drawn_speed`` draws from.
        sorted_first_epoch: the first epoch's batches from short to long (SortaGrad, Amodei et al. 2015), not shuffled.
        seed: of order and speeds.
        sampled: chooses each epoch's utterances, by their places in ``indices``; None takes each once.

    Raises:
        ValueError: ``batch_samples`` is too little for the longest utterances, at the start or, where each process
            must get one of a batch, in the first epoch.

    """

    def __init__(
        self,
        *,
        indices: Sequence[int],
        utterance_ids: Sequence[str],
        num_samples: Sequence[int] | NDArray[np.int64],
        batch_samples: int,
        speed_factors: Sequence[float] = (1.0,),
        sorted_first_epoch: bool = False,
        seed: int = 0,
        sampled: SampledUtterances | None = None,
    ) -> None:
        self.sampled = sampled
        self.indices = tuple(indices)
        self.utterance_ids = tuple(utterance_ids)
        self.num_samples = tuple(int(length) for length in num_samples)
        self.speed_factors = tuple(speed_factors)
        self.sorted_first_epoch = sorted_first_epoch
        self.seed = seed
        self.epoch = 0
        slowest_N = np.array(
            [samples_at_speed(length, min(speed_factors)) for length in self.num_samples], dtype=np.int64
        )
        # A batch sorted by jittered lengths may hold one that is longer than its place says, by the jitter's span.
        span = (1 + JITTER) / (1 - JITTER)
        longest = int(np.argmax(slowest_N))
        if slowest_N[longest] * span > batch_samples:
            raise ValueError(
                f"batches of {batch_samples} samples are too short for utterance {self.utterance_ids[longest]!r}, "
                f"which needs {int(slowest_N[longest] * span)} at the slowest speed"
            )
        chosen_N = slowest_N if sampled is None else slowest_N[sampled.longest]
        self.sizes = bucket_sizes(chosen_N, limit=batch_samples / span)
        # Lightning calls ``batch_sampler.sampler.set_epoch`` and nothing else.
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches the next iteration gives."""
        self.epoch = epoch

    def global_batches(self) -> list[list[Draw]]:
        """The epoch's batches over all processes."""
        rng = np.random.default_rng((self.seed, self.epoch))
        places = self._places()
        draws = [self._draw(place, copy) for place, copy in places]
        lengths_N = np.array(
            [
                samples_at_speed(self.num_samples[place], draw.speed)
                for (place, _), draw in zip(places, draws, strict=True)
            ]
        )
        order = np.argsort(-lengths_N * rng.uniform(1 - JITTER, 1 + JITTER, len(draws)), kind="stable").tolist()
        starts = np.cumsum([0, *self.sizes]).tolist()
        batches = [[draws[index] for index in order[start:end]] for start, end in pairwise(starts)]
        if self.sorted_first_epoch and self.epoch == 0:
            return batches[::-1]
        return [batches[number] for number in rng.permutation(len(batches))]

    def _places(self) -> list[tuple[int, int]]:
        """The epoch's utterances by their places, each with how often it was taken before."""
        if self.sampled is None:
            return [(place, 0) for place in range(len(self.indices))]
        taken: Counter[int] = Counter()
        places = []
        for place in self.sampled.of_epoch(seed=self.seed, epoch=self.epoch):
            places.append((place, taken[place]))
            taken[place] += 1
        return places

    def _draw(self, place: int, copy: int) -> Draw:
        """An utterance at its speed, which is another one's if it is heard again in the epoch."""
        name = self.utterance_ids[place] + (f"#{copy}" if copy else "")
        speed = drawn_speed(name, factors=self.speed_factors, seed=self.seed, epoch=self.epoch)
        return Draw(self.indices[place], speed, name, self.epoch)

    def __iter__(self) -> Iterator[list[Draw]]:
        rank, world = rank_and_world()
        if (smallest := min(self.sizes[:-1] or self.sizes)) < world:
            raise ValueError(f"a batch holds only {smallest} of the longest utterances, too few for {world} processes")
        return (batch[rank::world] for batch in self.global_batches() if len(batch) >= world)

    def __len__(self) -> int:
        return sum(size >= rank_and_world()[1] for size in self.sizes)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "sampler"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.sampler = self


def evaluation_batches(lengths_N: NDArray[np.int64], *, limit: float, rank: int = 0, world: int = 1) -> list[list[int]]:
    """A rank's share of a split that is scored: every utterance on one rank, once, longest first, ranks unpadded.

    An utterance longer than ``limit`` gets a batch to itself. Raises ``ValueError`` where a rank would have none,
    which torch's collectives do not survive.

    >>> evaluation_batches(np.array([3, 9, 2, 2, 1]), limit=6, rank=1, world=2)
    [[0, 3]]
    """
    if len(lengths_N) < world:
        raise ValueError(f"{len(lengths_N)} utterances are too few for {world} processes")
    batches: list[list[int]] = []
    for index in np.argsort(-lengths_N, kind="stable")[rank::world].tolist():
        if not batches or lengths_N[batches[-1][0]] * (len(batches[-1]) + 1) > limit:
            batches.append([])
        batches[-1].append(index)
    return batches


class EvaluationBatches(Sampler[list[Draw]]):
    """``evaluation_batches`` as the ``sampler`` of a DataLoader without a batch size; ``batch_samples`` is global."""

    def __init__(self, num_samples_N: NDArray[np.int64], *, batch_samples: int) -> None:
        self.num_samples_N = num_samples_N
        self.batch_samples = batch_samples

    def _batches(self) -> list[list[int]]:
        rank, world = rank_and_world()
        return evaluation_batches(self.num_samples_N, limit=self.batch_samples / world, rank=rank, world=world)

    def __iter__(self) -> Iterator[list[Draw]]:
        return ([Draw(index, 1.0) for index in batch] for batch in self._batches())

    def __len__(self) -> int:
        return len(self._batches())
