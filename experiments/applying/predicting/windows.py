"""A stream of samples cut into overlapped windows that begin on the grid of the system's frames.

    |------ 0 ------|
                |------ 1 ------|
                         |------ 2 ------|      the last one is moved back to be as long as the others

Every window but that of a shorter file is of full length, so each is heard as training heard its clips; all begin where
a frame of the curves begins, so that curves lie upon each other frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class WindowPlan:
    """Lengths in frames of the curves, of ``frame_samples`` each; ``ValueError`` for windows that do not advance."""

    frame_samples: int
    window_frames: int
    overlap_frames: int

    def __post_init__(self) -> None:
        if self.window_frames < 1 or not 0 <= self.overlap_frames <= self.window_frames // 2:
            raise ValueError(
                f"{self.overlap_frames} frames of overlap in windows of {self.window_frames}, allowed: at most half of "
                "a window, which is a frame or more"
            )

    @property
    def window_samples(self) -> int:
        """Length of a window in samples."""
        return self.frame_samples * self.window_frames

    @property
    def step_frames(self) -> int:
        """From one window's begin to the next one's."""
        return self.window_frames - self.overlap_frames


class Window(NamedTuple):
    """Samples (S,) from frame ``first_frame`` of the file on."""

    first_frame: int
    samples_S: NDArray[np.float32]


def cut_windows(blocks: Iterable[NDArray[np.float32]], plan: WindowPlan) -> Iterator[Window]:
    """The windows of a stream; holds two windows and a block of it at most. None of a stream without samples.

    >>> plan = WindowPlan(frame_samples=2, window_frames=4, overlap_frames=1)
    >>> [(window.first_frame, len(window.samples_S)) for window in cut_windows([np.zeros(19, dtype=np.float32)], plan)]
    [(0, 8), (3, 8), (6, 7)]
    >>> [(window.first_frame, len(window.samples_S)) for window in cut_windows([np.zeros(15, dtype=np.float32)], plan)]
    [(0, 8), (4, 7)]
    """
    held_S = np.zeros(0, dtype=np.float32)
    held_from, start = 0, 0  # in samples
    step = plan.step_frames * plan.frame_samples
    for block_S in blocks:
        held_S = np.concatenate([held_S, block_S])
        while held_from + len(held_S) > start + plan.window_samples:  # more follows, so it is not the last
            first = start - held_from
            yield Window(start // plan.frame_samples, held_S[first : first + plan.window_samples])
            held_S, held_from = held_S[first:], start  # kept for the last one, which is moved back
            start += step
    num_samples = held_from + len(held_S)
    if not num_samples:
        return
    beyond = max(0, num_samples - plan.window_samples)
    first_frame = -(-beyond // plan.frame_samples)
    yield Window(first_frame, held_S[first_frame * plan.frame_samples - held_from :])
