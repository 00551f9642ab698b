"""Where the systems of a report err, row by row: the analysis of one run each, as pictures for the page.

The picture is the run's own; where it drew none or is not on this disk (a pack), it is drawn again from the lines that
stand beside it in the run's scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.planning.cell import Cell
from experiments.reporting.formats.page_media import Media, picture
from experiments.stored_results.stored_scores import StoredScores
from lightning_modules.sed.analysis.report import PARTS, Part, draw_part


class RowAnalysis(NamedTuple):
    """Of one run: headings, and the names of their pictures among the page's media."""

    cell: Cell
    pictures: tuple[tuple[str, str], ...]


def row_analysis(cell: Cell, scores: StoredScores, media: Media, *, aside: Path) -> RowAnalysis | None:
    """Put a finished cell's pictures into ``media``; None where the run has none. ``aside`` is for what is drawn."""
    found = [(part, lines) for part in PARTS if (lines := scores.file(cell, part.csv)) is not None]
    if len(found) < 2:  # by class alone: a tagger, or scored before there was an analysis
        return None
    pictures = []
    for part, lines in found:
        name = f"{part.name} {cell.name}"
        media.add("pictures of the analysis", name, picture(_drawn(part, lines, aside)))
        if name in media.uris:
            pictures.append((part.heading, name))
    return RowAnalysis(cell, tuple(pictures)) if pictures else None


def _drawn(part: Part, lines: Path, aside: Path) -> Path:
    own = lines.with_suffix(".png")
    return own if own.is_file() else draw_part(part, lines, aside / own.name)


def first_finished(cells: Sequence[Cell], table: str, row: str) -> Cell | None:
    """The run that stands for a row where one is shown."""
    own = (cell for cell in cells if (cell.row.table, cell.row.name, cell.state) == (table, row, "finished"))
    return next(own, None)
