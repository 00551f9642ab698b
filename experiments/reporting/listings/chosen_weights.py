"""What validation chose of decoders' weights, and how much worse it was beside it: ``earmark report TABLE --weights``.

A figure is only as fair as the grid behind its weights. ``scores/decoding.json`` of a run has every trial (of several
decoders each in a folder of its name, of an alignment ``alignment.json``); a line here is a weight of a row, over its
runs: the values that won, what validation's error was there, and by how much it was higher at the nearest value tried
below and above, in points, of alignments in milliseconds. A weight of one candidate was not chosen: no line. A best
value with none tried beyond it lies at the edge of what was tried, and is named: another might have been better.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.score_files import Files
from experiments.reporting.markdown_text import escaped

FITTED, ALIGNED = "decoding.json", "alignment.json"
HEADS = ("row", "weight", "chosen", "fitted for", "at it, %", "below, points", "above, points", "at the edge")
HEADS_OF_MS = tuple(head.replace("%", "ms").replace("points", "ms") for head in HEADS)
DASH, MS = "–", " ms"
Fitted = Mapping[str, Any]  # a run's decoding.json, or what _of_alignment makes of alignment.json


def chosen_weights(cells: Sequence[Cell], scores: Files, rows: Sequence[str]) -> str:
    """Markdown: a line a row and weight. Raises ``UserError`` where no finished run has fitted one."""
    lines = []
    for row in rows:
        for decoder, runs in _by_decoder([cell for cell in cells if cell.row.name == row], scores).items():
            name = f"{row}, by {decoder}" if decoder else row
            for weight in dict.fromkeys(weight for run in runs for weight in run["beside"]):
                lines.append(_line(name, weight, [run for run in runs if weight in run["beside"]]))
    if not lines:
        raise UserError("--weights: no finished run of these rows has fitted a weight of its decoder on validation")
    in_ms = all(line[HEADS.index("at it, %")].endswith(MS) for line in lines)
    if in_ms:
        lines = [[text.removesuffix(MS) for text in line] for line in lines]
    grid = [HEADS_OF_MS if in_ms else HEADS, ["---"] * len(HEADS), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in grid) + "\n"


def _by_decoder(cells: Sequence[Cell], scores: Files) -> dict[str, list[Fitted]]:
    """What the runs of a row fitted, by the decoder's name; "" where a row has one or keeps but the chosen one's."""
    found: dict[str, list[Fitted]] = {}
    for cell in cells:
        if cell.state == "finished":
            of = {name: _read(scores.file(cell, f"{name}/{FITTED}")) for name in _decoders(cell)}
            if not any(of.values()):
                of = {"": _read(scores.file(cell, FITTED)) or _of_alignment(_read(scores.file(cell, ALIGNED)))}
            for name, fitted in of.items():
                if fitted.get("beside"):
                    found.setdefault(name, []).append(fitted)
    return found


def _decoders(cell: Cell) -> Sequence[str]:
    return [*cell.row.config.get("scoring", {}).get("init_args", {}).get("decoders", {})]


def _read(path: Path | None) -> Fitted:
    return {} if path is None else json.loads(path.read_text(encoding="utf-8"))


def _of_alignment(kept: Fitted) -> Fitted:
    """The same of an alignment's, whose best one's neighbours are found among its trials."""
    if not (trials := kept.get("trials")):
        return {}
    chosen = kept["weights"]
    beside: dict[str, Any] = {}
    for name, value in chosen.items():
        along = [trial for trial in trials if {**trial["weights"], name: value} == chosen]
        if len(along) > 1:
            ordered = sorted(along, key=lambda trial: float(trial["weights"][name]))
            at = next(place for place, trial in enumerate(ordered) if trial["weights"] == chosen)
            beside[name] = {"below": ordered[at - 1] if at else None, "above": (ordered[at + 1 :] or [None])[0]}
    error = next(trial["error"] for trial in trials if trial["weights"] == chosen)
    return {**kept, "error": error, "beside": beside, "unit": MS}


def _line(row: str, weight: str, runs: Sequence[Fitted]) -> list[str]:
    fitted_for = ", ".join(sorted({str(run["fitted_for"]) for run in runs}))
    edges = sum(weight in run.get("at_edge", ()) for run in runs)
    return [
        escaped(row),
        escaped(weight),
        ", ".join(f"{run['weights'][weight]:g}" for run in runs),
        escaped(fitted_for),
        _range((_shown(run["error"], run) for run in runs), unit=_unit(runs)),
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
            found.append(_shown(trial["error"], run) - _shown(run["error"], run))
    return _range(found, signed=True, unit=_unit(runs))


def _shown(error: float, run: Fitted) -> float:
    return float(error) if "unit" in run else 100 * float(error)


def _unit(runs: Sequence[Fitted]) -> str:
    return str(runs[0].get("unit", ""))


def _range(values: Iterable[float], *, signed: bool = False, unit: str = "") -> str:
    """The smallest and the largest.

    >>> _range([2.04, 0.5], signed=True), _range([47.9]), _range([])
    ('+0.5 to +2.0', '47.9', '–')
    """
    ends = sorted(values)
    texts = list(dict.fromkeys(f"{end:+.1f}" if signed else f"{end:.1f}" for end in (ends[:1] + ends[-1:])))
    return " to ".join(texts) + unit if texts else DASH
