"""What ``earmark report`` prints in the place of its table: quoted texts, costs, weights of decoders, parts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.commands.table_arguments import names
from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.planning.cell import Cell
    from experiments.stored_results.stored_scores import StoredScores
    from experiments.table_files.spec import Table

OTHER_FORMATS = (".tex", ".csv", ".json", ".html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The four forms, of which a report prints one, and ``--figures`` of the last."""
    parser.add_argument(
        "--quote", metavar="ROW",
        help="instead of the table the best, median and worst test utterance of this recogniser, as each row wrote it",
    )  # fmt: skip
    parser.add_argument(
        "--cost", action="store_true",
        help="instead of the table how many seconds the runs of each row took, median and range, and on which machine",
    )  # fmt: skip
    parser.add_argument(
        "--weights", action="store_true",
        help="instead of the table what validation chose of each row's decoder weights, and how it was beside that",
    )  # fmt: skip
    parser.add_argument(
        "--by", metavar="PART",
        help="instead of the table each row's figures by class, language, speaker, length, corpus, corpus_language or "
        "training_text (near, far): mean and std",
    )  # fmt: skip
    parser.add_argument(
        "--figures", metavar="A,B", type=names, help="which figures, with --by (default: the first that runs keep)"
    )


def asked(
    arguments: argparse.Namespace, every_row: Table, every_cell: Sequence[Cell], scores: StoredScores
) -> str | None:
    """Markdown, or None where the table itself is asked for. Raises ``UserError``.

    Only ``--cost`` counts the trials of searches and what rows stand on, so it alone takes all cells as they are.
    """
    from experiments.reporting.searched import apart

    if not (forms := _forms(arguments)):
        return None
    if forms == ["--cost"]:
        return _cost(every_row, every_cell)
    table, cells, _ = apart(every_row, every_cell)
    rows = [point for row in arguments.rows for point in table.grids.get(row, (row,))] or [*table.rows]
    if forms == ["--quote"]:
        from experiments.reporting.listings.quoted_texts import quoted

        table.row(arguments.quote, where="--quote")
        return quoted(cells, scores, rows, chosen_by=arguments.quote)
    own = [cell for cell in cells if cell.row.table == table.name]
    if forms == ["--weights"]:
        from experiments.reporting.listings.chosen_weights import chosen_weights

        return chosen_weights(own, scores, rows)
    from experiments.reporting.listings.by_part import by_part

    return by_part(own, scores, rows, part=arguments.by, figures=arguments.figures or [])


def _forms(arguments: argparse.Namespace) -> list[str]:
    """The one that is asked for; each stands in the place of the table, and is Markdown. Raises ``UserError``."""
    given = {"--quote": arguments.quote, "--cost": arguments.cost, "--weights": arguments.weights, "--by": arguments.by}
    forms = [name for name, value in given.items() if value]
    if arguments.figures and "--by" not in forms:
        raise UserError("--figures: says what --by prints; with --by class, --by language …")
    if len(forms) > 1:
        raise UserError(f"{forms[0]}: not with {forms[1]}")
    if forms and (arguments.check or arguments.write_expected or arguments.charts or arguments.baseline):
        raise UserError(f"{forms[0]}: not with --check, --write-expected, --charts or --baseline")
    suffix = arguments.output.suffix if arguments.output else ""
    if forms and (arguments.format not in (None, "md") or suffix in OTHER_FORMATS):
        raise UserError(f"{forms[0]}: prints Markdown, not {suffix or arguments.format}; allowed: --output NAME.md")
    return forms


def _cost(table: Table, cells: Sequence[Cell]) -> str:
    """Of the trials of a search and of what rows stand on, too."""
    from experiments.reporting.listings.cost import cost_table

    if not any(cell.state == "finished" for cell in cells):
        raise UserError(f"--cost: no finished run of {table.name} at scale {table.scale}")
    own = table.name
    return cost_table(cells, by=lambda of: of.row.name if of.row.table == own else f"{of.row.table}/{of.row.name}")
