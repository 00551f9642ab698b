"""On what runs were made: torch, device and machine. The same training gives other figures on others, if only a little.

Marks are ``†`` where a mean is over runs of different ones and ``‡`` where it is compared with a baseline of others;
the line under the table names what differs. What a run did not record is not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.planning.cell import Cell
from experiments.runs.training_record import TRAINED_ON

MEAN, COMPARISON = "†", "‡"
FACTS = {"torch": "torch", "device": "", "hardware": ""}  # tags of a run, with what is said before their values


class Environment(NamedTuple):
    """The values of ``FACTS`` of a run and of those that it stands on, its own first; empty where nothing is known."""

    torch: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()


NOTHING_KNOWN = Environment()


def environment_of(cell: Cell) -> Environment:
    """Of a cell's run: what only scores has the device of the training whose predictions it takes.

    So has what was scored again; where that was done comes first.
    """
    tags = cell.run.tags if cell.run else {}
    upstream = [environment_of(other) for other in cell.upstream.values()]
    facts = {}
    for name in FACTS:
        values = [
            tags.get(name, ""),
            tags.get(TRAINED_ON + name, ""),
            *(value for of in upstream for value in getattr(of, name)),
        ]
        facts[name] = tuple(dict.fromkeys(value for value in values if value))
    return Environment(**facts)


def differing(environments: Iterable[Environment]) -> list[str]:
    """The facts of which these runs have more than one value."""
    runs = list(environments)
    return [name for name in FACTS if len({getattr(of, name) for of in runs} - {()}) > 1]


def environment_notes(runs: Mapping[tuple[str, int], Environment]) -> list[str]:
    """Of the runs of a table by row and seed: which differ in what; empty where they are all of one environment."""
    facts = differing(runs.values())
    if not facts:
        return []
    groups: dict[str, list[tuple[str, int]]] = {}
    for place, environment in runs.items():
        groups.setdefault(_text(environment, facts), []).append(place)
    (most, _), *_ = Counter({text: len(places) for text, places in groups.items()}).most_common(1)
    says = [f"{_places(places, runs)}: {text}" for text, places in groups.items() if text != most]
    return [
        f"{MEAN} a mean over runs, {COMPARISON} a comparison with a baseline, of different torch versions, devices or "
        f"machines, which alone change figures: {'; '.join(says)}; the others: {most}"
    ]


def _text(environment: Environment, facts: Sequence[str]) -> str:
    says = [f"{FACTS[name]} {' and '.join(getattr(environment, name)) or 'not recorded'}".strip() for name in facts]
    return ", ".join(says)


def _places(places: Sequence[tuple[str, int]], runs: Iterable[tuple[str, int]]) -> str:
    """Rows, with their seeds where others of the row are elsewhere."""
    seeds: dict[str, list[int]] = {}
    for row, seed in places:
        seeds.setdefault(row, []).append(seed)
    sizes = Counter(row for row, _ in runs)
    return ", ".join(
        row if len(of) == sizes[row] else f"{row} seed{'s' if len(of) > 1 else ''} {', '.join(map(str, of))}"
        for row, of in seeds.items()
    )
