"""What ``earmark data check`` found, as a table for people or as one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datamodules.checks.findings import Checked, Finding
    from experiments.commands.data.batch_trial import NotTried, Trial
    from experiments.commands.data.clip_batch_trial import ClipTrial


@dataclass(frozen=True)
class Looked:
    """What was looked at (``noun``: utterances or clips) and what was found.

    ``trial`` is the training step, None where a finding tells what became of it; ``labels`` counts the clips of each
    split by kind of label.
    """

    noun: str
    entries: Sequence[Checked]
    findings: Sequence[Finding]
    trial: Trial | ClipTrial | NotTried | None
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        """Whether anything stops or spoils a training."""
        return any(finding.severity == "error" for finding in self.findings)


def show(looked: Looked, *, as_json: bool) -> None:
    """Print everything, errors first."""
    findings = sorted(looked.findings, key=lambda finding: finding.severity)
    if as_json:
        print(json.dumps(_as_json(looked, findings), indent=2, ensure_ascii=False))
    else:
        _print(looked, findings)


def _minutes_by_split(entries: Sequence[Checked]) -> dict[str, tuple[int, float]]:
    """Entries and minutes of each split."""
    seconds: dict[str, list[float]] = {}
    for one in entries:
        seconds.setdefault(one.split, []).append(one.duration_seconds)
    return {split: (len(of_split), sum(of_split) / 60) for split, of_split in seconds.items()}


def _as_json(looked: Looked, findings: Sequence[Finding]) -> object:
    amounts = _minutes_by_split(looked.entries)
    return {
        looked.noun: {split: count for split, (count, _) in amounts.items()},
        "minutes": {split: round(minutes, 2) for split, (_, minutes) in amounts.items()},
        **({"labels": looked.labels} if looked.labels else {}),
        "errors": _amount(findings, "error"),
        "warnings": _amount(findings, "warning"),
        "findings": [asdict(finding) for finding in findings],
        "longest_batch": None if looked.trial is None else asdict(looked.trial),
    }


def _amount(findings: Sequence[Finding], severity: str) -> dict[str, int]:
    """How many kinds of finding there are, and how often; an entry counts in every kind that it is in."""
    counts = [finding.count for finding in findings if finding.severity == severity]
    return {"kinds": len(counts), "cases": sum(counts)}


def _counted(findings: Sequence[Finding], severity: str) -> str:
    amount = _amount(findings, severity)
    if not amount["kinds"]:
        return f"no {severity}s"
    kinds, cases = ("s" if amount[name] > 1 else "" for name in ("kinds", "cases"))
    return f"{amount['kinds']} kind{kinds} of {severity} ({amount['cases']} case{cases})"


def _print(looked: Looked, findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 160)
    amounts = _minutes_by_split(looked.entries)
    parts = [f"{split} {count} {looked.noun}, {minutes:.1f} min" for split, (count, minutes) in amounts.items()]
    console.print("; ".join(parts), highlight=False, markup=False)
    for split, counts in looked.labels.items():
        listed = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        console.print(f"labels of {split}: {listed}", highlight=False, markup=False)
    if findings:
        table = Table("severity", "count", "finding", "first of them")
        for finding in findings:
            style = "red" if finding.severity == "error" else "yellow"
            cells = (
                Text(finding.what, overflow="fold"),
                Text("\n".join(map(_short, finding.examples)), overflow="fold"),
            )
            table.add_row(Text(finding.severity, style=style), str(finding.count), *cells)
        console.print(table)
    if looked.trial is not None:
        console.print(looked.trial.sentence(), highlight=False, markup=False)
    console.print(f"{_counted(findings, 'error')}, {_counted(findings, 'warning')}", highlight=False)


def _short(example: str) -> str:
    """An example with its file relative to the current folder, where it is in it."""
    return example.removeprefix(f"{Path.cwd()}/")
