"""A table's numbers from MLflow: mean ± standard deviation over seeds, as Markdown, LaTeX or CSV.

The best mean of a column stands in bold, reference rows aside. A mean over fewer runs than there are seeds says its n,
a cell without a finished run is a dash, and the line under the table says how many are missing: a report never hides
what was not run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from datamodules.corpus_folder import CorpusMissingError, read_card
from experiments.merge import get_path
from experiments.plan import Cell
from experiments.spec import Column, Table
from experiments.stats import Summary, summarise

NOTE_CHARACTERS = 7500  # MLflow cuts or refuses longer tags


@dataclass(frozen=True)
class Report:
    """Summaries by (row, metric), with what a heading must say."""

    table: Table
    heading: str
    rows: tuple[str, ...]
    cells: Mapping[tuple[str, str], Summary | None]
    missing: tuple[str, ...]
    num_seeds: int

    def best(self, column: Column) -> set[str]:
        """Rows with the best mean of a column, as printed (ties share it); reference rows do not compete."""
        means = {
            row: float(_number(summary.mean, column))
            for row in self.rows
            if (summary := self.cells[row, column.metric]) is not None and not self.table.rows[row].reference
        }
        if not means or column.better == "neither":
            return set()
        target = max(means.values()) if column.better == "higher" else min(means.values())
        return {row for row, mean in means.items() if mean == target}


def _number(value: float, column: Column) -> str:
    return f"{100 * value if column.unit == 'percent' else value:.{column.decimals}f}"


def make_report(table: Table, cells: Sequence[Cell]) -> Report:
    """Gather the finished cells of a plan."""
    own = [cell for cell in cells if cell.row.table == table.name]
    rows = tuple(name for name in table.rows if any(cell.row.name == name for cell in own))
    seeds = sorted({cell.seed for cell in own})
    summaries = {}
    for row in rows:
        runs = [cell.run for cell in own if cell.row.name == row and cell.state == "finished" and cell.run]
        for column in table.columns:
            summaries[row, column.metric] = summarise(
                [run.metrics[column.metric] for run in runs if column.metric in run.metrics]
            )
    missing = tuple(f"{cell.name} ({cell.state})" for cell in own if cell.state != "finished")
    return Report(table, _heading(table, seeds), rows, summaries, missing, len(seeds))


def _heading(table: Table, seeds: Sequence[int]) -> str:
    corpora = sorted({str(get_path(row.config, "data.corpus")) for row in table.rows.values()})
    says = []
    for corpus in corpora:
        try:
            card = read_card(corpus)
        except CorpusMissingError:
            says.append(f"{corpus} (not prepared here)")
            continue
        kind = "SYNTHETIC TONES, NOT REAL AUDIO" if card.synthetic else "real recordings"
        counts = "/".join(str(count) for count in card.num_clips.values())
        says.append(f"{corpus}: {kind}, {counts} clips ({'/'.join(card.num_clips)})")
    runs = f"{len(seeds)} seed" + ("s" if len(seeds) != 1 else "")
    return f"{table.title} · scale {table.scale} · {'; '.join(says)} · mean ± std over {runs}"


def _texts(report: Report, row: str, *, plus_minus: str, bold: str) -> list[str]:
    """The numbers of a row; ``bold`` has ``{}`` where the text goes."""
    texts = []
    for column in report.table.columns:
        summary = report.cells[row, column.metric]
        if summary is None:
            texts.append("–")
            continue
        spread = "" if summary.std is None else f" {plus_minus} {_number(summary.std, column)}"
        text = f"{_number(summary.mean, column)}{spread}"
        text = bold.replace("{}", text) if row in report.best(column) else text
        texts.append(text + (f" (n={summary.n})" if summary.n < report.num_seeds else ""))
    return texts


def _label(column: Column) -> str:
    arrow = {"higher": " ↑", "lower": " ↓", "neither": ""}[column.better]
    return f"{column.label}{arrow}" + (" %" if column.unit == "percent" else "")


def _footnote(report: Report) -> str:
    if not report.missing:
        return ""
    return f"{len(report.missing)} cells without a finished run: {', '.join(report.missing)}"


def _grid(report: Report) -> list[list[str]]:
    heading = ["row", *(_label(column) for column in report.table.columns)]
    return [heading, *([row, *_texts(report, row, plus_minus="±", bold="**{}**")] for row in report.rows)]


def note(report: Report) -> str:
    """The heading and the table alone, unpadded, for MLflow's note: what does not fit is dropped from the end."""
    heading, *lines = ["| " + " | ".join(line) + " |" for line in _grid(report)]
    start = [report.heading, "", heading, "|" + " --- |" * (1 + len(report.table.columns))]
    foot = [f"{len(report.missing)} cells without a finished run"] if report.missing else []
    for kept in range(len(lines), -1, -1):
        dropped = len(lines) - kept
        end = [*foot, *([f"{dropped} more rows: earmark report {report.table.name}"] if dropped else [])]
        text = "\n".join([*start, *lines[:kept], *([""] if end else []), *end]) + "\n"
        if len(text) <= NOTE_CHARACTERS:
            break
    return text


def markdown(report: Report) -> str:
    """A GitHub-flavoured table, columns padded so that it reads in a terminal too."""
    grid = _grid(report)
    widths = [max(len(line[k]) for line in grid) for k in range(len(grid[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in grid
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    whys = [f"- `{row}`: {report.table.rows[row].why}" for row in report.rows]
    foot = _footnote(report)
    return "\n".join([report.heading, "", *lines, "", *whys, *(["", foot] if foot else [])]) + "\n"


def _escape(text: str) -> str:
    for plain, safe in (("\\", r"\textbackslash{}"), ("_", r"\_"), ("%", r"\%"), ("&", r"\&"), ("#", r"\#")):
        text = text.replace(plain, safe)
    for symbol, safe in (
        ("↑", r"$\uparrow$"),
        ("↓", r"$\downarrow$"),
        ("·", r"$\cdot$"),
        ("±", r"$\pm$"),
        ("–", "--"),
        ("×", r"$\times$"),
        ("<", "$<$"),  # text fonts have other glyphs in their places
        (">", "$>$"),
    ):
        text = text.replace(symbol, safe)
    return text


def latex(report: Report) -> str:
    """A booktabs table."""
    columns = report.table.columns
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escape(report.heading)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(["row", *(_escape(_label(column)) for column in columns)]) + r" \\",
        r"\midrule",
    ]
    for row in report.rows:
        texts = [text.replace("–", "--") for text in _texts(report, row, plus_minus=r"$\pm$", bold=r"\textbf{{}}")]
        lines.append(" & ".join([_escape(row), *texts]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if foot := _footnote(report):
        lines.append(rf"\par {_escape(foot)}")
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def comma_separated(report: Report) -> str:
    """One line a row and metric with mean, std (empty for one seed) and n; rates stay in 0-1."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["row", "metric", "mean", "std", "n"])
    for row in report.rows:
        for column in report.table.columns:
            summary = report.cells[row, column.metric]
            values = (
                ["", "", 0]
                if summary is None
                else [summary.mean, "" if summary.std is None else summary.std, summary.n]
            )
            writer.writerow([row, column.metric, *values])
    return stream.getvalue()


FORMATS: Mapping[str, Callable[[Report], str]] = {"md": markdown, "latex": latex, "csv": comma_separated}
