"""A report as JSON: every figure with its runs and both tests, for programs."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
from dataclasses import asdict
from typing import Any

from experiments.reporting.comparisons.column import ENOUGH_UNITS
from experiments.reporting.comparisons.findings import JointTest
from experiments.reporting.report import Report, SeedValue, Trials
from experiments.reporting.searches.budget_table import budget_tables
from experiments.reporting.significance_text import footnotes
from experiments.reporting.verdict_text import verdict_lines, verdicts_of
from experiments.runs.provenance import git_state
from experiments.table_files.groups import Group

PACKAGES = ("earmark", "torch", "pytorch-lightning", "mlflow", "numpy", "scipy", "sed_eval", "jiwer", "rapidfuzz")


def json_text(report: Report) -> str:
    """One document; rates are in 0-1, what is undefined is null.

    ``rows.ROW.METRIC`` has ``mean``, ``std``, ``n``, ``best``, ``stars``, ``mark`` (of runs of different environments),
    ``diverged`` (how many runs have no finite figure), ``seeds`` (value, MLflow run id, key and environment of each,
    by seed, where there are ``folds`` by ``FOLD/SEED``; ``diverged`` is what a figure that is not finite came to) and,
    against its baseline, ``test_set``, ``over_seeds`` and, of both, ``together``. ``groups`` are the rows in their
    order, ``against.ROW`` is a row's baseline. ``verdicts`` has an entry a tested row and column, ``in_words`` the
    lines made of them. ``searches.ROW`` has the trials behind a row, and the best figure that so many of them are
    expected to find. ``scored_by.CLASS.DIGEST`` are the cells that a version of a scoring class scored. docs/report.md
    says what the tests are.
    """
    table, significance = report.table, report.significance
    document = {
        "table": table.name,
        "title": table.title,
        "scale": table.scale,
        "heading": report.heading,
        "folds": sorted({of.fold for values in report.values.values() for of in values if of.fold is not None}),
        "columns": {column.metric: asdict(column) for column in table.columns},
        "groups": [_group(report, group) for group in report.groups],
        "against": {row: baseline for row in report.rows if (baseline := report.against(row)) is not None},
        "rows": {row: _row(report, row) for row in report.rows},
        "whys": {row: table.rows[row].why for row in report.rows},
        "searches": {trials.searched.row: _search(trials) for trials in report.trials},
        "missing": list(report.missing),
        "accepted_code_changes": list(report.accepted),
        "scored_by": {name: {digest: list(of) for digest, of in by.items()} for name, by in report.scored_by.items()},
        "data_not_on_this_disk": list(report.stored_data),
        "as_run": None if report.as_run is None else list(report.as_run.notes),
        "tests": None
        if significance is None
        else {
            "baseline": significance.baseline,
            "baselines": dict(significance.baselines),
            "resamples": significance.num_resamples,
            "stars_from_units": ENOUGH_UNITS,
            "notes": footnotes(significance),
        },
        "verdicts": [verdict.as_dict() for verdict in verdicts_of(table, significance)],
        "in_words": verdict_lines(table, significance),
        "versions": versions(),
    }
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def versions() -> dict[str, str]:
    """Of Python, of the packages that make the figures, and earmark's commit."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**found, **git_state()}


def _group(report: Report, group: Group) -> dict[str, Any]:
    baseline = group.baseline or report.table.baseline
    return {"name": group.name, "heading": group.heading, "rows": list(group.rows), "baseline": baseline}


def _row(report: Report, row: str, *, compete: bool = True) -> dict[str, Any]:
    return {
        column.metric: _cell(report, row, column.metric, best=compete and row in report.best(column))
        for column in report.table.columns
    }


def _search(trials: Trials) -> dict[str, Any]:
    searched, report = trials
    return {
        "metric": searched.search.metric,
        "better": searched.search.better,
        "winner": searched.winner,
        "budget": searched.search.trials,
        "sampler": searched.search.sampler,
        "expected_best": {
            str(n): of.at(searched.row, n)
            for of in budget_tables([searched])
            for n in range(1, 1 + len(of.figures[searched.row]))
        },
        "trials": {
            name: {
                "figure": searched.figures.get(name),
                "state": searched.state(name),
                "settings": searched.settings(name),
                "columns": _row(report, name, compete=False),
            }
            for name in report.rows
        },
    }


def _cell(report: Report, row: str, metric: str, *, best: bool) -> dict[str, Any]:
    summary, significance = report.cells[row, metric], report.significance
    cell: dict[str, Any] = {
        "mean": summary.mean if summary else None,
        "std": summary.std if summary else None,
        "n": summary.n if summary else 0,
        "best": best,
        "stars": report.stars(row, metric),
        "mark": report.mark(row, metric),
        "diverged": len(report.diverged(row, metric)),
        "seeds": {of.name: _seed(of) for of in report.values.get((row, metric), ())},
    }
    if significance is None:
        return cell
    if test := significance.test_set.get((row, metric)):
        cell["test_set"] = asdict(test)
    if joint := significance.joint.get((row, metric)):
        cell["together"] = _together(joint)
    if seeds := significance.seeds.get((row, metric)):
        cell["over_seeds"] = asdict(seeds)
    return cell


def _together(joint: JointTest) -> dict[str, Any]:
    """The test behind the stars; ``se`` and its two parts instead of their degrees of freedom."""
    fields = asdict(joint)
    errors = {"se": joint.error, "se_units": joint.of_units, "se_trainings": joint.of_trainings}
    kept = {name: value for name, value in fields.items() if name not in ("error", "of_units", "of_trainings")}
    return {**kept, **{name: None if error is None else error.se for name, error in errors.items()}}


def _seed(of: SeedValue) -> dict[str, Any]:
    diverged = {} if math.isfinite(of.value) else {"diverged": str(of.value)}
    return {
        "value": of.value,
        **diverged,
        "run_id": of.run_id,
        "key": of.run_key,
        "environment": of.environment._asdict(),
    }


def _plain(value: Any) -> Any:
    """NaN and infinity as null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
