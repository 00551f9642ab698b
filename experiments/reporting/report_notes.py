"""What stands under a table: what is missing, what diverged, over what the best means are, and what the stars are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.errors import number_of
from experiments.planning.cell import Place
from experiments.reporting.environments import COMPARISON, MEAN, Environment, differing, environment_notes
from experiments.reporting.scored_by import scoring_notes
from experiments.reporting.significance_text import footnotes

if TYPE_CHECKING:
    from experiments.reporting.report import Report


def notes(report: Report) -> list[str]:
    """Every line."""
    others = _others(report)
    says = {
        f"{number_of(len(report.missing), 'cell')} without a finished run": report.missing,
        "finished runs that never logged the figure": _without(report),
        f"diverged, so that the row's mean is of its other {others}, never bold and not tested": _diverged(report),
        f"bold or starred over fewer {others} than other rows": _of_fewer(report),
        "compared with a row of their own": _own_baselines(report),
        "made before code changes that were accepted": report.accepted,
    }
    lines = [trials.searched.says for trials in report.trials]
    lines += [f"{what}: {', '.join(of)}" for what, of in says.items() if of]
    as_run = report.as_run.notes if report.as_run else ()
    lines += [*report.stored_data, *environment_notes(_runs(report)), *scoring_notes(report.scored_by)]
    return [*as_run, *lines, *footnotes(report.significance)]


def short_notes(report: Report) -> list[str]:
    """Counts in the place of lists, and what the stars are: for a note of few characters."""
    others = _others(report)
    says = {
        ("run", f" diverged, row means are of the other {others}, never bold and not tested"): _diverged(report),
        ("figure", f" in bold or starred over fewer {others} than other rows"): _of_fewer(report),
        ("cell", " without a finished run"): report.missing,
        ("cell", " made before accepted code changes"): report.accepted,
    }
    lines = [trials.searched.says for trials in report.trials]
    lines += [number_of(len(of), noun) + rest for (noun, rest), of in says.items() if of]
    if differing(_runs(report).values()):
        lines.append(
            f"{MEAN}, {COMPARISON}: runs of different torch versions, devices or machines; the report says which"
        )
    lines += [*report.stored_data, *scoring_notes(report.scored_by, only_mixed=True)]
    return [*lines, *footnotes(report.significance)[:1]]


def _others(report: Report) -> str:
    return "runs" if report.table.folds else "seeds"


def _runs(report: Report) -> dict[Place, Environment]:
    return {of.place(row): of.environment for (row, _), values in report.values.items() for of in values}


def _diverged(report: Report) -> list[str]:
    """Each run once, with the columns in which it has no finite figure."""
    runs: dict[Place, list[str]] = {}
    for row in report.rows:
        for column in report.table.columns:
            for of in report.diverged(row, column.metric):
                runs.setdefault(of.place(row), []).append(f"{column.metric} {of.value}")
    return [f"{place.row} {place.run} ({', '.join(figures)})" for place, figures in runs.items()]


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
    """Figures that stand in bold or have stars over fewer runs than another row of their group, or their baseline."""
    says = []
    for column in report.table.columns:
        sizes = {row: summary.n for row in report.rows if (summary := report.cells[row, column.metric]) is not None}
        best = report.best(column)
        for group in report.groups:
            for row in (row for row in group.rows if row in sizes):
                most = max(sizes.get(other, 0) for other in (*group.rows, report.against(row) or row))
                if sizes[row] < most and (row in best or report.stars(row, column.metric)):
                    says.append(f"{row} in {column.metric} (n = {sizes[row]} of {most})")
    return says


def _own_baselines(report: Report) -> list[str]:
    """Rows that are compared with another row than the rest of their group."""
    return [
        f"{row} with {baseline}"
        for group in report.groups
        for row in group.rows
        if (baseline := report.against(row)) not in (None, group.baseline or report.table.baseline)
    ]
