"""The tables of README.md and docs/, made from the packs in results/.

    python tests/documents/tables.py            names the blocks that are not what their pack gives; exit code 1 if any
    python tests/documents/tables.py --write    puts into each block what its pack gives
    python tests/documents/tables.py --write --only transfer-demo       only into those that name this pack

A block stands between two comments, and its first one says how it is made:

    <!-- earmark report results/weak_sed-demo.tar.xz --group own_tags --columns test/event_er --parts table,notes -->
    …
    <!-- end of report -->

``--rows`` or ``--group`` choose rows and ``--columns`` metrics (all, without); ``--parts`` are of heading, table, whys,
notes and verdicts, in this order, the table alone by default. Verdicts are of the block's rows and columns. Bold, stars
and corrections are the whole report's: a figure's verdict is the same whatever stands beside it.
``--quote ROW`` is in the place of all that three test texts, as ``earmark report --quote`` prints them, ``--by PART``
(and ``--figures``) the rows' figures by a part of the test data, ``--weights`` what validation chose of their decoders,
and ``--cost PACK …`` what the runs of this pack and of those took, a line a table and kind of run, each run once.
The documents of ``CLAIMS`` are what ``earmark claims`` prints of all packs.
"""

from __future__ import annotations

import argparse
import functools
import re
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from experiments.reporting.report import Report
from experiments.reporting.significance import Significance
from experiments.table_files.spec import Table

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = {  # documents that are made as a whole, and their statements
    ROOT / "docs" / "claims.md": ROOT / "experiments" / "claims.yaml",
    ROOT / "docs" / "sed_questions.md": ROOT / "experiments" / "sed_questions.yaml",
    ROOT / "docs" / "speech_questions.md": ROOT / "experiments" / "speech_questions.yaml",
    ROOT / "docs" / "alignment_questions.md": ROOT / "experiments" / "alignment_questions.yaml",
}
BLOCK = re.compile(r"(<!-- earmark report (results/\S+)([^\n]*?) -->\n)(.*?)(<!-- end of report -->)", re.DOTALL)
OPENING = "<!-- earmark report "
PARTS = ("heading", "table", "whys", "notes", "verdicts")


def documents() -> list[Path]:
    """README.md and all of docs/, but those that are made as a whole."""
    return [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path not in CLAIMS)]


def claims_text(statements: Path) -> str:
    """What ``earmark claims`` says of the packs."""
    from experiments.commands import claims

    parser = argparse.ArgumentParser()
    claims.add_arguments(parser)
    with tempfile.TemporaryDirectory() as folder:
        packs = map(str, sorted((ROOT / "results").glob("*.tar.xz")))
        claims.run(parser.parse_args([str(statements), "--output", f"{folder}/claims.md", "--results", *packs]))
        return Path(folder, "claims.md").read_text(encoding="utf-8")


def rewritten(text: str, render: Callable[[Path, list[str]], str], *, only: str | None = None) -> str:
    """A document with its blocks made anew; ``render`` takes the pack and the options of a block.

    ``only`` is the name of a pack: blocks that do not name it stay as they are.
    """
    if text.count(OPENING) != len(BLOCK.findall(text)):
        raise SystemExit(f"a block that does not end: {OPENING}results/… --> needs <!-- end of report -->")

    def block(found: re.Match[str]) -> str:
        opening, pack, options, _, end = found.groups()
        if only and f"results/{only}.tar.xz" not in opening:
            return found.group(0)
        return f"{opening}\n{render(ROOT / pack, shlex.split(options))}\n{end}"

    return BLOCK.sub(block, text)


def render(pack: Path, options: list[str]) -> str:
    """The text of a block."""
    parser = argparse.ArgumentParser(prog=f"{OPENING}{pack.name}", exit_on_error=False)
    names = functools.partial(str.split, sep=",")
    parser.add_argument("--rows", type=names)
    parser.add_argument("--group")
    parser.add_argument("--columns", type=names)
    parser.add_argument("--parts", type=names, default=["table"])
    parser.add_argument("--quote")
    parser.add_argument("--weights", action="store_true")
    parser.add_argument("--by")
    parser.add_argument("--figures", type=names, default=[])
    parser.add_argument("--cost", nargs="*", type=Path)
    asked = parser.parse_args(options)
    if asked.cost is not None:
        return costs_of([pack, *(ROOT / other for other in asked.cost)])
    if asked.quote:
        return quotes_of(pack, asked.rows or [], asked.quote)
    if asked.by or asked.weights:
        return parts_of(pack, asked.rows or [], part=asked.by, figures=asked.figures)
    made = report_of(pack)
    rows = asked.rows or [row for group in made.groups if asked.group in (None, group.name) for row in group.rows]
    metrics = asked.columns or [column.metric for column in made.table.columns]
    if unknown := {*rows} - {*made.rows} | {*metrics} - {column.metric for column in made.table.columns}:
        raise SystemExit(f"{pack}: has no rows or columns {', '.join(sorted(unknown))}")
    if not rows or {*asked.parts} - {*PARTS}:
        raise SystemExit(f"{pack}: --group {asked.group}, --parts {','.join(asked.parts)}; allowed parts: {PARTS}")
    return (
        "\n\n".join(text for part in PARTS if part in asked.parts for text in _part(part, made, rows, metrics)) + "\n"
    )


