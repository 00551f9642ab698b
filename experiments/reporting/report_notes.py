"""What stands under a table: what is missing, what diverged, over what the best means are, and what the stars are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.reporting.environments import COMPARISON, MEAN, Environment, differing, environment_notes
from experiments.reporting.scored_by import scoring_notes
from experiments.reporting.significance_text import footnotes

if TYPE_CHECKING:
    from experiments.reporting.report import Report


def notes(report: Report) -> list[str]:
    """Every line."""
    says = {
        f"{len(report.missing)} cells without a finished run": report.missing,
        "finished runs that never logged the figure": _without(report),
        "diverged, so that the row's mean is of its other seeds, never bold and not tested": _diverged(report),
        "bold or starred over fewer seeds than other rows": _of_fewer(report),
        "made before code changes that were accepted": report.accepted,
    }
    lines = [trials.searched.says for trials in report.trials]
    lines += [f"{what}: {', '.join(of)}" for what, of in says.items() if of]
    lines += [*report.stored_data, *environment_notes(_runs(report)), *scoring_notes(report.scored_by)]
    return [*lines, *footnotes(report.significance)]


def short_notes(report: Report) -> list[str]:
    """Counts in the place of lists, and what the stars are: for a note of few characters."""
    says = {
        "runs diverged: their rows' means are of the other seeds, never bold and not tested": _diverged(report),
        "figures are bold or starred over fewer seeds than other rows": _of_fewer(report),
        "cells without a finished run": report.missing,
        "cells were made before accepted code changes": report.accepted,
    }
    lines = [trials.searched.says for trials in report.trials]
    lines += [f"{len(of)} {what}" for what, of in says.items() if of]
    if differing(_runs(report).values()):
        lines.append(
            f"{MEAN}, {COMPARISON}: runs of different torch versions, devices or machines; the report says which"
        )
    lines += [*report.stored_data, *scoring_notes(report.scored_by, only_mixed=True)]
    return [*lines, *footnotes(report.significance)[:1]]


def _runs(report: Report) -> dict[tuple[str, int], Environment]:
    return {(row, of.seed): of.environment for (row, _), values in report.values.items() for of in values}


def _diverged(report: Report) -> list[str]:
    """Each run once, with the columns in which it has no finite figure."""
    runs: dict[tuple[str, int], list[str]] = {}
    for row in report.rows:
        for column in report.table.columns:
            for of in report.diverged(row, column.metric):
                runs.setdefault((row, of.seed), []).append(f"{column.metric} {of.value}")
    return [f"{row} seed {seed} ({', '.join(figures)})" for (row, seed), figures in runs.items()]


def _without(report: Report) -> list[str]:
    """Rows whose mean leaves out finished runs that never logged the figure."""
    says = []
    for row in report.rows:
        for column in report.table.columns:
            have, runs = len(report.values.get((row, column.metric), ())), report.num_finished.get(row, 0)
            if 0 < have < runs:
                says.append(f"{row} in {column.metric} ({runs - have} of {runs})")
    return says


def _of_fewer(report: Report) -> list[str]:
    """Figures that stand in bold or have stars over fewer runs than another row's."""
    says = []
    for column in report.table.columns:
        sizes = {row: summary.n for row in report.rows if (summary := report.cells[row, column.metric]) is not None}
        best = report.best(column)
        for row, n in sizes.items():
            if n < max(sizes.values()) and (row in best or report.stars(row, column.metric)):
                says.append(f"{row} in {column.metric} (n = {n} of {max(sizes.values())})")
    return says
