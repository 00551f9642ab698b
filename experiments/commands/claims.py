"""``earmark claims``: what the finished runs say of each claim of a claims file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.table_files.claims_file import Claim, Evidence

EXAMPLES = """examples:
  earmark claims                                        the claims of this project, from the runs of this store
  earmark claims --results results/*.tar.xz             the same from packs, without a store
  earmark claims mine.yaml --json                       your own, for programs
exit code: 0 whatever the verdicts are; 2 for a mistake in the file"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark claims``."""
    parser.description = "Test claims on finished runs: each comparison's effect, interval and verdict."
    parser.epilog = EXAMPLES
    parser.add_argument("file", nargs="?", type=Path, help="a claims file (default: the ten claims of docs/claims.md)")
    parser.add_argument("--claims", type=_names, metavar="A,B", help="only these claims")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of printing")


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; nothing is run."""
    from experiments.reporting.claims.answers import answer
    from experiments.reporting.claims.claims_text import document, markdown
    from experiments.table_files.claims_file import CLAIMS, read_claims

    claims = _chosen(read_claims(arguments.file or CLAIMS), arguments.claims)
    asked: dict[tuple[str, str | None], list[Evidence]] = {}
    for claim in claims:
        for one in claim.evidence:
            asked.setdefault((one.table, one.scale), []).append(one)
    tables = {place: _tested(*place, evidence) for place, evidence in asked.items()}
    answers = [answer(claim, tables) for claim in claims]
    if arguments.json:
        text = json.dumps(document(answers, tables), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        text = markdown(answers, tables)
    if arguments.output is None:
        print(text, end="")
        return 0
    try:
        arguments.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--output {arguments.output}: {error.strerror}") from None
    return 0


def _chosen(claims: tuple[Claim, ...], names: list[str] | None) -> tuple[Claim, ...]:
    from experiments.errors import unknown

    known = {claim.name: claim for claim in claims}
    for name in names or ():
        if name not in known:
            raise UserError(f"--claims: {unknown('claim', name, known)}")
    return claims if names is None else tuple(known[name] for name in names)


def _tested(name: str, scale: str | None, evidence: list[Evidence]) -> Tested:
    """The finished runs of the rows that a table's evidence names, and the tests between them."""
    from dataclasses import replace

    from datamodules.corpus_folder import home
    from experiments.planning.plan import make_plan
    from experiments.reporting.claims.answers import Tested, asked_columns, asked_rows
    from experiments.reporting.report import make_report
    from experiments.reporting.significance import compare_rows
    from experiments.stored_results.split_references import TestSplits
    from experiments.stored_results.stored_scores import StoredScores
    from experiments.table_files.spec import read_table
    from experiments.tracking.mlflow_store import Tracker

    table = read_table(name, scale=scale)
    table = replace(table, columns=asked_columns(table, evidence))
    tracker = Tracker(home())
    cells = make_plan(table, tracker, rows=asked_rows(table, evidence), from_store=True)
    significance = compare_rows(table, cells, StoredScores(tracker), TestSplits())
    return Tested(table, make_report(table, cells).heading, cells, significance)
