"""What stands under a comparison chart: the key of its dots, whose runs they are, and what was not drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from experiments.planning.cell import Cell, axes
from experiments.reporting.pictures.comparison_dots import Dot
from experiments.reporting.pictures.styles import BASELINE, COLOURS, FLOOR_DASHES, MARKERS, SINGLE_RUN, fill_style
from experiments.reporting.report import Report

INTERVALS = {
    "together": "95 % interval of the difference from the baseline",
    "units": "the same over the test units alone (one training)",
    "std": "± one standard deviation (not tested)",
}
VERDICTS = {
    ("better", "worse"): "sure to be better or worse",
    ("equivalent",): "equivalent",
    ("undecided",): "undecided",
    ("",): "the baseline, or not tested",
}


def key_handles(shown: Sequence[Dot], twins: Sequence[str], floors: Sequence[str]) -> list[Any]:
    """Of what is drawn and nothing else; ``twins`` are the labels of two columns that share a panel."""
    from matplotlib.lines import Line2D

    verdicts, whiskers = {dot.verdict for dot in shown}, {dot.whisker for dot in shown}
    handles = [
        Line2D([], [], color=COLOURS[number], marker=MARKERS[number], linestyle="", markersize=7, label=label)
        for number, label in enumerate(twins)
    ]
    handles += [
        Line2D([], [], color=COLOURS[0], marker="o", linestyle="", label=label, **fill_style(kinds[0]))
        for kinds, label in VERDICTS.items()
        if verdicts & set(kinds)
    ]
    handles += [
        Line2D([], [], color=COLOURS[0], linewidth=1.0 if whisker == "std" else 2.2, label=label)
        for whisker, label in INTERVALS.items()
        if whisker in whiskers
    ]
    if any(len(dot.runs) > 1 for dot in shown):
        handles.append(Line2D([], [], color=COLOURS[0], marker="|", linestyle="", label="single runs", **SINGLE_RUN))
    if any(dot.baseline is not None for dot in shown):
        handles.append(Line2D([], [], label="mean of the baseline (bold, on grey)", **BASELINE))
    return handles + [
        Line2D([], [], color="0.15", linewidth=1.3, linestyle=FLOOR_DASHES[number % len(FLOOR_DASHES)],
               label=f"floor: {row}")
        for number, row in enumerate(floors)
    ]  # fmt: skip


def key_lines(report: Report, shown: Sequence[Dot], cells: Sequence[Cell], metrics: Sequence[str]) -> Iterator[str]:
    """In sentences: of what the figures are, how to read an interval, and how many runs are not there."""
    yield report.heading.removeprefix(f"{report.table.title} · ").replace("mean ± std", "means")
    if any(dot.verdict for dot in shown):
        yield (
            "An interval that leaves out the baseline's line: they differ at 5 %. Sure is what still holds after "
            "Holm's correction over the rows of a group. An arrow: the interval goes on."
        )
    if missing := sum(cell.state != "finished" for cell in cells):
        yield f"{missing} of {len(cells)} runs ({axes(cells)} a row) are not finished and not drawn."
    places = [(cell.row.name, metric) for cell in cells for metric in metrics]
    if diverged := {of.run_id for place in places for of in report.diverged(*place)}:
        runs = "1 run" if len(diverged) == 1 else f"{len(diverged)} runs"
        yield f"{runs} diverged in a column that is drawn: what is not finite is left out."
