"""A report as LaTeX: a table with booktabs' rules."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.as_run_notes import MARK
from experiments.reporting.environments import COMPARISON, MEAN
from experiments.reporting.formats.report_markdown import label, row_texts
from experiments.reporting.markdown_text import one_line
from experiments.reporting.report import STAR, WORSE, Report
from experiments.reporting.report_notes import notes
from experiments.reporting.verdict_text import verdict_lines
from experiments.table_files.groups import Group

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
    "−": "$-$",
    "×": r"$\times$",
    "|": r"\textbar{}",  # which text fonts show as a dash
    "<": "$<$",  # text fonts have other glyphs in their places
    ">": "$>$",
    STAR: "*",
    WORSE: r"$\nabla$",
    MEAN: r"$\dagger$",
    COMPARISON: r"$\ddagger$",
    MARK: r"\S{}",
})  # fmt: skip
_LATEX_SIGNS = str.maketrans({WORSE: r"\nabla", MEAN: r"\dagger", COMPARISON: r"\ddagger", MARK: r"\S "})


def _escape(text: str) -> str:
    return one_line(text).translate(_LATEX)  # an empty line would end the paragraph, and with it the caption


def latex(report: Report) -> str:
    r"""Tables with booktabs' rules; in a document without ``\usepackage{booktabs}`` they are plain lines.

    One ``table`` with a heading a group, or one a group where they are folded; the notes stand under the last.
    """
    rules = "".join(rf"\providecommand{{\{name}}}{{\hline}}" for name in ("toprule", "midrule", "bottomrule"))
    tables = [[group] for group in report.groups] if report.folded else [report.groups]
    lines = [rules]
    under = [*notes(report), *verdict_lines(report.table, report.significance)]
    for number, groups in enumerate(tables, start=1):
        lines += _table(report, groups, under=under if number == len(tables) else [])
    return "\n".join(lines) + "\n"


def _table(report: Report, groups: Sequence[Group], *, under: Sequence[str]) -> list[str]:
    """One group's heading is in the caption, those of several in the table."""
    columns = report.table.columns
    alone = report.heading_of(groups[0]) if report.folded else ""
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escape(' · '.join(text for text in (report.heading, alone) if text))}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(["row", *(_escape(label(column)) for column in columns)]) + r" \\",
    ]
    for group in groups:
        lines.append(r"\midrule")
        if group.heading and not alone:
            heading = _escape(report.heading_of(group))
            lines.append(rf"\multicolumn{{{1 + len(columns)}}}{{l}}{{\textit{{{heading}}}}} \\")
        lines += [_line(report, row) for row in group.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    return [*lines, *(rf"\par\smallskip\footnotesize {_escape(text)}" for text in under), r"\end{table}"]


def _line(report: Report, row: str) -> str:
    texts = row_texts(report, row, plus_minus=r"$\pm$", bold=r"\textbf{{}}", raised="$^{{}}$", signs=_LATEX_SIGNS)
    return " & ".join([_escape(row), *(text.replace("–", "--") for text in texts)]) + r" \\"
