"""A table's numbers from MLflow: mean ± standard deviation over seeds, as Markdown, LaTeX or CSV.

The best mean of a column stands in bold, reference rows aside, and stars say which rows differ from the baseline
(``significance.py``). A mean over fewer runs than there are seeds says its n and how many diverged: of the others it is
a mean that competes for nothing. A cell without a finished run is a dash. What else must be known stands under the
table (``report_notes.py``): a report never hides what was not run. ``report_json.py`` and ``report_page.py`` have the
other two formats.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from datamodules.corpus_folder import CorpusMissingError, read_card
from experiments.columns import Column
from experiments.markdown_text import escaped, escaped_line, one_line
from experiments.merge import get_path
from experiments.plan import Cell
from experiments.report_notes import notes, short_notes
from experiments.significance import Significance
from experiments.significance_text import COMPARED, compared
from experiments.spec import Table
from experiments.stats import Summary, stars, summarise

NOTE_CHARACTERS = 7500  # MLflow cuts or refuses longer tags
STAR = "∗"  # U+2217: Markdown reads * as emphasis


@dataclass(frozen=True)
class SeedValue:
    """One run's figure, and where the run is: its MLflow id and the key that names its folder."""

    seed: int
    value: float
    run_id: str
    run_key: str


@dataclass(frozen=True)
class Report:
    """Summaries by (row, metric) and the values behind them, with what a heading must say."""

    table: Table
    heading: str
    rows: tuple[str, ...]
    cells: Mapping[tuple[str, str], Summary | None]
    missing: tuple[str, ...]
    num_seeds: int
    values: Mapping[tuple[str, str], tuple[SeedValue, ...]] = field(default_factory=dict)
    significance: Significance | None = None
    accepted: tuple[str, ...] = ()  # cells whose runs stand for newer code by their user's word
    num_finished: Mapping[str, int] = field(default_factory=dict)  # runs by row, whichever figures they have
    stored_data: tuple[str, ...] = ()  # what is said of corpora that are not on this disk

    def stars(self, row: str, metric: str) -> str:
        """Of the difference from the baseline, over the test set."""
        return "" if self.significance is None else stars(self.significance.p(row, metric))

    def diverged(self, row: str, metric: str) -> tuple[SeedValue, ...]:
        """The runs whose figure is NaN or infinite."""
        return tuple(of for of in self.values.get((row, metric), ()) if not math.isfinite(of.value))

    def of_fewer(self, row: str, metric: str) -> str:
        """``(n=1)``, ``(1 of 2 diverged)`` or both, of a mean over fewer runs than there are seeds; else empty."""
        summary, diverged = self.cells[row, metric], self.diverged(row, metric)
        n = summary.n if summary else 0
        says = [f"n={n}"] if n and n + len(diverged) < self.num_seeds else []
        says += [f"{len(diverged)} of {n + len(diverged)} diverged"] if diverged else []
        return f"({', '.join(says)})" if says else ""

    def best(self, column: Column) -> set[str]:
        """Rows with the best mean of a column, as printed (ties share it).

        Reference rows do not compete, nor do rows of which a seed diverged: its mean is of those that went well.
        """
        means = {
            row: float(shown(summary.mean, column))
            for row in self.rows
            if (summary := self.cells[row, column.metric]) is not None
            and not self.table.rows[row].reference
            and not self.diverged(row, column.metric)
        }
        if not means or column.better == "neither":
            return set()
        target = max(means.values()) if column.better == "higher" else min(means.values())
        return {row for row, mean in means.items() if mean == target}


def shown(value: float, column: Column) -> str:
    """A figure in its column's unit and decimals."""
    return f"{100 * value if column.unit == 'percent' else value:.{column.decimals}f}"


def make_report(table: Table, cells: Sequence[Cell], significance: Significance | None = None) -> Report:
    """Gather the finished cells of a plan."""
    own = [cell for cell in cells if cell.row.table == table.name]
    rows = tuple(name for name in table.rows if any(cell.row.name == name for cell in own))
    seeds = sorted({cell.seed for cell in own})
    values = {
        (row, column.metric): tuple(
            SeedValue(cell.seed, cell.run.metrics[column.metric], cell.run.run_id, _run_key(cell))
            for cell in own
            if cell.row.name == row and cell.state == "finished" and cell.run and column.metric in cell.run.metrics
        )
        for row in rows
        for column in table.columns
    }
    summaries = {place: summarise([value.value for value in of]) for place, of in values.items()}
    missing = tuple(f"{cell.name} ({cell.state})" for cell in own if cell.state != "finished")
    accepted = tuple(f"{cell.name} ({cell.accepted})" for cell in own if cell.accepted)
    finished = {row: sum(cell.row.name == row and cell.state == "finished" for cell in own) for row in rows}
    return Report(
        table,
        _heading(table, seeds),
        rows,
        summaries,
        missing,
        len(seeds),
        values,
        significance,
        accepted,
        finished,
        stored_data=tuple(dict.fromkeys(cell.stored_data for cell in own if cell.stored_data and cell.run)),
    )