def _part(part: str, made: Report, rows: list[str], metrics: list[str]) -> list[str]:
    from experiments.reporting.formats.report_markdown import label, row_texts
    from experiments.reporting.markdown_text import escaped, escaped_line, one_line
    from experiments.reporting.report_notes import notes
    from experiments.reporting.verdict_text import verdict_lines

    if part == "heading":
        return [escaped_line(made.heading)]
    if part == "whys":
        return ["\n".join(f"- `{row}`: {one_line(made.table.rows[row].why)}" for row in rows)]
    if part == "notes":
        return [text for text in notes(made) if text]
    if part == "verdicts":
        lines = [escaped_line(line) for line in verdict_lines(*_printed(made, rows, metrics))]
        return [lines[0], "\n".join(f"- {line}" for line in lines[1:])] if lines else []
    places = [number for number, column in enumerate(made.table.columns) if column.metric in metrics]
    lines = [["row", *(escaped(label(made.table.columns[number])) for number in places)]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        texts = row_texts(made, row, plus_minus="±", bold="**{}**")
        lines.append([escaped(row), *(texts[number] for number in places)])
    return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]


def _printed(made: Report, rows: list[str], metrics: list[str]) -> tuple[Table, Significance | None]:
    """Table and tests without columns and compared rows that a block does not print; corrections stay those of all."""
    columns = tuple(column for column in made.table.columns if column.metric in metrics)
    tests = made.significance
    if tests is not None:
        tests = replace(tests, baselines={row: of for row, of in tests.baselines.items() if row in rows})
    return replace(made.table, columns=columns), tests


def costs_of(packs: list[Path]) -> str:
    """What the runs of packs took, by the table of each run; one that several packs have counts once."""
    from experiments.reporting.listings.cost import cost_table
    from experiments.stored_results.packs.packed_store import open_packs

    cells = []
    for pack in packs:
        with tempfile.TemporaryDirectory() as folder:
            cells += open_packs([pack], Path(folder)).cells
    return cost_table(cells, by=lambda cell: cell.row.table, heading="table")


def quotes_of(pack: Path, rows: list[str], chosen_by: str) -> str:
    """Three test texts of a pack, as these rows wrote them."""
    from experiments.reporting.listings.quoted_texts import quoted
    from experiments.stored_results.packs.packed_store import open_packs
    from experiments.stored_results.stored_scores import StoredScores

    with tempfile.TemporaryDirectory() as folder:
        packed = open_packs([pack], Path(folder))
        return quoted(packed.cells, StoredScores(packed.store), rows or [*packed.table.rows], chosen_by=chosen_by)


def parts_of(pack: Path, rows: list[str], *, part: str | None, figures: list[str]) -> str:
    """Figures of a pack's rows by a part of the test data; without one the weights of their decoders."""
    from experiments.reporting.listings.by_part import by_part
    from experiments.reporting.listings.chosen_weights import chosen_weights
    from experiments.stored_results.packs.packed_store import open_packs
    from experiments.stored_results.stored_scores import StoredScores

    with tempfile.TemporaryDirectory() as folder:
        packed = open_packs([pack], Path(folder))
        own = [cell for cell in packed.cells if cell.row.table == packed.table.name]
        scores, shown = StoredScores(packed.store), rows or [*packed.table.rows]
        if part is None:
            return chosen_weights(own, scores, shown)
        return by_part(own, scores, shown, part=part, figures=figures)


@functools.cache
def report_of(pack: Path) -> Report:
    """The whole report of a pack, with its tests."""
    from experiments.reporting.report import make_report
    from experiments.reporting.searched import apart
    from experiments.reporting.significance import compare_rows
    from experiments.stored_results.packs.packed_store import open_packs
    from experiments.stored_results.part_counts import with_part_counts
    from experiments.stored_results.stored_scores import StoredScores

    with tempfile.TemporaryDirectory() as folder:
        packed = open_packs([pack], Path(folder))
        table, cells, searches = apart(packed.table, packed.cells)
        tested = any(baseline in table.rows for baseline in table.baselines().values())
        scores = StoredScores(packed.store)
        cells = with_part_counts(cells, scores, [column.metric for column in table.columns])
        significance = compare_rows(table, cells, scores, packed.splits) if tested else None
        return make_report(table, cells, significance, searches=searches, card=packed.card)


def main(arguments: list[str]) -> int:
    """Compare, or write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", metavar="PACK")
    asked = parser.parse_args(arguments)
    differing = 0
    for path in (*documents(), *(() if asked.only else CLAIMS)):
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        after = claims_text(CLAIMS[path]) if path in CLAIMS else rewritten(before, render, only=asked.only)
        if after != before:
            differing += 1
            print(f"{path.relative_to(ROOT)}: {'written' if asked.write else 'differs from its packs'}")
            if asked.write:
                path.write_text(after, encoding="utf-8")
    return 1 if differing and not asked.write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
