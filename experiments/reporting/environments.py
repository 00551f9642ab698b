"""On what runs were made: torch, device and machine. The same training gives other figures on others, if only a little.

Marks are ``†`` where a mean is over runs of different ones and ``‡`` where it is compared with a baseline of others;
the line under the table names what differs. What a run did not record is not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.planning.cell import Cell, Place
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


def environment_notes(runs: Mapping[Place, Environment]) -> list[str]:
    """Of the runs of a table by their place: which differ in what; empty where they are all of one environment."""
    facts = differing(runs.values())
    if not facts:
        return []
    groups: dict[str, list[Place]] = {}
    for place, environment in runs.items():
        groups.setdefault(_text(environment, facts), []).append(place)
    (most, _), *_ = Counter({text: len(places) for text, places in groups.items()}).most_common(1)
    says = [f"{places_text(places, runs)}: {text}" for text, places in groups.items() if text != most]
    return [
        f"{MEAN} a mean over runs, {COMPARISON} a comparison with a baseline, of different torch versions, devices or "
        f"machines, which alone change figures: {'; '.join(says)}; the others: {most}"
    ]


def _text(environment: Environment, facts: Sequence[str]) -> str:
    says = [f"{FACTS[name]} {' and '.join(getattr(environment, name)) or 'not recorded'}".strip() for name in facts]
    return ", ".join(says)


def places_text(places: Sequence[Place], runs: Iterable[Place]) -> str:
    """Rows, with their folds and seeds where others of the row are elsewhere."""
    of_row: dict[str, list[Place]] = {}
    for place in places:
        of_row.setdefault(place.row, []).append(place)
    sizes = Counter(place.row for place in runs)
    return ", ".join(row if len(of) == sizes[row] else f"{row} {_runs(of)}" for row, of in of_row.items())


def _runs(places: Sequence[Place]) -> str:
    """``seed 0``, ``seeds 0, 1`` or ``fold a seed 0, fold b seed 0``."""
    if len(places) == 1 or any(place.fold is not None for place in places):
        return ", ".join(place.run for place in places)
    return f"seeds {', '.join(str(place.seed) for place in places)}"
