"""A long recording cut into parts that a recogniser can read, in the memory of one part.

A recording of ``max_seconds`` or less is one part, as in training. A longer one is cut in the middle of each pause of
``pause_seconds`` or more, and silence besides is left out and counted; what hears speech is given: silero-vad
(``speech_activity.py``, ``--cut vad``) or power alone (``loudness.py``, ``--cut quiet``). A part that gets longer than
``max_seconds`` nevertheless is cut at its quietest place: where the mean power over ``QUIET_SECONDS`` is lowest, within
its second half, the last of equal places. No sample is in two parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

How = Literal["vad", "quiet", "none"]
HOWS: tuple[How, ...] = get_args(How)
HOP_SECONDS = 0.032  # what silero-vad hears at once
QUIET_SECONDS = 0.2
HEAD_SECONDS = 0.25  # kept before speech begins

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """A stretch of a recording, samples in [-1, 1]."""

    first_sample: int
    waveform_S: Samples

    @property
    def end_sample(self) -> int:
        """The first sample behind it."""
        return self.first_sample + len(self.waveform_S)


@dataclass
class Cutter:
    """Cuts one recording; ``num_left_out`` counts the samples without speech so far.

    ``is_speech`` hears one hop after the other, the last one perhaps shorter; None where every hop is speech.
    """

    sample_rate_hz: int
    max_seconds: float = float("inf")
    pause_seconds: float = 0.5
    is_speech: Callable[[Samples], bool] | None = None
    num_left_out: int = 0

    def parts(self, blocks: Iterable[Samples]) -> Iterator[Part]:
        """The parts in their order; blocks of any length."""
        taken, rest = _up_to(iter(blocks), self.max_seconds * self.sample_rate_hz)
        if rest is not None:
            yield from self._long(chain(taken, rest))
        elif sum(map(len, taken)):
            yield Part(0, np.concatenate(taken))

    def _long(self, blocks: Iterable[Samples]) -> Iterator[Part]:
        hop = round(HOP_SECONDS * self.sample_rate_hz)
        pause = max(1, round(self.pause_seconds / HOP_SECONDS))
        head = round(HEAD_SECONDS / HOP_SECONDS)
        held: list[Samples] = []
        first, silent, has_speech = 0, 0, self.is_speech is None
        for hop_S in _hops(blocks, hop):
            speaks = self.is_speech is None or self.is_speech(hop_S)
            held.append(hop_S)
            silent = 0 if speaks else silent + 1
            has_speech = has_speech or speaks
            cut = 0
            if not has_speech and len(held) > head:
                self.num_left_out += len(held[0])
                first += len(held.pop(0))
            elif has_speech and silent >= pause:
                cut, has_speech = len(held) - silent + silent // 2, False
            elif len(held) * hop > self.max_seconds * self.sample_rate_hz:
                cut = _quietest(held, hop)
            if cut:
                part = Part(first, np.concatenate(held[:cut]))
                yield part
                first, held, silent = part.end_sample, held[cut:], min(silent, len(held) - cut)
        if held and has_speech:
            yield Part(first, np.concatenate(held))
        else:
            self.num_left_out += sum(map(len, held))


def _up_to(blocks: Iterator[Samples], num_samples: float) -> tuple[list[Samples], Iterator[Samples] | None]:
    """The first blocks that are longer than so many samples, and the others; None for those where all are not."""
    taken: list[Samples] = []
    count = 0
    for block_S in blocks:
        taken.append(block_S)
        count += len(block_S)
        if count > num_samples:
            return taken, blocks
    return taken, None


def _hops(blocks: Iterable[Samples], hop: int) -> Iterator[Samples]:
    rest_S = np.zeros(0, dtype=np.float32)
    for block_S in blocks:
        joined_S = np.concatenate([rest_S, block_S])
        whole = len(joined_S) // hop * hop
        yield from joined_S[:whole].reshape(-1, hop)
        rest_S = joined_S[whole:]
    if len(rest_S):
        yield rest_S


def _quietest(held: list[Samples], hop: int) -> int:
    """How many hops of a part that is too long stand before its quietest place."""
    power_K = np.array([float(np.mean(np.square(hop_S, dtype=np.float64))) for hop_S in held[:-1]])
    width = max(1, min(round(QUIET_SECONDS / HOP_SECONDS), len(power_K)))
    mean_K = np.convolve(power_K, np.full(width, 1 / width), mode="valid")  # of [k, k + width)
    low = min(len(mean_K) - 1, len(held) // 2)
    late = len(mean_K) - 1 - int(mean_K[low:][::-1].argmin())
    return max(1, late + width // 2)
