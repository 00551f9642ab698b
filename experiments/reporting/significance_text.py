"""The tests of a report in words and in columns: what a reader must know to read the stars."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.comparisons.column import ENOUGH_UNITS
from experiments.reporting.comparisons.findings import JointTest, TestSetTest
from experiments.reporting.comparisons.unit_draws import ENOUGH_SPEAKERS
from experiments.reporting.significance import Significance
from experiments.statistics.paired_bootstrap import least_p
from experiments.statistics.stats import LEVELS

COMPARED = ("difference", "ci95_low", "ci95_high", "p", "p_holm", "p_seeds", "p_seeds_holm", "p_stars", "p_stars_holm")


def compared(significance: Significance | None, row: str, metric: str) -> dict[str, float | None]:
    """``COMPARED`` of one cell; None where there is no test."""
    units = None if significance is None else significance.test_set.get((row, metric))
    seeds = None if significance is None else significance.seeds.get((row, metric))
    joint = None if significance is None else significance.joint.get((row, metric))
    return {
        "difference": units.difference if units else seeds.difference if seeds else None,
        "ci95_low": units.ci95.low if units else None,
        "ci95_high": units.ci95.high if units else None,
        "p": units.p if units else None,
        "p_holm": units.p_holm if units else None,
        "p_seeds": seeds.p if seeds else None,
        "p_seeds_holm": seeds.p_holm if seeds else None,
        "p_stars": joint.p if joint else None,
        "p_stars_holm": joint.p_holm if joint else None,
    }


def footnotes(significance: Significance | None) -> list[str]:
    """What the stars are, what the seeds show, and what was not tested; empty without tests."""
    if significance is None:
        return []
    lines = []
    if tests := list(significance.test_set.values()):
        lines.append(_what_stars_are(significance, tests))
        lines += _fewer_draws(significance)
        once = {row for row, _ in significance.test_set.keys() - significance.joint.keys()}
        if once and significance.joint:
            lines.append(
                f"No stars of {', '.join(sorted(once))}: trained once, or compared with a row that was, which says "
                "nothing of other trainings."
            )
        if few := sorted({test.num_speakers for test in tests if 1 < test.num_speakers < ENOUGH_SPEAKERS}):
            lines.append(
                f"Blocks are utterances: {few[0]} speakers are too few to draw from, so the tests say nothing about "
                "other speakers."
            )
    if significance.seeds:
        lines.append(_seeds(significance))
    return [*lines, *(f"{line[0].upper()}{line[1:]}." for line in significance.left_out)]


def _what_stars_are(significance: Significance, tests: Sequence[TestSetTest]) -> str:
    if tests[0].stars_withheld:  # the split is the same for all
        return _of_few_units(significance, tests[0])
    if not significance.joint:
        return (
            f"No stars against {significance.baseline}: {_without_spread(significance)}, so nothing is known of what "
            "other trainings would give; intervals are of the test set alone."
        )
    return _stars(significance, tests[0], list(significance.joint.values()))


def _fewer_draws(significance: Significance) -> list[str]:
    """Of columns whose figures cost too much for the draws that the line above names."""
    tested = {metric for _, metric in significance.test_set}
    fewer = {
        of.column.label: of.num_resamples
        for metric, of in significance.columns.items()
        if metric in tested and of.num_resamples < significance.num_resamples
    }
    if not fewer:
        return []
    return [f"{', '.join(fewer)}: {min(fewer.values()):,} draws, each figure computed anew at every threshold."]


def _without_spread(significance: Significance) -> str:
    folds = any(test.over == "folds" for test in significance.seeds.values())
    return "there is one fold" if folds else "there is one seed of a row or of the row that it is compared with"


def _stars(significance: Significance, units: TestSetTest, joint: Sequence[JointTest]) -> str:
    levels = ", ".join(f"{'∗' * len(sign)} p < {str(level)[1:]}" for level, sign in reversed(LEVELS))
    drawn = f"paired bootstrap over the {units.num_units} test {units.units} ({significance.num_resamples:,} draws)"
    if joint[0].over == "folds":
        folds = _range([test.n for test in joint])
        chance = f"corrected resampled t-test over {folds} folds; no star says more than the {drawn}"
    else:
        n = _range([n for test in joint for n in (test.n, test.baseline_n)])
        chance = f"the spread over {n} seeds and the {drawn} together"
    return (
        f"Stars: better than {significance.baseline}, {levels}; ▾, ▾▾, ▾▾▾ worse at the same levels. They say "
        f"what other trainings on other {units.units} of this kind would give: {chance}, two-sided, Holm-corrected "
        f"over the {_compared_rows(significance)}; no p is below 2^(1-k) for k {units.units} on "
        f"which two rows differ, the least of an exact test."
    )


def _compared_rows(significance: Significance) -> str:
    """``3 to 5 rows compared in a column``, of a group's where there are some."""
    tested: dict[str, list[int]] = {}
    for rows in significance.families:
        for metric in dict.fromkeys(metric for _, metric in significance.joint):
            if number := sum((row, metric) in significance.joint for row in rows):
                tested.setdefault(metric, []).append(number)
    numbers = [number for of_metric in tested.values() for number in of_metric]
    rows = "one row" if max(numbers) == 1 else f"{_range(numbers)} rows"
    return (
        f"{rows} of a group compared in a column"
        if max(map(len, tested.values())) > 1
        else f"{rows} compared in a column"
    )


def _range(numbers: Sequence[int]) -> str:
    """``3``, or ``2 to 5``."""
    return " to ".join(str(number) for number in dict.fromkeys((min(numbers), max(numbers))))


def _of_few_units(significance: Significance, test: TestSetTest) -> str:
    return (
        f"No stars against {significance.baseline}: {test.num_units} test {test.units} are too few to draw from "
        f"(allowed: {ENOUGH_UNITS} or more), and an exact paired test over {test.num_units} cannot give p below "
        f"{least_p(test.num_units):.3g}."
    )


def _seeds(significance: Significance) -> str:
    tests = significance.seeds
    over = next(iter(tests.values())).over
    n = sorted({test.n for test in tests.values()})
    if n[-1] == 1:
        return f"Over {over}: no test, there is one {over[:-1]}."
    found = [
        f"{row} in {metric} (p = {test.p_holm:.2g})"
        for (row, metric), test in tests.items()
        if test.p_holm is not None and test.p_holm < 0.05
    ]
    power = "" if n[-1] > 3 else f"; so few {over} can show large differences only"
    says = f"below .05: {', '.join(found)}" if found else "no difference below .05"
    name = "paired t-test" if over == "seeds" else "corrected resampled t-test, their seeds averaged"
    return f"Over {over} ({name}, n = {_range(n)}, Holm-corrected): {says}{power}."
