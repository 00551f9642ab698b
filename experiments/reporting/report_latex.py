"""A report as LaTeX: a table with booktabs' rules."""

from __future__ import annotations

from experiments.reporting.environments import COMPARISON, MEAN
from experiments.reporting.markdown_text import one_line
from experiments.reporting.report import STAR, WORSE, Report, label, row_texts
from experiments.reporting.report_notes import notes
from experiments.reporting.verdict_text import verdict_lines

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
})  # fmt: skip
_LATEX_SIGNS = str.maketrans({WORSE: r"\nabla", MEAN: r"\dagger", COMPARISON: r"\ddagger"})


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
        texts = row_texts(report, row, plus_minus=r"$\pm$", bold=r"\textbf{{}}", raised="$^{{}}$", signs=_LATEX_SIGNS)
        texts = [text.replace("–", "--") for text in texts]
        lines.append(" & ".join([_escape(row), *texts]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    under = [*notes(report), *verdict_lines(report.table, report.significance)]
    lines += [rf"\par\smallskip\footnotesize {_escape(text)}" for text in under]
    return "\n".join([*lines, r"\end{table}"]) + "\n"
