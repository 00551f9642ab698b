"""A report as Markdown: for a terminal and GitHub, and unpadded and short for MLflow's note."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.markdown_text import escaped, escaped_line, one_line
from experiments.reporting.report import Report, label, row_texts, trials_grid
from experiments.reporting.report_notes import notes, short_notes

NOTE_CHARACTERS = 7500  # MLflow cuts or refuses longer tags


def _grids(report: Report) -> list[tuple[str, list[list[str]]]]:
    """(heading, lines) of each group, the first line with the labels of the columns."""
    labels = ["row", *(escaped(label(column)) for column in report.table.columns)]
    return [
        (
            escaped(report.heading_of(group)),
            [labels, *([escaped(row), *row_texts(report, row, plus_minus="±", bold="**{}**")] for row in group.rows)],
        )
        for group in report.groups
    ]


def note(report: Report) -> str:
    """The heading and the table alone, unpadded, for MLflow's note: what does not fit is dropped from the end."""
    grids, foot = _grids(report), short_notes(report)
    for kept in range(len(report.rows), -1, -1):
        dropped = len(report.rows) - kept
        end = [*foot, *([f"{dropped} more rows: earmark report {report.table.name}"] if dropped else [])]
        lines = [escaped_line(report.heading), *_first_lines(grids, kept), *([""] if end else []), *end]
        text = "\n".join(lines) + "\n"
        if len(text) <= NOTE_CHARACTERS:
            break
    return text


def _first_lines(grids: Sequence[tuple[str, list[list[str]]]], kept: int) -> list[str]:
    """A table a group with the first ``kept`` rows of all; the labels of the columns alone where that is none."""
    lines: list[str] = []
    for number, (heading, (labels, *rows)) in enumerate(grids):
        if kept > 0 or number == 0:
            start = ["", *([f"**{heading}**", ""] if heading else [])]
            table = ["| " + " | ".join(line) + " |" for line in (labels, *rows[:kept])]
            lines += [*start, table[0], "|" + " --- |" * len(labels), *table[1:]]
        kept = max(0, kept - len(rows))
    return lines


def markdown(report: Report) -> str:
    """A GitHub-flavoured table a group, padded so that it reads in a terminal too; trials of searches are folded."""
    grids = _grids(report)
    widths = _widths([line for _, grid in grids for line in grid])  # groups stand under each other
    lines = [escaped_line(report.heading)]
    for number, (heading, grid) in enumerate(grids):
        if report.folded and number:
            lines += ["", *_folded(heading, _padded(grid, widths))]
        else:
            lines += ["", *([f"**{heading}**", ""] if heading else []), *_padded(grid, widths)]
    whys = [f"- `{row}`: {one_line(report.table.rows[row].why)}" for row in report.rows]
    lines += ["", *whys, *(line for text in notes(report) for line in ("", text))]
    for trials in report.trials:
        grid = [[escaped(text) for text in line] for line in trials_grid(trials)]
        lines += ["", *_folded(f"Trials of {escaped(trials.searched.row)}", _padded(grid, _widths(grid)))]
    return "\n".join(lines) + "\n"


def _folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines of Markdown that open by a press."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]


def _widths(grid: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(line[k]) for line in grid) for k in range(len(grid[0]))]


def _padded(grid: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in grid
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines
