"""A table's figures by language, class, speaker, corpus or length: ``earmark report TABLE --by language``.

Runs keep them as ``scores/per_PART.csv``: the part's name, its figures, and how many units are under them. A line here
is a part, in the order of the first row's file; a column is a row, mean ± std over its runs. A run without a unit of a
part (a fold without alarms) has no figure of it and does not count. The n beside a part is of the first figure.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.score_files import Files
from experiments.reporting.markdown_text import escaped
from experiments.statistics.stats import summarise

PARTS = ("class", "language", "speaker", "length", "corpus", "corpus_language", "training_text")
PART_FILE = "per_{}.csv"
UNITS = ("utterances", "reference_events")  # what a figure is over, but
UNITS_OF = {
    "tagging_f1": "tagged_clips", "event_recall_short": "reference_events_short", "event_precision": "estimated_events",
}  # fmt: skip
COUNTS = {  # columns that are no rate
    "substitutions", "deletions", "insertions", "words", "utterances", "minutes",
    "tagged_clips", "predicted_clips", "reference_events", "reference_events_short", "estimated_events",
}  # fmt: skip
DASH = "–"
Parts = Mapping[str, Mapping[str, str]]  # the lines of a file by their part


def by_part(cells: Sequence[Cell], scores: Files, rows: Sequence[str], *, part: str, figures: Sequence[str]) -> str:
    """Markdown: a line a part, a column a row and figure, and which finished rows have no such file.

    Without ``figures`` the first of the files. Raises ``UserError`` where no run keeps such a file or figure.
    """
    finished = {row: [cell for cell in cells if cell.row.name == row and cell.state == "finished"] for row in rows}
    found = {row: [parts for cell in of if (parts := _parts(cell, scores, part))] for row, of in finished.items()}
    kept = {row: runs for row, runs in found.items() if runs}
    file_name = PART_FILE.format(part)
    if not any(finished.values()):
        raise UserError(f"--by {part}: no finished run of {', '.join(rows)}")
    if not kept:
        raise UserError(f"--by {part}: no finished run keeps {file_name}; {_others(finished, scores)}")
    lines = [line for runs in kept.values() for parts in runs for line in parts.values()]
    allowed = list(dict.fromkeys(name for line in lines for name in line if name not in COUNTS))
    if unknown := [name for name in figures if name not in allowed]:
        raise UserError(f"--figures {','.join(unknown)}: not in {file_name}; allowed: {', '.join(allowed)}")
    text = _table(kept, part, list(figures) or allowed[:1])
    without = [row for row, of in finished.items() if of and row not in kept]
    return text + (f"\nWithout {file_name}: {', '.join(map(escaped, without))}.\n" if without else "")


def _table(kept: Mapping[str, Sequence[Parts]], part: str, figures: Sequence[str]) -> str:
    heads = [row if len(figures) == 1 else f"{row} {name}" for row in kept for name in figures]
    grid = [[part, "n", *(f"{escaped(head)} %" for head in heads)], ["---"] * (len(heads) + 2)]
    for name in dict.fromkeys(name for runs in kept.values() for parts in runs for name in parts):
        of_rows = [_figure(runs, name, figure) for runs in kept.values() for figure in figures]
        grid.append([escaped(name), _units(kept.values(), name, figures[0]), *of_rows])
    return "\n".join(f"| {' | '.join(line)} |" for line in grid) + "\n"


def _parts(cell: Cell, scores: Files, part: str) -> dict[str, dict[str, str]]:
    """The file's lines without the part's own column, which is the first."""
    if (path := scores.file(cell, PART_FILE.format(part))) is None:
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        own = (reader.fieldnames or [""])[0]
        return {line.pop(own): line for line in reader}


def _others(finished: Mapping[str, Sequence[Cell]], scores: Files) -> str:
    cells = [cell for of in finished.values() for cell in of]
    parts = [part for part in PARTS if any(_parts(cell, scores, part) for cell in cells)]
    return f"allowed: {', '.join(parts)}" if parts else "allowed: none, they keep no figures by part"


def _figure(runs: Iterable[Parts], name: str, figure: str) -> str:
    texts = [parts[name].get(figure) for parts in runs if _number(parts, name, figure)]
    values = [float(text) for text in texts if text]
    summary = summarise(values) if values else None
    if summary is None:
        return DASH
    return f"{100 * summary.mean:.1f}" + ("" if summary.std is None else f" ± {100 * summary.std:.1f}")


def _units(rows: Iterable[Sequence[Parts]], name: str, figure: str) -> str:
    """How many units are under a figure, as a range where runs differ.

    >>> _units([[{"en": {"utterances": "3"}}, {"en": {"utterances": "5"}}], [{}]], "en", "wer")
    '3–5'
    """
    numbers = sorted({number for runs in rows for parts in runs if (number := _number(parts, name, figure))})
    return f"{numbers[0]}–{numbers[-1]}" if len(numbers) > 1 else str(numbers[0]) if numbers else "0"


def _number(parts: Parts, name: str, figure: str) -> int:
    line = parts.get(name, {})
    unit = UNITS_OF.get(figure) or next((unit for unit in UNITS if unit in line), "")
    return int(line.get(unit) or 0)
