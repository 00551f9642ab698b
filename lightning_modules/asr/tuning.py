"""Hill climbing over a grid of decoder weights on validation: few evaluations, and each of them is on record.

Language model weight and word bonus pull against each other (more weight deletes words, more bonus brings them back),
so a step may change all weights at once: from a point of the grid all its neighbours, diagonal ones too, are tried and
the best is the next point, until none is better. A full grid would decode validation several times as often.

Where the best lies at a grid's edge, the grid grows there by a step of its own, and the climb goes on, until the best
is inside; at most ``MOST_STEPS`` beyond either end, and never past what the weight can be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

Weights = dict[str, float]
MOST_STEPS = 4


class Trial(NamedTuple):
    """One evaluation on validation: the weights and their error (lower is better)."""

    weights: Weights
    error: float


class Within(NamedTuple):
    """What a weight can be: from ``low``, which it cannot be itself where ``is_above``, to ``high``."""

    low: float = -math.inf
    high: float = math.inf
    is_above: bool = False


@dataclass(frozen=True)
class Tuned:
    """The best weights, every trial in order, and the candidates of each weight that were there at the end.

    ``at_edge`` are the weights whose best lies at an end beyond which there might be a better one.
    """

    weights: Weights
    trials: Sequence[Trial]
    candidates: Mapping[str, Sequence[float]]
    at_edge: Sequence[str] = ()

    def beside(self) -> dict[str, dict[str, Trial | None]]:
        """For each weight of several candidates the trials next ``below`` and ``above`` the best, None at an end."""
        error_of = {tuple(trial.weights.values()): trial for trial in self.trials}
        found: dict[str, dict[str, Trial | None]] = {}
        for name, values in self.candidates.items():
            at = list(values).index(self.weights[name])
            if len(values) > 1:
                found[name] = {
                    side: error_of[tuple({**self.weights, name: values[there]}.values())]
                    if 0 <= there < len(values)
                    else None
                    for side, there in (("below", at - 1), ("above", at + 1))
                }
        return found


def climb(
    evaluate: Callable[[Weights], float],
    grid: Mapping[str, Sequence[float]],
    *,
    within: Mapping[str, Within] | None = None,
) -> Tuned:
    """The weights with the lowest error found; the start is the grid's middle.

    The grid of a weight that ``within`` has grows where the best lies at its edge; one of a single candidate is fixed.
    Of equal errors the one that was met first stays. Raises ``ValueError`` for a weight without candidates.

    >>> tuned = climb(
    ...     lambda w: (w["a"] - 3) ** 2 + (w["b"] - w["a"]) ** 2, {"a": range(5), "b": range(5)}
    ... )
    >>> tuned.weights, len(tuned.trials), tuned.at_edge
    ({'a': 3.0, 'b': 3.0}, 14, [])
    >>> tuned = climb(lambda w: (w["a"] - 6) ** 2, {"a": range(5)}, within={"a": Within()})
    >>> tuned.weights, tuned.candidates["a"][-1]
    ({'a': 6.0}, 7.0)
    """
    axes = {name: sorted(set(map(float, values))) for name, values in grid.items()}
    if empty := [name for name, values in axes.items() if not values]:
        raise ValueError(f"{empty[0]}: a weight needs one candidate or more")
    trials: dict[tuple[float, ...], Trial] = {}

    def error(place: tuple[float, ...]) -> float:
        if place not in trials:
            weights = dict(zip(axes, place, strict=True))
            trials[place] = Trial(weights, evaluate(weights))
        return trials[place].error

    here = tuple(values[len(values) // 2] for values in axes.values())
    growing = _Growing(within or {})
    while True:
        best = min([here, *product(*map(_near, here, axes.values()))], key=error)
        if best == here and not growing.grow(axes, here):
            return Tuned(dict(trials[here].weights), list(trials.values()), axes, growing.at_edge(axes, here))
        here = best


def _near(value: float, values: Sequence[float]) -> Sequence[float]:
    """A candidate and those next to it."""
    at = values.index(value)
    return values[max(at - 1, 0) : at + 2]


class _Growing:
    """The ends of grids that may grow, and how many steps each has gone."""

    def __init__(self, within: Mapping[str, Within]) -> None:
        self._within = within
        self._steps: dict[tuple[str, int], int] = {}

    def grow(self, axes: Mapping[str, list[float]], here: Sequence[float]) -> bool:
        """Put a candidate beyond each end where ``here`` lies; False where none may come."""
        has_grown = False
        for name, end, beyond in self._ends(axes, here):
            if name in self._within and self._steps.get((name, end), 0) < MOST_STEPS:
                self._steps[name, end] = self._steps.get((name, end), 0) + 1
                axes[name].insert(0 if end == 0 else len(axes[name]), beyond)
                has_grown = True
        return has_grown

    def at_edge(self, axes: Mapping[str, list[float]], here: Sequence[float]) -> list[str]:
        """The weights of which ``here`` lies at an end that is no limit."""
        return list(dict.fromkeys(name for name, _, _ in self._ends(axes, here)))

    def _ends(self, axes: Mapping[str, list[float]], here: Sequence[float]) -> list[tuple[str, int, float]]:
        """Where ``here`` lies at an end: the weight, which end, and the candidate that there could be beyond it."""
        found = []
        for (name, values), value in zip(axes.items(), here, strict=True):
            if len(values) > 1:
                steps = ((0, values[0] - values[1]), (-1, values[-1] - values[-2]))
                within = self._within.get(name, Within())
                for end, beyond in ((end, _beyond(values[end], step, within)) for end, step in steps):
                    if value == values[end] and beyond is not None:
                        found.append((name, end, beyond))
        return found


def _beyond(value: float, step: float, within: Within) -> float | None:
    """The next candidate after an end; None where there is no room. A limit that is none itself is halved towards."""
    wanted = round(value + step, 9)
    if within.is_above and wanted <= within.low:
        return (value + within.low) / 2
    wanted = min(max(wanted, within.low), within.high)
    return wanted if wanted != value else None
