"""What finished runs say of each claim: a finding for every comparison, and a verdict made of these.

A comparison of two rows is the test behind a report's stars, of other trainings and other test units together, or over
the trainings alone where the metric is no rate of counts; a row beside a bound is tested over its runs: Student's t,
two-sided, over folds the corrected resampled one. p are Holm-corrected over the comparisons of a claim. A claim is
*supported* where all of its evidence supports it and *contradicted* where any contradicts it; else it is *undecided*
where any is, and *equivalent* where some rows differ by less than their column's margin. Nothing is said of a claim one
of whose rows was not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, variance

from experiments.errors import UserError
from experiments.reporting.comparisons.column import ColumnRuns, Pair
from experiments.reporting.comparisons.power import what_decides
from experiments.reporting.comparisons.verdicts import why_none
from experiments.statistics.combined_error import LEVEL, CombinedError, Part
from experiments.statistics.power import MOST_SEEDS, folds_for, runs_for
from experiments.statistics.resampled_t import fold_differences, over_folds
from experiments.statistics.stats import holm
from experiments.statistics.trainings import Training
from experiments.table_files.claims_file import Bound, Claim, Comparison, Evidence
from experiments.table_files.columns import Column
from experiments.table_files.spec import Table

SUPPORTED, CONTRADICTED, EQUIVALENT, UNDECIDED, NOT_RUN = KINDS = (
    "supported", "contradicted", "equivalent", "undecided", "not run",
)  # fmt: skip
NOTHING_DECIDES = f"nothing that can be run (more than {MOST_SEEDS} seeds)"
NOTHING_SEEN = "nothing: no difference was seen"


@dataclass(frozen=True)
class Finding:
    """What the runs say of one comparison.

    ``effect`` is the row's figure less the other row's, or less the bound, with its 95 % interval, as the metric is
    stored; None where it could not be tested, and ``why`` says so. ``decides`` says what would decide it, where it is
    undecided.
    """

    evidence: Evidence
    column: Column
    kind: str
    effect: float | None = None
    ci95: tuple[float, float] | None = None
    p: float | None = None
    p_equivalent: float | None = None
    why: str = ""
    decides: str = ""


@dataclass(frozen=True)
class Answer:
    """A claim, what was found, and the verdict."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """One of ``KINDS``."""
        kinds = {finding.kind for finding in self.findings}
        return next((kind for kind in (CONTRADICTED, NOT_RUN, UNDECIDED, EQUIVALENT) if kind in kinds), SUPPORTED)


@dataclass(frozen=True)
class Tested:
    """A table's finished runs by metric, any two rows of which can be compared; ``heading`` says of what."""

    table: Table
    heading: str
    columns: Mapping[str, ColumnRuns]

    def figures(self, row: str, metric: str) -> Mapping[Training, float]:
        """A row's figures by training; empty where it has none, or a run of it diverged."""
        return self.columns[metric].figures.get(row, {})


def asked_columns(table: Table, evidence: Sequence[Evidence]) -> tuple[Column, ...]:
    """The columns that a table's evidence is of, each better in one way so that it is tested."""
    known = {column.metric: column for column in table.columns}
    asked: dict[str, Column] = {}
    for one in evidence:
        column = known.get(one.metric) or Column(one.metric, one.metric, "neither", "number", 3)
        if column.better == "neither":
            _refuse_a_side(table, one)
            lower = isinstance(one, Comparison) and one.expect == "lower"
            column = replace(column, better="lower" if lower else "higher")
        asked[one.metric] = column
        if isinstance(one, Bound) and isinstance(one.bound, str):
            asked.setdefault(one.bound, replace(column, metric=one.bound))
    return tuple(asked.values())


def _refuse_a_side(table: Table, one: Evidence) -> None:
    """Raise ``UserError`` for better or worse of what is neither: more of it would be better by nobody's word."""
    if isinstance(one, Comparison) and one.expect not in ("higher", "lower"):
        raise UserError(
            f"claims: table {table.name}: expect {one.expect} in {one.metric}, which is no column that is better one "
            "way; allowed: higher, lower"
        )


def asked_rows(table: Table, evidence: Sequence[Evidence]) -> list[str]:
    """The rows that a table's evidence names. Raises ``UserError`` for one that the table does not have."""
    rows: dict[str, None] = {}
    for one in evidence:
        for row in (one.row, one.against) if isinstance(one, Comparison) else (one.row,):
            rows[table.row(row, where=f"claims: table {table.name}").name] = None
    return list(rows)


def answer(claim: Claim, tested: Mapping[tuple[str, str | None], Tested]) -> Answer:
    """The claim beside the tables that its evidence names, by table and scale."""
    findings = [_finding(one, tested.get((one.table, one.scale))) for one in claim.evidence]
    adjusted = holm({str(number): of.p for number, of in enumerate(findings) if of.p is not None})
    equal = holm({str(number): of.p_equivalent for number, of in enumerate(findings) if of.p_equivalent is not None})
    return Answer(
        claim,
        tuple(
            _judged(of, adjusted.get(str(number)), equal.get(str(number), 1.0)) for number, of in enumerate(findings)
        ),
    )


