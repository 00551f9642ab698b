"""The answers to claims as Markdown and as a document for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.reporting.claims.answers import NOT_RUN, Answer, Finding, Tested
from experiments.reporting.markdown_text import escaped, escaped_line
from experiments.table_files.claims_file import UNTITLED, Bound, Evidence

Tables = Mapping[tuple[str, str | None], Tested]
HOW = (
    "Effects are the row's mean less the other row's, or less the bound, in points of a rate or in its column's unit. "
    "Intervals are of other trainings and other test units together, or of other trainings alone where the metric is "
    "no rate of counts; how much trainings vary is pooled over the rows of a table that this file asks of, so that "
    "another file may give a pair another interval. p are Holm-corrected over the comparisons of a claim. What would "
    "decide is for a difference as large as the one seen (80 % of the time, one comparison), each way by itself; of "
    "few runs it is a guess."
)
GRID = ("comparison", "effect", "95 % interval", "p", "says", "would decide what was seen")


def markdown(answers: Sequence[Answer], tables: Tables, *, title: str = UNTITLED) -> str:
    """A line a claim, then each with its comparisons, then what was run."""
    lines = [
        f"# {escaped(title)}",
        "",
        f"What finished runs say of each, as `earmark claims` prints it. {HOW}",
        "",
        "| claim | verdict |",
        "|---|---|",
    ]
    lines += [f"| {escaped(of.claim.says)} | **{of.verdict}**{escaped(_parts(of))} |" for of in answers]
    for number, of in enumerate(answers, start=1):
        lines += ["", f"## {number}. {escaped(of.claim.says)}", ""]
        lines += [f"Said because {escaped(of.claim.because)}. Verdict: **{of.verdict}**.", ""]
        lines += [_line(GRID), "|" + "---|" * len(GRID)]
        lines += [_line(map(escaped, _cells(finding))) for finding in of.findings]
    lines += ["", "## What was run", ""]
    lines += [f"- `{table}`: {escaped_line(tested.heading)}" for (table, _), tested in tables.items()]
    return "\n".join(lines) + "\n"


def document(answers: Sequence[Answer], tables: Tables, *, title: str = UNTITLED) -> dict[str, Any]:
    """``claims.NAME`` has the verdict and the evidence, rates in 0-1; ``tables`` what was run."""
    return {
        "title": title,
        "claims": {
            of.claim.name: {
                "says": of.claim.says,
                "because": of.claim.because,
                "verdict": of.verdict,
                "evidence": [_finding(finding) for finding in of.findings],
            }
            for of in answers
        },
        "tables": {table: tested.heading for (table, _), tested in tables.items()},
    }


def comparison(one: Evidence) -> str:
    """``weak_sed: fsl worse than mil in test/event_f1_short``."""
    if isinstance(one, Bound):
        return f"{one.table}: {one.row} in {one.metric} {one.side} {one.bound}"
    return f"{one.table}: {one.row} {one.expect.replace('_', ' ')} than {one.against} in {one.metric}"


def _parts(of: Answer) -> str:
    """Of a claim whose lines differ, what they say by column: ``: WER supported, CER 1 supported and 2 undecided``."""
    if len({finding.kind for finding in of.findings}) == 1:
        return ""
    kinds: dict[str, list[str]] = {}
    labels: dict[str, str] = {}  # one that was not run knows only the metric's name
    for finding in of.findings:
        metric, label = finding.evidence.metric, finding.column.label
        kinds.setdefault(metric, []).append(finding.kind)
        labels[metric] = label if label != metric else labels.get(metric, metric)
    says = []
    for metric, found in kinds.items():
        counted = Counter(found).items()
        says.append(
            labels[metric] + " " + " and ".join(f"{n} {kind}" if len(found) > 1 else kind for kind, n in counted)
        )
    return f": {', '.join(says)}"


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(finding: Finding) -> list[str]:
    effect, interval, p = "–", "–", "–"
    if finding.effect is not None:
        effect = _shown(finding.effect, finding)
    if finding.ci95 is not None:
        interval = " to ".join(_shown(end, finding) for end in finding.ci95)
    if finding.p is not None:
        p = "< .0001" if finding.p < 0.0001 else f"{finding.p:.4f}".removeprefix("0")
    says = f"{finding.kind}: {finding.why}" if finding.why else finding.kind
    return [comparison(finding.evidence), effect, interval, p, says, finding.decides]


def _shown(value: float, finding: Finding) -> str:
    column = finding.column
    return f"{100 * value if column.unit == 'percent' else value:+.{column.decimals}f}"


def _finding(finding: Finding) -> dict[str, Any]:
    one = finding.evidence
    sides: dict[str, Any] = (
        {one.side: one.bound} if isinstance(one, Bound) else {"against": one.against, "expect": one.expect}
    )
    return {
        "table": one.table,
        "scale": one.scale,
        "row": one.row,
        "column": one.metric,
        **sides,
        "says": finding.kind,
        "effect": finding.effect,
        "ci95": None if finding.ci95 is None else list(finding.ci95),
        "p_holm": finding.p,
        "equivalent_within": finding.column.equivalent_within,
        "why": finding.why,
        "would_decide": finding.decides if finding.kind != NOT_RUN else "",
    }
