"""What validation chose of decoders' weights, and how much worse it was beside it: ``earmark report TABLE --weights``.

A figure is only as fair as the grid behind its weights. ``scores/decoding.json`` of a run has every trial; a line here
is a weight of a row, over its runs: the values that won, what validation's error rate was there, and by how many
points it was higher at the nearest value tried below and above. A weight of one candidate was not chosen: no line. A
best value with none tried beyond it lies at the edge of what was tried, and is named: another might have been better.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.score_files import Files
from experiments.reporting.markdown_text import escaped

FITTED = "decoding.json"
HEADS = ("row", "weight", "chosen", "fitted for", "at it, %", "below, points", "above, points", "at the edge")
DASH = "–"
Fitted = Mapping[str, Any]  # a run's decoding.json


def chosen_weights(cells: Sequence[Cell], scores: Files, rows: Sequence[str]) -> str:
    """Markdown: a line a row and weight. Raises ``UserError`` where no finished run has fitted one."""
    lines = []
    for row in rows:
        runs = [fitted for cell in cells if cell.row.name == row and (fitted := _read(cell, scores))["beside"]]
        for weight in dict.fromkeys(name for run in runs for name in run["beside"]):
            lines.append(_line(row, weight, [run for run in runs if weight in run["beside"]]))
    if not lines:
        raise UserError("--weights: no finished run of these rows has fitted a weight of its decoder on validation")
    grid = [HEADS, ["---"] * len(HEADS), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in grid) + "\n"


def _read(cell: Cell, scores: Files) -> Fitted:
    path = scores.file(cell, FITTED) if cell.state == "finished" else None
    return {"beside": {}, **({} if path is None else json.loads(path.read_text(encoding="utf-8")))}


def _line(row: str, weight: str, runs: Sequence[Fitted]) -> list[str]:
    fitted_for = ", ".join(sorted({str(run["fitted_for"]) for run in runs}))
    edges = sum(weight in run.get("at_edge", ()) for run in runs)
    return [
        escaped(row),
        escaped(weight),
        ", ".join(f"{run['weights'][weight]:g}" for run in runs),
        escaped(fitted_for),
        _range(100 * float(run["error"]) for run in runs),
        _risen(runs, weight, "below"),
        _risen(runs, weight, "above"),
        f"{edges} of {len(runs)}" if edges else "none",
    ]


def _risen(runs: Sequence[Fitted], weight: str, side: str) -> str:
    """How many points more errors there were a step away; of runs that tried none there, nothing."""
    found = []
    for run in runs:
        trial = run["beside"][weight].get(side)
        if trial is not None:
            found.append(100 * (float(trial["error"]) - float(run["error"])))
    return _range(found, signed=True)


def _range(values: Iterable[float], *, signed: bool = False) -> str:
    """The smallest and the largest.

    >>> _range([2.04, 0.5], signed=True), _range([47.9]), _range([])
    ('+0.5 to +2.0', '47.9', '–')
    """
    ends = sorted(values)
    texts = list(dict.fromkeys(f"{end:+.1f}" if signed else f"{end:.1f}" for end in (ends[:1] + ends[-1:])))
    return " to ".join(texts) or DASH
