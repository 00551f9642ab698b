"""What finished runs took: how long the middle one, the shortest and the longest, and on which machines.

*Seconds* are ``run/seconds``, of a run's own process from its start until its scores are there; of a run that was
scored again they are its training's. *Wall seconds* are ``run/wall_seconds``, from before that process starts. Both
include the time in which it waited for other work on the machine, and sum over the attempts of a run that was
interrupted; a run one of whose attempts was killed may have no wall seconds. ``earmark report TABLE --cost``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from experiments.planning.cell import Cell
from experiments.reporting.markdown_text import escaped
from experiments.runs.attempts import WALL
from experiments.runs.training_record import SECONDS, environment_of
from experiments.tracking.tracked_run import TrackedRun

TRAIN, PREDICT, SCORE = KINDS = ("train", "predict alone", "score alone")
OF_A_TRAINING = "train/"  # a fit run that logs nothing by such a name trained nothing, as Whisper untouched
GRID = ("its runs", "number", "seconds, median (range)", "seconds in all", "wall seconds, median (range)", "machine")


def cost_table(cells: Iterable[Cell], *, by: Callable[[Cell], str], heading: str = "row") -> str:
    """Markdown: a line for each of what ``by`` calls a cell and what its run did; each run once, whatever stands on it.

    >>> spent("run/seconds", [{"run/seconds": 1234.5}, {"run/seconds": 2}, {}])
    '618 (2 to 1,234; 2 of 3)'
    """
    runs: dict[str, dict[str, dict[str, TrackedRun]]] = {}  # by name, kind and key
    for cell in cells:
        if cell.state == "finished" and cell.run is not None:
            of_name = runs.setdefault(by(cell), {kind: {} for kind in KINDS})
            of_name[_does(cell, cell.run)][cell.run.tags.get("key", cell.name)] = cell.run
    lines = [[heading, *GRID], ["---"] * (len(GRID) + 1)]
    for name, kinds in runs.items():
        lines += [[escaped(name), kind, *_figures([*found.values()])] for kind, found in kinds.items() if found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _figures(runs: Sequence[TrackedRun]) -> list[str]:
    metrics = [run.metrics for run in runs]
    total = f"{sum(values.get(SECONDS, 0.0) for values in metrics):,.0f}"
    return [str(len(runs)), spent(SECONDS, metrics), total, spent(WALL, metrics), escaped(_machines(runs))]


def spent(metric: str, runs: Sequence[Mapping[str, float]]) -> str:
    """``618 (2 to 1,234)``, and of how many runs where not all of them have it; ``–`` where none has."""
    found = [run[metric] for run in runs if metric in run]
    if not found:
        return "–"
    says = [f"{min(found):,.0f} to {max(found):,.0f}"] if len(found) > 1 else []
    says += [f"{len(found)} of {len(runs)}"] if len(found) < len(runs) else []
    return f"{median(found):,.0f}" + (f" ({'; '.join(says)})" if says else "")


def _does(cell: Cell, run: TrackedRun) -> str:
    if cell.row.stage == "score":
        return SCORE
    return TRAIN if any(name.startswith(OF_A_TRAINING) for name in run.metrics) else PREDICT


def _machines(runs: Sequence[TrackedRun]) -> str:
    """As the runs recorded them, with how many of them were on each where there are several."""
    counted = Counter(_machine(run) for run in runs)
    return "; ".join(says if len(counted) == 1 else f"{number} on {says}" for says, number in counted.items())


def _machine(run: TrackedRun) -> str:
    known = environment_of(run.tags)
    device = f" ({known['device']})" if "device" in known else ""
    return known.get("hardware", "not recorded") + device
