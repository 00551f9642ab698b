"""Figures that are no rate of summed counts (PSDS, average precision), on the same draws as those that are.

A unit's counts change with the threshold, and the figure is made of the counts at every threshold. What is summed over
a draw is therefore a function for each unit; a draw says how often each unit counts, and the figure is computed anew
from these weights. It costs milliseconds a draw where a rate of counts costs microseconds, hence ``MOST_RESAMPLES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MOST_RESAMPLES = 1000  # the least p is 2 / 1,001; ends of a 95 % interval are steady to a tenth of its width

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UnitStatistics:
    """What one run's figure is made of: ``figure`` gives it for how often each of N units counts, (N,) weights.

    ``figures``, where there is a faster way, gives it for R draws at once, (R, N). ``seen_NC`` tells what a run made of
    a unit: two runs with equal rows there are equal on that unit. ``place_N`` is where ``figure`` has each of ``ids``.
    ``speakers`` and ``sources`` as in ``UnitCounts``.
    """

    unit: Literal["clips", "utterances", "sentences"]
    ids: tuple[str, ...]
    seen_NC: Floats
    figure: Callable[[Floats], float]
    speakers: tuple[str, ...] | None = None
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    place_N: NDArray[np.int64] | None = None
    figures: Callable[[Floats], Floats] | None = None

    def value(self) -> float:
        """The figure of the whole split: what the run logged."""
        return self.figure(np.ones(len(self.ids)))

    def ordered(self, ids: Sequence[str]) -> UnitStatistics:
        """The same in the order of ``ids``, which must be the same ones."""
        place = {name: number for number, name in enumerate(self.ids)}
        numbers = np.array([place[name] for name in ids], dtype=np.int64)
        before_N = np.arange(len(numbers)) if self.place_N is None else self.place_N
        speakers = None if self.speakers is None else tuple(self.speakers[number] for number in numbers)
        sources = {kind: tuple(of[number] for number in numbers) for kind, of in self.sources.items()}
        return replace(
            self, ids=tuple(ids), seen_NC=self.seen_NC[numbers], speakers=speakers, sources=sources,
            place_N=before_N[numbers],
        )  # fmt: skip

    def on_draws(self, times_RN: NDArray[np.floating]) -> Floats:
        """The figure on each of R draws, which have unit n ``times_RN[:, n]`` times."""
        weights_RN = np.empty(times_RN.shape)
        weights_RN[:, slice(None) if self.place_N is None else self.place_N] = times_RN
        if self.figures is not None:
            return self.figures(weights_RN)
        return np.array([self.figure(weights_N) for weights_N in weights_RN])
