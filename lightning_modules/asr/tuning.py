"""Hill climbing over a grid of decoder weights on validation: few evaluations, and each of them is on record.

Language model weight and word bonus pull against each other (more weight deletes words, more bonus brings them back),
so a step may change all weights at once: from a point of the grid all its neighbours, diagonal ones too, are tried and
the best is the next point, until none is better. A full grid would decode validation several times as often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

Weights = dict[str, float]


class Trial(NamedTuple):
    """One evaluation on validation: the weights and their error (lower is better)."""

    weights: Weights
    error: float


def climb(evaluate: Callable[[Weights], float], grid: Mapping[str, Sequence[float]]) -> tuple[Weights, list[Trial]]:
    """The grid's weights with the lowest error found, and every trial in order; the start is the grid's middle.

    Of equal errors the one that was met first stays. Raises ``ValueError`` for a weight without candidates.

    >>> best, trials = climb(
    ...     lambda w: (w["a"] - 3) ** 2 + (w["b"] - w["a"]) ** 2, {"a": range(5), "b": range(5)}
    ... )
    >>> best, len(trials)
    ({'a': 3.0, 'b': 3.0}, 14)
    """
    axes = {name: sorted(set(map(float, values))) for name, values in grid.items()}
    if empty := [name for name, values in axes.items() if not values]:
        raise ValueError(f"{empty[0]}: a weight needs one candidate or more")
    trials: dict[tuple[int, ...], Trial] = {}

    def error(place: tuple[int, ...]) -> float:
        if place not in trials:
            weights = {name: values[index] for (name, values), index in zip(axes.items(), place, strict=True)}
            trials[place] = Trial(weights, evaluate(weights))
        return trials[place].error

    here = tuple(len(values) // 2 for values in axes.values())
    while True:
        steps = product(*(range(max(i - 1, 0), min(i + 2, len(v))) for i, v in zip(here, axes.values(), strict=True)))
        best = min([here, *steps], key=error)
        if best == here:
            return dict(trials[here].weights), list(trials.values())
        here = best
