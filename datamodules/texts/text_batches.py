"""Sentences -> training batches of a language model, each a pure function of (seed, epoch, rank, world).

Two ways. *Streams*: the epoch's sentences in shuffled order, joined by the boundary token and cut into ``batch_size``
equal rows, served ``bptt_tokens`` targets at a time, so that a state can be carried on (truncated back-propagation
through time). *Sentences*: each on its own, padded, of similar length within a batch. The last few tokens of a stream
and the last few sentences that fill no batch are left out, others every epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler

from datamodules.annotations import BLANK
from datamodules.batches import TextBatch, TextStreamBatch
from datamodules.samplers import evaluation_shard, local_batch_size, rank_and_world

POOLED_BATCHES = 16  # sentences are sorted by length within as many batches: short of padding, and still shuffled


def joined(sentences: Sequence[Sequence[int]], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """An epoch's sentences in its order, a boundary before, between and after.

    >>> joined([(1, 2), (3,), (4, 5)], seed=0, epoch=0)
    array([0, 4, 5, 0, 1, 2, 0, 3, 0])
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(sentences))
    pieces = [np.array((BLANK, *sentences[index]), dtype=np.int64) for index in order]
    return np.concatenate([*pieces, np.array([BLANK])])


class Segment(NamedTuple):
    """Which piece of which epoch's streams; all that a loader's worker has to know."""

    epoch: int
    number: int
    rank: int = 0
    world: int = 1


class TextStreams(Dataset[TextStreamBatch]):
    """The pieces of streams; ``batch_size`` rows over all ranks. Raises ``ValueError`` for too few tokens."""

    def __init__(self, sentences: Sequence[Sequence[int]], *, batch_size: int, bptt_tokens: int, seed: int) -> None:
        self.sentences = sentences
        self.batch_size, self.bptt_tokens, self.seed = batch_size, bptt_tokens, seed
        num_targets = sum(len(sentence) + 1 for sentence in sentences)
        self.row_targets = num_targets // batch_size
        if not self.row_targets:
            raise ValueError(f"batch_size {batch_size} must lie within 1 and the {num_targets} training tokens")
        self.num_segments = -(-self.row_targets // bptt_tokens)
        self._rows: tuple[int, NDArray[np.int64]] | None = None  # the epoch that was asked for last

    def __len__(self) -> int:
        return self.num_segments

    def __getitem__(self, segment: Segment) -> TextStreamBatch:
        """The rank's rows of one piece."""
        if self._rows is None or self._rows[0] != segment.epoch:
            self._rows = segment.epoch, joined(self.sentences, seed=self.seed, epoch=segment.epoch)
        share = local_batch_size(self.batch_size, world=segment.world)
        begin = segment.number * self.bptt_tokens
        length = min(self.bptt_tokens, self.row_targets - begin) + 1
        firsts = np.arange(segment.rank * share, (segment.rank + 1) * share) * self.row_targets + begin
        tokens_BU = self._rows[1][firsts[:, None] + np.arange(length)]
        return TextStreamBatch(torch.from_numpy(tokens_BU), starts=segment.number == 0)


class TextStore(Dataset[TextBatch]):
    """Sentences by number: a list of numbers gives their ``TextBatch``."""

    def __init__(self, text_ids: Sequence[str], sentences: Sequence[Sequence[int]]) -> None:
        self.text_ids = text_ids
        self.sentences = sentences

    def __len__(self) -> int:
        return len(self.text_ids)

    def __getitem__(self, indices: list[int]) -> TextBatch:
        """The batch of some sentences, padded to the longest."""
        tokens = [torch.tensor(self.sentences[index], dtype=torch.int64) for index in indices]
        return TextBatch(
            text_ids=tuple(self.text_ids[index] for index in indices),
            tokens_BU=pad_sequence(tokens, batch_first=True, padding_value=BLANK),
            num_tokens_B=torch.tensor([len(tokens_U) for tokens_U in tokens]),
        )


def sentence_batches(
    lengths: Sequence[int], *, batch_size: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[list[int]]:
    """A rank's training batches of one epoch, as sentence numbers; ``batch_size`` is global.

    >>> sentence_batches([5, 1, 9, 2, 6], batch_size=2, seed=0, epoch=0)
    [[3, 0], [4, 2]]
    """
    local_batch_size(batch_size, world=world)
    generator = np.random.default_rng((seed, epoch))
    order = generator.permutation(len(lengths))[: len(lengths) - len(lengths) % batch_size]
    pool = POOLED_BATCHES * batch_size
    pools = [sorted(order[start : start + pool], key=lambda i: lengths[i]) for start in range(0, len(order), pool)]
    by_length = [int(index) for pooled in pools for index in pooled]
    batches = [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]
    return [batches[number][rank::world] for number in generator.permutation(len(batches))]


class SegmentSampler(Sampler[Segment]):
    """The pieces of an epoch in their order. Iterating changes nothing; ``set_epoch`` moves on."""

    def __init__(self, num_segments: int) -> None:
        self.num_segments, self.epoch = num_segments, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; Lightning calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Segment]:
        rank, world = rank_and_world()
        return iter([Segment(self.epoch, number, rank, world) for number in range(self.num_segments)])

    def __len__(self) -> int:
        return self.num_segments


class SentenceSampler(Sampler[list[int]]):
    """``sentence_batches`` of an epoch. Raises ``ValueError`` where the sentences do not fill one batch."""

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        if not 1 <= batch_size <= len(lengths):
            raise ValueError(f"batch_size {batch_size} must lie within 1 and the {len(lengths)} training sentences")
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; Lightning calls this."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        rank, world = rank_and_world()
        return iter(
            sentence_batches(
                self.lengths, batch_size=self.batch_size, seed=self.seed, epoch=self.epoch, rank=rank, world=world
            )
        )

    def __len__(self) -> int:
        return len(self.lengths) // self.batch_size


class EvaluationSampler(Sampler[list[int]]):
    """Each sentence of a split once over all ranks, the longest first, unpadded shards.

    Raises ``ValueError`` where a rank would have no sentence.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int) -> None:
        self.lengths, self.batch_size = lengths, batch_size

    def _batches(self) -> list[list[int]]:
        rank, world = rank_and_world()
        if len(self.lengths) < world:
            raise ValueError(f"{len(self.lengths)} sentences are too few for {world} processes")
        order = sorted(range(len(self.lengths)), key=lambda index: -self.lengths[index])
        mine = [order[place] for place in evaluation_shard(num_clips=len(order), rank=rank, world=world)]
        size = local_batch_size(self.batch_size, world=world)
        return [mine[start : start + size] for start in range(0, len(mine), size)]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches())

    def __len__(self) -> int:
        return len(self._batches())