def _run_key(cell: Cell) -> str:
    of_run = cell.run.tags.get("key") if cell.run else None
    return of_run or (cell.key.id if cell.key else "")


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


def _texts(report: Report, row: str, *, plus_minus: str, bold: str, raised: str = "{}", star: str = STAR) -> list[str]:
    """The numbers of a row; ``bold`` and ``raised`` (for stars) have ``{}`` where the text goes."""
    texts = []
    for column in report.table.columns:
        text = mean_text(report, row, column, plus_minus=plus_minus)
        text = bold.replace("{}", text) if row in report.best(column) else text
        if sign := report.stars(row, column.metric):
            text += raised.replace("{}", sign.replace("*", star))
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


def _grid(report: Report) -> list[list[str]]:
    heading = ["row", *(escaped(label(column)) for column in report.table.columns)]
    return [heading, *([escaped(row), *_texts(report, row, plus_minus="±", bold="**{}**")] for row in report.rows)]


def note(report: Report) -> str:
    """The heading and the table alone, unpadded, for MLflow's note: what does not fit is dropped from the end."""
    heading, *lines = ["| " + " | ".join(line) + " |" for line in _grid(report)]
    start = [escaped_line(report.heading), "", heading, "|" + " --- |" * (1 + len(report.table.columns))]
    foot = short_notes(report)
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
    whys = [f"- `{row}`: {one_line(report.table.rows[row].why)}" for row in report.rows]
    under = [line for text in notes(report) for line in ("", text)]
    return "\n".join([escaped_line(report.heading), "", *lines, "", *whys, *under]) + "\n"


_LATEX = str.maketrans({
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "_%&#$" + "{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "–": "--",
    "×": r"$\times$",
    "|": r"\textbar{}",  # which text fonts show as a dash
    "<": "$<$",  # text fonts have other glyphs in their places
    ">": "$>$",
    STAR: "*",
})  # fmt: skip


def _escape(text: str) -> str:
    return one_line(text).translate(_LATEX)  # an empty line would end the paragraph, and with it the caption


def latex(report: Report) -> str:
    r"""A table with booktabs' rules; in a document without ``\usepackage{booktabs}`` they are plain lines."""
    columns = report.table.columns
    rules = "".join(rf"\providecommand{{\{name}}}{{\hline}}" for name in ("toprule", "midrule", "bottomrule"))
    lines = [
        rules,
        r"\begin{table}",
        rf"\caption{{{_escape(report.heading)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(["row", *(_escape(label(column)) for column in columns)]) + r" \\",
        r"\midrule",
    ]
    for row in report.rows:
        texts = _texts(report, row, plus_minus=r"$\pm$", bold=r"\textbf{{}}", raised="$^{{}}$", star="*")
        texts = [text.replace("–", "--") for text in texts]
        lines.append(" & ".join([_escape(row), *texts]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\smallskip\footnotesize {_escape(text)}" for text in notes(report)]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def comma_separated(report: Report) -> str:
    """One line a row and metric with mean, std (empty for one seed), n, the runs' MLflow ids by seed, and the tests.

    ``diverged`` are runs whose figure is NaN or infinite: they are among the runs and not in mean, std and n. Rates
    stay in 0-1. ``difference``, its 95 % interval, ``p`` and ``p_holm`` are of the test over the test set, ``p_seeds``
    and ``p_seeds_holm`` of the one over seeds; empty where there is none.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["row", "metric", "mean", "std", "n", "runs", *COMPARED, "diverged"])
    for row in report.rows:
        for column in report.table.columns:
            summary = report.cells[row, column.metric]
            values = (
                ["", "", 0]
                if summary is None
                else [summary.mean, "" if summary.std is None else summary.std, summary.n]
            )
            runs = " ".join(f"{of.seed}:{of.run_id}" for of in report.values.get((row, column.metric), ()))
            tests = compared(report.significance, row, column.metric)
            of_tests = ("" if tests[name] is None else tests[name] for name in COMPARED)
            diverged = len(report.diverged(row, column.metric)) or ""
            writer.writerow([row, column.metric, *values, runs, *of_tests, diverged])
    return stream.getvalue()


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "md": markdown,
    "latex": latex,
    "csv": comma_separated,
}  # and two more