def _finding(one: Evidence, tested: Tested | None) -> Finding:
    if tested is None:
        column = Column(one.metric, one.metric, "higher", "number", 3)
        scale = "" if one.scale is None else f" at scale {one.scale}"
        return Finding(one, column, NOT_RUN, why=f"no results of table {one.table}{scale}")
    column = asked_columns(tested.table, [one])[0]
    rows = [one.row, one.against] if isinstance(one, Comparison) else [one.row]
    lacking = [row for row in rows if not tested.figures(row, one.metric)]
    if lacking:
        return Finding(one, column, NOT_RUN, why=f"no finished run of {' and '.join(lacking)} has {one.metric}")
    return _of_bound(one, column, tested) if isinstance(one, Bound) else _of_rows(one, column, tested)


def _of_rows(one: Comparison, column: Column, tested: Tested) -> Finding:
    runs = tested.columns[one.metric]
    pair = runs.compare(one.row, one.against)
    joint = pair.joint
    if joint is None:
        others = tested.figures(one.against, one.metric)
        return _over_trainings(one, column, tested.figures(one.row, one.metric), others, share=runs.test_share)
    assert pair.test_set is not None
    ci95 = (joint.ci95.low, joint.ci95.high)
    if why := why_none(pair.test_set, joint):
        return Finding(one, column, UNDECIDED, joint.difference, ci95, why=why)
    decides = _would_decide(runs, pair)
    return Finding(one, column, UNDECIDED, joint.difference, ci95, joint.p, joint.p_equivalent, decides=decides)


def _would_decide(runs: ColumnRuns, pair: Pair) -> str:
    """What would show the difference that was seen: ``12 seeds, 40000 clips or 9 folds``."""
    assert pair.joint is not None
    assert pair.test_set is not None
    if not pair.joint.difference:
        return NOTHING_SEEN
    units = pair.test_set.units
    asked = what_decides(pair.joint, pair.test_set.num_units, abs(pair.joint.difference), share=runs.test_share)
    ways = {name: asked[key] for key, name in (("seeds", "seeds"), ("units", units), ("folds", "folds"))}
    return " or ".join(f"{number} {name}" for name, number in ways.items() if number) or NOTHING_DECIDES


def _of_bound(one: Bound, column: Column, tested: Tested) -> Finding:
    values = tested.figures(one.row, one.metric)
    bounds = tested.figures(one.row, one.bound) if isinstance(one.bound, str) else dict.fromkeys(values, one.bound)
    if bounds.keys() != values.keys():
        return Finding(one, column, NOT_RUN, why=f"not every run of {one.row} has {one.bound}")
    return _over_trainings(one, column, values, bounds, share=tested.columns[one.metric].test_share)


def _over_trainings(
    one: Evidence,
    column: Column,
    values: Mapping[Training, float],
    others: Mapping[Training, float],
    *,
    share: float | None,
) -> Finding:
    """Student's t of the pairs of runs, or with ``share`` (n_test / n_train over folds) the corrected resampled one."""
    pairs = {run: value - others[run] for run, value in values.items() if run in others}
    if not pairs:
        return Finding(one, column, UNDECIDED, why="no two runs of one seed")
    differences = list(pairs.values() if share is None else fold_differences(values, others).values())
    mean = fmean(differences)
    spread = variance(differences) if len(differences) > 1 else 0.0
    if spread <= (1e-12 * max(1.0, abs(mean))) ** 2:
        why = "one run says nothing of others" if len(differences) == 1 else "all runs are the same"
        return Finding(one, column, UNDECIDED, mean, why=why)
    part: Part | None
    if share is None:
        part, needed = Part(spread / len(differences), len(differences) - 1), runs_for(spread, abs(mean))
    else:
        part, needed = over_folds(fold_differences(values, others), share=share), folds_for(spread, abs(mean))
    assert part is not None
    error = CombinedError((part,))
    decides = f"{needed} {'seeds' if share is None else 'folds'}" if needed else NOTHING_DECIDES
    return Finding(one, column, UNDECIDED, mean, error.interval(mean), error.p(mean), decides=decides)


def _judged(finding: Finding, p_holm: float | None, p_equivalent: float) -> Finding:
    """The finding with its corrected p and its verdict: what is surely within the margin is no difference."""
    if finding.p is None or p_holm is None or finding.effect is None:
        return finding
    one, kind = finding.evidence, finding.kind
    if p_equivalent < LEVEL:
        kind = SUPPORTED if isinstance(one, Comparison) and one.expect == "not_worse" else EQUIVALENT
    elif p_holm < LEVEL:
        kind = SUPPORTED if (finding.effect > 0) == _is_expected_above(one, finding.column) else CONTRADICTED
    return replace(finding, p=p_holm, kind=kind, decides=finding.decides if kind == UNDECIDED else "")


def _is_expected_above(one: Evidence, column: Column) -> bool:
    """Whether the effect of a supported claim is above 0."""
    if isinstance(one, Bound):
        return one.side == "above"
    if one.expect in ("higher", "lower"):
        return one.expect == "higher"
    return (one.expect != "worse") == (column.better == "higher")
