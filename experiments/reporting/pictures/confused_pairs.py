"""Confused pairs of two rows: where one class sounds and another does not, in how much of that time it is found.

From ``co_occurrence.csv`` of the rows' finished runs. The pairs are those of the most seconds found in vain, in either
row: a few rare seconds make no confusion.
"""

from __future__ import annotations

import csv
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.planning.cell import Cell, axes
from experiments.reporting.pictures.styles import COLOURS, MARKERS, TWIN_RUN, blank
from experiments.reporting.report import Report
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.charts import Confused

LINES = "co_occurrence.csv"
MOST_PAIRS = 12
WIDTH_INCHES, ROW_INCHES, ABOVE_AND_BELOW_INCHES = 9.0, 0.3, 1.7
DPI = 150
LINE_CHARACTERS = 135
BESIDE = 0.15
Pair = tuple[str, str]  # what sounds, and what is found


class Seconds(NamedTuple):
    """How long the one class sounds without the other, and for how long of that the other is found."""

    sounding: float
    found: float

    @property
    def percent(self) -> float:
        """The share that is found; 0 of classes that never sound apart."""
        return 100 * self.found / self.sounding if self.sounding else 0.0


def draw_confused(
    report: Report, chart: Confused, cells: Sequence[Cell], scores: StoredScores, *, folder: Path
) -> Path | None:
    """Draw ``folder/NAME.png``; None where a row has no finished run with these lines, or nothing is found in vain."""
    own = [cell for cell in cells if cell.row.table == report.table.name and cell.state == "finished"]
    cells_of = {row: [cell for cell in own if cell.row.name == row] for row in chart.rows}
    runs = {
        row: [read_pairs(path) for cell in of if (path := scores.file(cell, LINES)) is not None]
        for row, of in cells_of.items()
    }
    pairs = most_confused([together(of) for of in runs.values()])
    if not pairs or not all(runs.values()):
        return None
    figure = blank(WIDTH_INCHES, len(pairs) * ROW_INCHES + ABOVE_AND_BELOW_INCHES)
    axis = figure.subplots()
    _draw_pairs(axis, pairs, runs, {row: len(of) for row, of in cells_of.items()})
    figure.suptitle(f"{report.table.title} · confused pairs", x=0.01, ha="left", fontsize=12, parse_math=False)
    says = (
        f"The {len(pairs)} pairs of classes with the most seconds found in vain, in any of the rows; over "
        f"{axes([cell for of in cells_of.values() for cell in of])}, single runs as ticks."
    )
    figure.supxlabel("\n".join(textwrap.wrap(says, LINE_CHARACTERS)), x=0.01, ha="left", fontsize=8.5, color="0.3")
    path = folder / f"{chart.name}.png"
    figure.savefig(path, dpi=DPI)
    return path


def _draw_pairs(
    axis: Any, pairs: Sequence[Pair], runs: Mapping[str, Sequence[Mapping[Pair, Seconds]]], finished: Mapping[str, int]
) -> None:
    """A line a pair, the worst on top; ``finished`` runs of a row of which some have no lines are said."""
    for number, (row, of) in enumerate(runs.items()):
        shift = BESIDE * (2 * number - 1) if len(runs) > 1 else 0.0
        ys, mean = [place + shift for place in range(len(pairs))], together(of)
        for y, pair in zip(ys, pairs, strict=True):
            singles = [run[pair].percent for run in of if pair in run]
            axis.plot(singles, [y] * len(singles), "|", color=COLOURS[number], zorder=2, **TWIN_RUN)
        label = row if len(of) == finished[row] else f"{row} (n={len(of)})"
        shares = [mean[pair].percent if pair in mean else math.nan for pair in pairs]
        axis.plot(shares, ys, MARKERS[number], color=COLOURS[number], label=label, markersize=7, zorder=3)
    axis.set_yticks(range(len(pairs)), [f"{found} where {sounding} sounds" for sounding, found in pairs], fontsize=9.5)
    axis.set_ylim(len(pairs) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.grid(alpha=0.25)
    axis.set_xlabel(
        "% of the seconds in which the second class sounds without the first · ← lower is better", fontsize=9
    )
    for text in (*axis.legend(fontsize=9).get_texts(), *axis.get_yticklabels()):
        text.set_parse_math(False)


def read_pairs(path: Path) -> dict[Pair, Seconds]:
    """The seconds of every two different classes."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (line["sounding"], line["found"]): Seconds(float(line["seconds"]), float(line["found_seconds"]))
            for line in csv.DictReader(file)
            if line["sounding"] and line["sounding"] != line["found"]
        }


def together(runs: Sequence[Mapping[Pair, Seconds]]) -> dict[Pair, Seconds]:
    """The seconds of all runs, added up."""
    pairs = dict.fromkeys(pair for run in runs for pair in run)
    return {pair: Seconds(*map(sum, zip(*(run[pair] for run in runs if pair in run), strict=True))) for pair in pairs}


def most_confused(rows: Sequence[Mapping[Pair, Seconds]]) -> list[Pair]:
    """The pairs with the most seconds found in vain in any row, the worst first."""
    worst = {pair: max(row[pair].found for row in rows if pair in row) for row in rows for pair in row}
    ordered = sorted((pair for pair, seconds in worst.items() if seconds > 0), key=lambda pair: (-worst[pair], pair))
    return ordered[:MOST_PAIRS]
