"""A report as CSV, for programs."""

from __future__ import annotations

import csv
import io

from experiments.reporting.report import Report
from experiments.reporting.significance_text import COMPARED, compared


def comma_separated(report: Report) -> str:
    """One line a row and metric with mean, std (empty for one run), n, the runs' MLflow ids by seed, and the tests.

    A run on a fold has the fold before its seed: ``a/0:ID``.

    ``diverged`` are runs whose figure is NaN or infinite: they are among the runs and not in mean, std and n. ``mark``
    is ``†`` or ``‡`` for runs of different environments. Rates stay in 0-1. ``difference``, its 95 % interval, ``p``
    and ``p_holm`` are of the test over the test set, ``p_seeds`` and ``p_seeds_holm`` of the one over seeds; empty
    where there is none. The trials of a search follow the table's rows. ``against`` is the row that the tests compare
    with.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["row", "metric", "mean", "std", "n", "runs", *COMPARED, "diverged", "mark", "group", "against"])
    for of in (report, *(trials.report for trials in report.trials)):
        places = [(group.name, row) for group in of.groups for row in group.rows]
        writer.writerows(
            [*_csv_line(of, row, column.metric), group, of.against(row) or ""]
            for group, row in places
            for column in of.table.columns
        )
    return stream.getvalue()


def _csv_line(report: Report, row: str, metric: str) -> list[object]:
    summary = report.cells[row, metric]
    mean, std, n = summary or ("", None, 0)
    runs = " ".join(f"{of.name}:{of.run_id}" for of in report.values.get((row, metric), ()))
    tests = compared(report.significance, row, metric)
    of_tests = ("" if tests[name] is None else tests[name] for name in COMPARED)
    diverged = len(report.diverged(row, metric)) or ""
    spread = "" if std is None else std
    return [row, metric, mean, spread, n, runs, *of_tests, diverged, report.mark(row, metric)]
