"""A report as Markdown, and its cells as the texts that other formats share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.reporting.markdown_text import escaped, escaped_line, one_line
from experiments.reporting.report import STAR, Report, Trials, shown
from experiments.reporting.report_notes import notes, short_notes
from experiments.reporting.verdict_text import verdict_lines
from experiments.table_files.columns import Column

NOTE_CHARACTERS = 7500  # MLflow cuts or refuses longer tags
SIGNS = str.maketrans({"*": STAR})


def row_texts(
    report: Report, row: str, *, plus_minus: str, bold: str, raised: str = "{}", signs: Mapping[int, str] = SIGNS
) -> list[str]:
    """The numbers of a row; ``bold`` and ``raised`` (for stars and marks) have ``{}`` where the text goes."""
    texts = []
    for column in report.table.columns:
        text = mean_text(report, row, column, plus_minus=plus_minus)
        text = bold.replace("{}", text) if row in report.best(column) else text
        if sign := report.stars(row, column.metric) + report.mark(row, column.metric):
            text += raised.replace("{}", sign.translate(signs))
        texts.append(" ".join(part for part in (text, report.of_fewer(row, column.metric)) if part))
    return texts


def mean_text(report: Report, row: str, column: Column, *, plus_minus: str) -> str:
    """Mean and spread; of runs that all diverged what they came to, a dash where there is no run."""
    summary = report.cells[row, column.metric]
    if summary is None:
        return "/".join(dict.fromkeys(shown(of.value, column) for of in report.diverged(row, column.metric))) or "–"
    spread = "" if summary.std is None else f" {plus_minus} {shown(summary.std, column)}"
    return f"{shown(summary.mean, column)}{spread}"


def label(column: Column) -> str:
    """A column's heading: which way is better, and its unit."""
    arrow = {"higher": " ↑", "lower": " ↓", "neither": ""}[column.better]
    return f"{column.label}{arrow}" + (" %" if column.unit == "percent" else "")


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


def trials_grid(trials: Trials) -> list[list[str]]:
    """A line a trial: what was chosen, by which figure the winner was, and its columns as they are."""
    searched, report = trials
    lines = [["trial", "state", searched.search.metric, *searched.search.space, *map(label, report.table.columns)]]
    for name in report.rows:
        figure = searched.figures.get(name)
        chosen = " (chosen)" if name == searched.winner else ""
        settings = [str(value) for value in searched.settings(name).values()]
        figures = [
            f"{mean_text(report, name, column, plus_minus='±')} {report.of_fewer(name, column.metric)}".strip()
            for column in report.table.columns
        ]
        figure_text = "–" if figure is None else f"{figure:.4g}"
        lines.append([name + chosen, searched.state(name), figure_text, *settings, *figures])
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
    if verdicts := [escaped_line(line) for line in verdict_lines(report.table, report.significance)]:
        says = [f"- {line}" for line in verdicts[1:]]
        lines += ["", *_folded(verdicts[0], says)] if report.folded else ["", verdicts[0], "", *says]
    for trials in report.trials:
        grid = [[escaped(text) for text in line] for line in trials_grid(trials)]
        lines += ["", *_folded(f"Trials of {escaped(trials.searched.row)}", _padded(grid, _widths(grid)))]
    for of_metric in report.budgets:
        grid = [[escaped(text) for text in line] for line in of_metric.grid()]
        says = [line for text in of_metric.notes() for line in ("", text)]
        lines += ["", escaped_line(of_metric.heading), "", *_padded(grid, _widths(grid)), *says]
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
