"""The verdicts of a report in words, a line a column, which a README may quote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.reporting.comparisons.verdicts import Verdict, direction, judge
from experiments.reporting.significance import Significance
from experiments.table_files.columns import Column
from experiments.table_files.spec import Table


def verdicts_of(table: Table, significance: Significance | None) -> list[Verdict]:
    """Of every row that was tested against its baseline, by column, with Holm's correction."""
    if significance is None:
        return []
    found = []
    for column in table.columns:
        for row, baseline in significance.baselines.items():
            units = significance.test_set.get((row, column.metric))
            joint = significance.joint.get((row, column.metric))
            if units is not None:
                p, p_equivalent = (joint.p_holm, joint.p_equivalent_holm) if joint else (None, None)
                found.append(judge(column, row, baseline, units, joint, p=p, p_equivalent=p_equivalent))
    return found


def verdict_lines(table: Table, significance: Significance | None) -> list[str]:
    """What verdicts are, then a line a column and baseline with every row and its figure; none without tests."""
    verdicts = verdicts_of(table, significance)
    if not verdicts:
        return []
    lines = [
        "In words (of other trainings and other test units together, at 5 % after Holm's correction; 95 % intervals in "
        "parentheses):"
    ]
    for column in table.columns:
        of_column = [verdict for verdict in verdicts if verdict.metric == column.metric]
        for baseline in dict.fromkeys(verdict.against for verdict in of_column):
            against = [verdict for verdict in of_column if verdict.against == baseline]
            lines.append(f"{column.label}, against {baseline}: {'; '.join(_clauses(column, against))}.")
    return lines


def _clauses(column: Column, verdicts: Sequence[Verdict]) -> Iterator[str]:
    same = [verdict.row for verdict in verdicts if verdict.kind == "equivalent" and verdict.ci95 == (0, 0)]
    if len(same) == len(verdicts) > 1:
        yield "the same in every row"  # one tagging network's tags, say
        return
    if same:
        yield f"the same on every one of the {verdicts[0].num_units} {verdicts[0].units}: {', '.join(same)}"
    for kind, words in (("better", "better"), ("worse", "worse"), ("equivalent", "equivalent within")):
        if found := [verdict for verdict in verdicts if verdict.kind == kind and verdict.row not in same]:
            within = f" {_amount(found[0].within, column)}" if kind == "equivalent" else ""
            yield f"{words}{within}: {', '.join(_with_interval(verdict, column) for verdict in found)}"
    for words in ("better", "worse"):
        alone = [of for of in verdicts if of.is_shown_alone and direction(of.difference, column) == words]
        if alone:
            yield f"undecided here, {words} if asked alone: {', '.join(_with_interval(of, column) for of in alone)}"
    undecided = [verdict for verdict in verdicts if verdict.kind == "undecided" and not verdict.is_shown_alone]
    for why in dict.fromkeys(verdict.why for verdict in undecided):
        found = [verdict for verdict in undecided if verdict.why == why]
        figures = ", ".join(_figure(verdict, column) for verdict in found)
        yield f"undecided: {figures}, since {why or _could_have_shown(column, found)}"


def _figure(verdict: Verdict, column: Column) -> str:
    """``mil_penalty +1.2``."""
    return f"{verdict.row} {_signed(verdict.difference, column)}"


def _with_interval(verdict: Verdict, column: Column) -> str:
    """``mil_penalty +1.2 (+0.4 to +2.8)``."""
    return f"{_figure(verdict, column)} ({' to '.join(_signed(end, column) for end in verdict.ci95)})"


def _could_have_shown(column: Column, verdicts: Sequence[Verdict]) -> str:
    """The smallest difference that would have been found, and what of it is the test units' and what the seeds'."""
    shown = _range([of.least_shown for of in verdicts], column)
    by_units = _range([of.least_by_units for of in verdicts], column)
    units = f"{verdicts[0].num_units} {verdicts[0].units}"
    says = f"80 % sure to be seen is a difference of {shown} (by {units} alone {by_units}"
    if any(of.least_by_trainings is not None for of in verdicts):
        seeds = _counts([n for of in verdicts for n in (of.n, of.baseline_n)])
        return f"{says}, by {seeds} seeds alone {_range([of.least_by_trainings for of in verdicts], column)})"
    return f"{says}; over {_counts([of.n for of in verdicts])} folds)"


def _range(values: Sequence[float | None], column: Column) -> str:
    known = [value for value in values if value is not None]
    ends = dict.fromkeys(_amount(end, column) for end in (min(known), max(known)))
    return " to ".join(ends)


def _counts(numbers: Sequence[int]) -> str:
    return " to ".join(str(n) for n in dict.fromkeys((min(numbers), max(numbers))))


def _signed(value: float, column: Column) -> str:
    return f"{'+' if value >= 0 else '−'}{_amount(abs(value), column)}"


def _amount(value: float | None, column: Column) -> str:
    """In the column's unit and decimals."""
    return "–" if value is None else f"{100 * value if column.unit == 'percent' else value:.{column.decimals}f}"
