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
from experiments.reporting.significance_text import footnotes
from experiments.reporting.verdict_text import verdict_lines, verdicts_of
from experiments.runs.provenance import git_state

PACKAGES = ("earmark", "torch", "pytorch-lightning", "mlflow", "numpy", "scipy", "sed_eval", "jiwer", "rapidfuzz")


def json_text(report: Report) -> str:
    """One document; rates are in 0-1, what is undefined is null.

    ``rows.ROW.METRIC`` has ``mean``, ``std``, ``n``, ``best``, ``stars``, ``mark`` (of runs of different environments),
    ``diverged`` (how many runs have no finite figure), ``seeds`` (value, MLflow run id, key and environment of each;
    ``diverged`` is what a figure that is not finite came to) and, against its baseline, ``test_set``, ``over_seeds``
    and, of both, ``together``. ``searches.ROW`` has the trials behind a row, ``verdicts`` one
    entry a tested row and column, and ``in_words`` the lines made of them. docs/report.md says what the tests are.
    """
    table, significance = report.table, report.significance
    document = {
        "table": table.name,
        "title": table.title,
        "scale": table.scale,
        "heading": report.heading,
        "columns": {column.metric: asdict(column) for column in table.columns},
        "rows": {row: _row(report, row) for row in report.rows},
        "whys": {row: table.rows[row].why for row in report.rows},
        "searches": {trials.searched.row: _search(trials) for trials in report.trials},
        "missing": list(report.missing),
        "accepted_code_changes": list(report.accepted),
        "data_not_on_this_disk": list(report.stored_data),
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
        "seeds": {str(of.seed): _seed(of) for of in report.values.get((row, metric), ())},
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
