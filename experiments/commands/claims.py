"""``earmark claims``: what the finished runs say of each claim of a claims file."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands.report_options.report_source import Source, of_packs
from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.reporting.claims.answers import Tested
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
    parser.add_argument(
        "--results", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
        help="from packs of earmark results pack, one a table, none with --set, without a store and corpora",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of printing")


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def run(arguments: argparse.Namespace) -> int:
    """Print the verdicts; nothing is run."""
    from experiments.reporting.claims.answers import answer
    from experiments.reporting.claims.claims_text import document, markdown
    from experiments.table_files.claims_file import CLAIMS, UNTITLED, read_claims, read_title

    file = arguments.file or CLAIMS
    claims = _chosen(read_claims(file), arguments.claims)
    title = UNTITLED if arguments.claims else read_title(file)  # that of a file is of all that it says
    asked: dict[tuple[str, str | None], list[Evidence]] = {}
    for claim in claims:
        for one in claim.evidence:
            asked.setdefault((one.table, one.scale), []).append(one)
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        packs = _Packs(arguments.results, Path(folder)) if arguments.results else None
        found = {place: _tested(*place, evidence, packs=packs) for place, evidence in asked.items()}
    tables = {place: tested for place, tested in found.items() if tested is not None}
    answers = [answer(claim, tables) for claim in claims]
    if arguments.json:
        text = json.dumps(document(answers, tables, title=title), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        text = markdown(answers, tables, title=title)
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


def _tested(name: str, scale: str | None, evidence: list[Evidence], *, packs: _Packs | None) -> Tested | None:
    """The finished runs of the rows that a table's evidence names, and the tests between them; None without a pack.

    A row with a search is the trial that validation chose, as in a report.
    """
    from experiments.reporting.claims.answers import Tested, asked_columns, asked_rows
    from experiments.reporting.comparisons.columns import read_columns
    from experiments.reporting.report import make_report
    from experiments.reporting.searched import apart
    from experiments.statistics.paired_bootstrap import NUM_RESAMPLES
    from experiments.stored_results.stored_counts import read_counts
    from experiments.stored_results.stored_scores import StoredScores

    source = _of_store(name, scale, evidence) if packs is None else packs.of(name, scale)
    if source is None:
        return None
    table, every_cell, _ = apart(source.table, source.cells)
    rows = asked_rows(table, evidence)
    table = replace(table, columns=asked_columns(table, evidence))
    cells = [cell for cell in every_cell if cell.row.table == table.name and cell.row.name in rows]
    finished = [cell for cell in cells if cell.state == "finished" and cell.run]
    counts = read_counts(finished, StoredScores(source.store), source.splits, [of.metric for of in table.columns])
    columns = read_columns(table, finished, counts, source.splits, num_resamples=NUM_RESAMPLES)
    return Tested(table, make_report(table, cells, card=source.card).heading, columns)


def _of_store(name: str, scale: str | None, evidence: list[Evidence]) -> Source:
    from datamodules.corpus_folder import home
    from experiments.planning.plan import make_plan
    from experiments.planning.search import with_trials
    from experiments.reporting.claims.answers import asked_rows
    from experiments.stored_results.packs.merged_references import MergedSplits
    from experiments.table_files.spec import read_table
    from experiments.tracking.mlflow_store import Tracker

    table, tracker = read_table(name, scale=scale), Tracker(home())
    rows = asked_rows(table, evidence)
    table = with_trials(table, tracker, from_store=True)
    cells = make_plan(table, tracker, rows=rows, from_store=True)
    splits = MergedSplits(tracker.root, cells)
    return Source(table, tracker, cells, splits, splits.card)


class _Packs:
    """Packs by table; ``folder`` is where they are unfolded.

    One that was made with ``--set`` is of other runs than the table's own: it is left aside, and named.
    """

    def __init__(self, files: list[Path], folder: Path) -> None:
        from experiments.stored_results.packs.packed_store import open_packs

        self._by_table: dict[str, list[Source]] = {}
        for number, file in enumerate(files):
            (place := folder / str(number)).mkdir()
            source = of_packs(open_packs([file], place))
            if changed := source.table.overrides:
                what = ", ".join(f"{path}={value}" for path, value in changed.items())
                print(f"{file}: made with --set {what}, so it answers no claim", file=sys.stderr)
                continue
            self._by_table.setdefault(source.table.name, []).append(source)

    def of(self, table: str, scale: str | None) -> Source | None:
        """The pack of a table at a scale, by default of the only one. Raises ``UserError`` where there are several."""
        found = [source for source in self._by_table.get(table, ()) if scale in (None, source.table.scale)]
        if len(found) > 1:
            scales = ", ".join(sorted(source.table.scale for source in found))
            raise UserError(f"--results: {len(found)} packs of table {table}, of scale {scales}; allowed: one")
        return found[0] if found else None
