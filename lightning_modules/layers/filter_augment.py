"""FilterAugment: the spectrum is weighted by a random filter, as other rooms and microphones weight it.

Nam, Kim & Park 2022 (arXiv 2110.03282): the mel bands are cut into some stretches at random; each has a gain of its own
("step"), or gains at their edges are joined by straight lines ("linear"). In decibels, the same for all frames.
Differs from the authors' in one thing: a filter's mean gain is taken away, as the features take the recording's level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class FilterAugment:
    """The filters that are drawn; the defaults are the authors' for ``linear``, whose ``step`` has 2 to 4 bands of 4.

    ``min_width`` is the least width of a stretch in mel bands. Raises ``ValueError`` for what makes no filter.
    """

    kind: Literal["linear", "step"] = "linear"
    gain_decibels: float = 6.0  # from minus this to this
    min_stretches: int = 3
    max_stretches: int = 5
    min_width: int = 6

    def __post_init__(self) -> None:
        if not (1 <= self.min_stretches <= self.max_stretches and self.min_width >= 1 and self.gain_decibels > 0):
            raise ValueError(
                f"1 <= min_stretches {self.min_stretches} <= max_stretches {self.max_stretches}, min_width "
                f"{self.min_width} >= 1 and gain_decibels {self.gain_decibels} > 0 must hold"
            )

    def check(self, *, num_mels: int) -> None:
        """Raises ``ValueError`` where the stretches do not fit into the bands."""
        if self.max_stretches * self.min_width > num_mels:
            raise ValueError(
                f"max_stretches {self.max_stretches} x min_width {self.min_width} is above num_mels {num_mels}"
            )

    def gains(self, generator: np.random.Generator, *, num_mels: int) -> NDArray[np.float64]:
        """One filter: decibels by band (M,), of mean 0."""
        number = int(generator.integers(self.min_stretches, self.max_stretches + 1))
        free = num_mels - number * self.min_width
        inner = np.sort(generator.integers(0, free + 1, size=number - 1)) + self.min_width * np.arange(1, number)
        if self.kind == "step":
            levels = generator.uniform(-self.gain_decibels, self.gain_decibels, size=number)
            gains_M = np.repeat(levels, np.diff([0, *inner, num_mels]))
        else:
            levels = generator.uniform(-self.gain_decibels, self.gain_decibels, size=number + 1)
            gains_M = np.interp(np.arange(num_mels), [0, *inner, num_mels - 1], levels)
        centred_M: NDArray[np.float64] = gains_M - gains_M.mean()
        return centred_M
