"""The tests of a report in words and in columns: what a reader must know to read the stars."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.significance import ENOUGH_SPEAKERS, ENOUGH_UNITS, Significance, TestSetTest
from experiments.statistics.paired_bootstrap import least_p
from experiments.statistics.stats import LEVELS

COMPARED = ("difference", "ci95_low", "ci95_high", "p", "p_holm", "p_seeds", "p_seeds_holm")


def compared(significance: Significance | None, row: str, metric: str) -> dict[str, float | None]:
    """``COMPARED`` of one cell; None where there is no test."""
    units = None if significance is None else significance.test_set.get((row, metric))
    seeds = None if significance is None else significance.seeds.get((row, metric))
    return {
        "difference": units.difference if units else seeds.difference if seeds else None,
        "ci95_low": units.ci95.low if units else None,
        "ci95_high": units.ci95.high if units else None,
        "p": units.p if units else None,
        "p_holm": units.p_holm if units else None,
        "p_seeds": seeds.p if seeds else None,
        "p_seeds_holm": seeds.p_holm if seeds else None,
    }


def footnotes(significance: Significance | None) -> list[str]:
    """What the stars are, what the seeds show, and what was not tested; empty without tests."""
    if significance is None:
        return []
    lines = []
    if tests := list(significance.test_set.values()):
        withheld = tests[0].stars_withheld  # the split is the same for all
        lines.append(_no_stars(significance, tests[0]) if withheld else _stars(significance, tests))
        if few := sorted({test.num_speakers for test in tests if 1 < test.num_speakers < ENOUGH_SPEAKERS}):
            lines.append(
                f"Blocks are utterances: {few[0]} speakers are too few to draw from, so the tests say nothing about "
                "other speakers."
            )
    if significance.seeds:
        lines.append(_seeds(significance))
    return [*lines, *(f"{line[0].upper()}{line[1:]}." for line in significance.left_out)]


def _stars(significance: Significance, tests: Sequence[TestSetTest]) -> str:
    units = tests[0]
    levels = ", ".join(f"{'∗' * len(sign)} p < {str(level)[1:]}" for level, sign in reversed(LEVELS))
    columns: dict[str, int] = {}
    for _, metric in significance.test_set:
        columns[metric] = columns.get(metric, 0) + 1
    least, most = min(columns.values()), max(columns.values())
    count = f"{most} rows" if least == most else f"{least} to {most} rows"
    count = "one row" if count == "1 rows" else count
    return (
        f"Stars: differs from {significance.baseline}, {levels}; paired bootstrap over the {units.num_units} test "
        f"{units.units} ({significance.num_resamples:,} draws, each met by all runs of both means, two-sided), "
        f"Holm-corrected over the {count} compared in a column; no p is below 2^(1-k) for k {units.units} on which two "
        f"rows differ, the least of an exact test. They say what these trained networks would do on other "
        f"{units.units} of this kind, not what other seeds would give."
    )


def _no_stars(significance: Significance, test: TestSetTest) -> str:
    return (
        f"No stars against {significance.baseline}: {test.num_units} test {test.units} are too few to draw from "
        f"(allowed: {ENOUGH_UNITS} or more), and an exact paired test over {test.num_units} cannot give p below "
        f"{least_p(test.num_units):.3g}."
    )


def _seeds(significance: Significance) -> str:
    tests = significance.seeds
    n = sorted({test.n for test in tests.values()})
    if n[-1] == 1:
        return "Over seeds: no test, there is one seed."
    found = [
        f"{row} in {metric} (p = {test.p_holm:.2g})"
        for (row, metric), test in tests.items()
        if test.p_holm is not None and test.p_holm < 0.05
    ]
    power = "" if n[-1] > 3 else "; so few seeds can show large differences only"
    says = f"below .05: {', '.join(found)}" if found else "no difference below .05"
    seeds = " to ".join(str(number) for number in dict.fromkeys((n[0], n[-1])))
    return f"Over seeds (paired t-test, n = {seeds}, Holm-corrected): {says}{power}."
